"""How a page comes into the console: with its address, and with who may open it.

A page cannot be without a permission, and a request that only reads cannot write: its database
transaction is read-only.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import sqlalchemy as sa
from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from app.audit import Actor
from app.db import Tx
from app.errors import Refused
from app.operations.context import context
from app.payouts import switch
from app.payouts.switch import Stop
from app.staff import audit, headers, pages, passkey_pages, passkeys, second_factor, sessions
from app.staff.accounts import Staff
from app.staff.approval_kinds import ABOUT_MEMBERS
from app.staff.audit import Action
from app.staff.console import words
from app.staff.console.ways import WAYS
from app.staff.permissions import Permission, may, who_may
from app.staff.second_factor import WrongCode

bp = Blueprint("console", __name__, url_prefix="/staff")
pages.say_what_went_wrong(bp)
NEEDS: dict[str, Permission] = {}
"""What opens each page, by endpoint."""
BYTES_MAX: dict[str, int] = {}
"""What may be sent where it is more than elsewhere, by endpoint."""

PASSKEY_NEEDED = "A manager agrees with a passkey, not with a code. Make one on your own page."

ID_MAX = 2**63 - 1
"""Of PostgreSQL's bigint."""
WITHOUT_FACTOR = frozenset({"console.you", "console.new_factor", "console.set_factor"})
"""What opens for somebody who must set up a second factor first."""

View = Callable[..., ResponseReturnValue]


def page(
    rule: str, permission: Permission, *, post: bool = False, bytes_max: int | None = None
) -> Callable[[View], View]:
    """Put a page at an address, for those who have the permission."""

    def put(view: View) -> View:
        NEEDS[f"console.{view.__name__}"] = permission
        if bytes_max:
            BYTES_MAX[f"console.{view.__name__}"] = bytes_max
        methods = ["POST"] if post else ["GET"]
        # A number that no row can have is not found, instead of an error of the database.
        bounded = rule.replace("<int:", f"<int(max={ID_MAX}):")
        bp.add_url_rule(bounded, view_func=_guarded(view, permission), methods=methods)
        return view

    return put


def number_given(name: str) -> int | None:
    """A row's number from the current address, such as where a page before ended."""
    text = request.args.get(name, "")
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(ID_MAX))
    return int(text) if is_number and int(text) <= ID_MAX else None


def me() -> Staff:
    """The person who makes the current request."""
    staff: Staff = g.staff
    return staff


def actor() -> Actor:
    """The same, for the record."""
    return Actor(pages.source(), staff_id=me().id, name=me().name)


@contextmanager
def reading() -> Iterator[Tx]:
    """A database transaction that cannot write."""
    with context().db.transaction() as tx:
        tx.execute(sa.text("SET TRANSACTION READ ONLY"))
        yield tx


@contextmanager
def trying() -> Iterator[Tx]:
    """A database transaction in which anything can be tried, and of which nothing stays."""
    with context().db.transaction() as tx:
        trial = tx.begin_nested()
        try:
            yield tx
        finally:
            trial.rollback()


def shown(template: str, *, status: int = 200, **facts: Any) -> ResponseReturnValue:
    """A page from its template."""
    return make_response(render_template(f"console/{template}", **facts), status)


def needs_second_factor(staff: Staff) -> bool:
    """Whether this person must set one up before anything else."""
    return context().settings.in_production and not staff.has_second_factor


def needs_passkey(staff: Staff) -> bool:
    """Whether a code is not enough for this person to agree to what others propose."""
    settings = context().settings
    return (
        settings.in_production
        and settings.staff_passkeys_required
        and may(staff, Permission.DECIDE)
    )


def step_up() -> None:
    """Ask for the second factor once more, of those who have one, before a second person's yes.

    Raises:
        WrongCode: it was not shown lately, and what the form holds does not fit.
        BadPasskey: the same, of a passkey.
    """
    by_passkey = needs_passkey(me())
    if not me().has_second_factor or sessions.is_fresh(by_passkey=by_passkey):
        return
    answer = request.form.get("passkey", "")[: passkeys.CREDENTIAL_LENGTH_MAX]
    if answer:
        passkey_pages.require(me().id, answer)
        sessions.strengthen(by_passkey=True)
        return
    if by_passkey:
        raise WrongCode(PASSKEY_NEEDED)
    typed = request.form.get("code", "")[: pages.CODE_MAX]
    with context().db.transaction() as tx:
        is_right = second_factor.matches(
            tx, me().id, typed, seeds=pages.seeds(), source=pages.source()
        )
    if not is_right:
        raise WrongCode(pages.CODE_REFUSED)
    sessions.strengthen()


def _guarded(view: View, permission: Permission) -> View:
    @wraps(view)
    def guarded(**arguments: Any) -> ResponseReturnValue:
        staff = sessions.present()
        if staff is None:
            return pages.to_sign_in()
        g.staff = staff
        if needs_second_factor(staff) and request.endpoint not in WITHOUT_FACTOR:
            return redirect(url_for("console.you", first=1))
        if not may(staff, permission):
            _record_refusal(staff, permission)
            return shown("not_yours.html", status=403, needs=permission, who=who_may(permission))
        # A page that asks for itself anew is no sign of a person.
        if "HX-Request" not in request.headers:
            sessions.renew()
        return view(**arguments)

    return guarded


def _record_refusal(staff: Staff, permission: Permission) -> None:
    with context().db.transaction() as tx:
        audit.record(
            tx,
            Action.PAGE_REFUSED,
            staff_id=staff.id,
            source=pages.source(),
            endpoint=str(request.endpoint),
            needs=permission,
        )


@bp.errorhandler(Refused)
def _not_done(why: Refused) -> ResponseReturnValue:
    """What was asked for does not fit; nothing was done, and the page says why."""
    came_from = request.referrer or ""
    back = came_from if came_from.startswith(request.host_url) else url_for("console.today")
    return shown("refused.html", status=409, why=why, back=back)


@bp.before_request
def _let_large_files_in() -> None:
    """Before anything reads the request, and only from those who may send one."""
    endpoint = str(request.endpoint)
    staff = sessions.present() if endpoint in BYTES_MAX else None
    if staff is not None and may(staff, NEEDS[endpoint]):
        request.max_content_length = BYTES_MAX[endpoint]


@bp.before_request
def _refuse_forged_forms() -> None:
    current_app.extensions["csrf"].protect()


@bp.after_request
def _protect(response: Response) -> Response:
    https = context().settings.in_production
    return headers.protect(response, policy=headers.STRICT, https=https, is_static=False)


@bp.app_template_global("_")
def _words(english: str, **values: str) -> str:
    return words.text(english, **values)


@bp.app_context_processor
def _of_every_page() -> dict[str, Any]:
    """What the frame around each page needs."""
    staff: Staff | None = g.get("staff")
    return {
        "me": staff,
        "Permission": Permission,
        "ways": WAYS,
        "about_members": ABOUT_MEMBERS,
        "may": lambda permission: staff is not None and may(staff, permission),
        "language": words.language,
        "languages": words.LANGUAGES,
        "say": words.said,
        "stop": _stop,
        "needs_code": staff is not None and staff.has_second_factor and not _is_strong(staff),
        "needs_passkey": staff is not None and needs_passkey(staff),
    }


def _is_strong(staff: Staff) -> bool:
    return sessions.is_fresh(by_passkey=needs_passkey(staff))


def _stop() -> Stop | None:
    """Since when and why withdrawals are stopped: every page says so."""
    with reading() as tx:
        return switch.stopped(tx)
