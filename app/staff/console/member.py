"""One member as the help desk needs her, and what staff may do for her."""

from datetime import timedelta

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.clock import NAIROBI, now
from app.errors import Refused
from app.members import standing
from app.msisdn import parse
from app.operations import member_acts, member_file, story
from app.operations.context import context
from app.staff import approvals
from app.staff.approval_kinds import Asked, Kind
from app.staff.console.acts import reason
from app.staff.console.routes import actor, me, page, reading, shown
from app.staff.permissions import Permission, may

STATEMENT_DAYS = 90
"""What a statement is usually asked for."""


class NoNumber(Refused):
    """What was typed is no Kenyan mobile number."""

    code = "CO-03"


@page("/members/<member_no>", Permission.SEE_PAYOUTS)
def member(member_no: str) -> ResponseReturnValue:
    """Her standing, her PIN, her latest withdrawals, and what was done to her file."""
    with reading() as tx:
        view = member_file.read(tx, member_file.found(tx, member_no))
        latest = story.tell(tx, view.payouts[0].reference) if view.payouts else None
        waiting = [
            one
            for one in approvals.listed(tx, decided=False, limit=100)
            if one.subject == view.member_no
        ]
    today = now().astimezone(NAIROBI).date()
    sees_balances = may(me(), Permission.SEE_BALANCES)
    return shown(
        "member.html",
        view=view,
        latest=latest,
        waiting=waiting,
        sees_balances=sees_balances,
        today=today,
        usual_since=today - timedelta(days=STATEMENT_DAYS),
    )


@page("/members/<member_no>/lock", Permission.STOP, post=True)
def lock_member(member_no: str) -> ResponseReturnValue:
    """Close her phone service at once: a lost phone, a suspicion. One person may."""
    why, by = reason(), actor()
    with context().db.transaction() as tx:
        found = member_file.found(tx, member_no)
        member_acts.do(
            tx,
            found,
            lambda tx, her: standing.lock_phone(tx, her.id, reason=why, by=by),
            takes_back=True,
        )
    return redirect(url_for("console.member", member_no=found.member_no, done="locked"), 303)


@page("/members/<member_no>/unlock", Permission.ASK_FOR_MEMBER, post=True)
def ask_unlock(member_no: str) -> ResponseReturnValue:
    """Ask that her phone service and her PIN's locks be opened."""
    return _ask(Asked(Kind.UNLOCK_MEMBER, member_no, reason()))


@page("/members/<member_no>/pin-reset", Permission.ASK_FOR_MEMBER, post=True)
def ask_pin_reset(member_no: str) -> ResponseReturnValue:
    """Ask that a start PIN be sent to her. Nobody here sees or chooses it."""
    valid_h = context().settings.start_pin_valid_h
    return _ask(Asked(Kind.RESET_PIN, member_no, reason(), {"valid_h": valid_h}))


@page("/members/<member_no>/number", Permission.ASK_FOR_MEMBER, post=True)
def ask_number(member_no: str) -> ResponseReturnValue:
    """Ask that she be given another phone number."""
    try:
        msisdn = parse(request.form.get("number", ""))
    except ValueError as wrong:
        raise NoNumber(str(wrong)) from None
    return _ask(Asked(Kind.CHANGE_NUMBER, member_no, reason(), {"msisdn": msisdn}))


def _ask(asked: Asked) -> ResponseReturnValue:
    with context().db.transaction() as tx:
        number, _ = approvals.ask(tx, asked, by=actor())
    return redirect(url_for("console.approval", number=number, done="asked"), 303)
