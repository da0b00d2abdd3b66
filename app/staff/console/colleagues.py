"""Who works here, and asking for accounts: for whoever must see that the right people have them."""

from datetime import timedelta

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from app import audit, clock
from app.db import Tx
from app.errors import Refused
from app.operations.context import context
from app.staff import accounts, approvals, joining, staffing
from app.staff import audit as record
from app.staff.accounts import Listed, NoSuchAccount, Role
from app.staff.approval_kinds import ABOUT_STAFF, Asked, Kind
from app.staff.approvals import NoSuchRequest, Request
from app.staff.console.acts import reason
from app.staff.console.routes import actor, me, page, reading, shown, step_up
from app.staff.permissions import ROLES, Permission

REVIEW_EVERY = timedelta(days=90)
WAITING_MAX = 100
REVIEWED = "access_reviewed"


class NoSuchRole(Refused):
    """There is no such role."""

    code = "CO-12"


@page("/people", Permission.SEE_STAFF)
def colleagues() -> ResponseReturnValue:
    """Every account, what waits for a second person, and what each role is for."""
    with reading() as tx:
        found = accounts.everyone(tx)
        waiting = _waiting(tx)
        reviewed = record.listed(tx, about=REVIEWED)[:1]
    is_due = not reviewed or clock.now() - reviewed[0].at > REVIEW_EVERY
    return shown(
        "colleagues.html",
        found=found,
        waiting=waiting,
        reviewed=reviewed[0] if reviewed else None,
        review_is_due=is_due,
        roles=Role,
        table=ROLES,
    )


@page("/people/ask", Permission.KEEP_STAFF, post=True)
def ask_to_hire() -> ResponseReturnValue:
    """Ask for an account for somebody who joins, or comes back."""
    detail = {"name": request.form.get("name", ""), "role": _role()}
    return _ask(Asked(Kind.HIRE, _email(request.form.get("email", "")), reason(), detail))


@page("/people/<int:number>", Permission.SEE_STAFF)
def colleague(number: int) -> ResponseReturnValue:
    """One account, what waits for it, and what its person did last."""
    with reading() as tx:
        one = _found(tx, number)
        waiting = [asked for asked in _waiting(tx) if asked.subject == one.email]
        acts = record.listed(tx, about=one.email)
    return shown(
        "colleague.html",
        one=one,
        waiting=waiting,
        acts=acts,
        roles=[role for role in Role if role is not one.role],
        is_me=one.id == me().id,
    )


@page("/people/<int:number>/ask/<act>", Permission.KEEP_STAFF, post=True)
def ask_about_colleague(number: int, act: str) -> ResponseReturnValue:
    """Ask that an account end, have another role, or be set up anew."""
    kinds = {kind.replace("_", "-"): kind for kind in ABOUT_STAFF - {Kind.HIRE}}
    kind = kinds.get(act)
    if kind is None:
        raise NoSuchRequest("There is no such thing to ask for.")
    with reading() as tx:
        one = _found(tx, number)
    detail = {"role": _role()} if kind is Kind.CHANGE_ROLE else {}
    return _ask(Asked(kind, one.email, reason(), detail))


@page("/people/<int:number>/link", Permission.KEEP_STAFF, post=True)
def make_joining_link(number: int) -> ResponseReturnValue:
    """Make the link with which an invited person sets a password. It is shown this once."""
    with context().db.transaction() as tx:
        one = _found(tx, number)
        link = joining.make_link(tx, number)
        audit.record(tx, "joining_link_made", by=actor(), colleague=one.email)
    base = context().settings.public_base
    return shown("joining_link.html", one=one, address=f"{base}/staff/join/{link}")


@page("/people/<int:number>/end-sessions", Permission.KEEP_STAFF, post=True)
def end_colleagues_sessions(number: int) -> ResponseReturnValue:
    """End every session of a colleague at once: a lost computer, a suspicion. One person may."""
    why = reason()
    with context().db.transaction() as tx:
        one = _found(tx, number)
        accounts.end_sessions(tx, number)
        audit.record(tx, "sessions_ended", by=actor(), colleague=one.email, reason=why)
    return redirect(url_for("console.colleague", number=number, done="sessions"), 303)


@page("/people/requests/<int:number>/let-go", Permission.KEEP_STAFF, post=True)
def let_go_of_staff_request(number: int) -> ResponseReturnValue:
    """Let go of a request about an account."""
    why = reason()
    with context().db.transaction() as tx:
        if number not in {asked.id for asked in _waiting(tx)}:
            raise NoSuchRequest(f"No request {number} about an account waits.")
        approvals.reject(tx, number, reason=why, by=actor())
    return redirect(url_for("console.colleagues", done="rejected"), 303)


@page("/people/review", Permission.REVIEW_STAFF, post=True)
def review_staff() -> ResponseReturnValue:
    """Sign that everybody who has an account should have it, in that role."""
    why = reason()
    step_up()
    with context().db.transaction() as tx:
        active = sum(one.state != "disabled" for one in accounts.everyone(tx))
        audit.record(tx, REVIEWED, by=actor(), accounts=active, reason=why)
    return redirect(url_for("console.colleagues", done="reviewed"), 303)


def _ask(asked: Asked) -> ResponseReturnValue:
    with context().db.transaction() as tx:
        approvals.ask(tx, asked, by=actor())
    return redirect(url_for("console.colleagues", done="asked"), 303)


def _waiting(tx: Tx) -> list[Request]:
    found = approvals.listed(tx, decided=False, limit=WAITING_MAX)
    return [asked for asked in found if asked.kind in ABOUT_STAFF]


def _found(tx: Tx, number: int) -> Listed:
    found = accounts.everyone(tx, only=number)
    if not found:
        raise NoSuchAccount("There is no such account.")
    return found[0]


def _email(typed: str) -> str:
    return accounts.normal(typed[: staffing.EMAIL_LENGTH_MAX])


def _role() -> str:
    wanted = request.form.get("role", "")
    if wanted not in list(Role):
        raise NoSuchRole("Choose one of the roles.")
    return wanted
