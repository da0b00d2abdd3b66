"""Showing a passkey: at the sign-in after the password, and once more before a second yes."""

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.observability import logger
from app.operations.context import context
from app.staff import accounts, audit, pages, passkeys, sessions
from app.staff.audit import Action
from app.staff.passkeys import BadPasskey

bp = Blueprint("passkey", __name__, url_prefix="/staff/passkey")
pages.guard(bp)


@bp.post("/question")
def question() -> ResponseReturnValue:
    """What the browser needs to show a passkey of whoever's password was right, as JSON."""
    waiting = sessions.pending()
    return asked_for(waiting[0] if waiting else None)


@bp.post("/")
def sign_in() -> ResponseReturnValue:
    """Check the passkey of whoever's password was right, and start a session."""
    waiting = sessions.pending()
    if waiting is None:
        return redirect(url_for("staff.login", next=pages.target()), 303)
    staff_id, key = waiting
    answer = request.form.get("passkey", "")[: passkeys.CREDENTIAL_LENGTH_MAX]
    try:
        require(staff_id, answer)
    except BadPasskey as bad:
        return pages.code_page(refused=str(bad)), 403
    with context().db.transaction() as tx:
        staff = accounts.find(tx, staff_id=staff_id, session_key=key)
        if staff is not None:
            audit.record(
                tx, Action.SIGNED_IN, staff_id=staff_id, source=pages.source(), factor="passkey"
            )
    if staff is None:
        return redirect(url_for("staff.login", next=pages.target()), 303)
    logger().info("staff_signed_in", staff_id=staff.id, source=pages.source())
    sessions.begin(staff, with_passkey=True)
    return redirect(pages.target(), 303)


def asked_for(staff_id: int | None) -> ResponseReturnValue:
    """The question for a person's passkeys, as JSON; 404 where there is none to show."""
    question = None
    if staff_id is not None:
        with context().db.transaction() as tx:
            question = passkeys.question_to_show(tx, staff_id, pages.here())
    if question is None:
        return {"error": "There is no passkey to show here."}, 404
    return Response(question, mimetype="application/json")


def require(staff_id: int, answer: str) -> None:
    """Take the answer of one of the person's passkeys; what does not fit is on record.

    Raises:
        BadPasskey: it does not fit.
    """
    with context().db.transaction() as tx:
        challenge = passkeys.take_question(tx, staff_id)
    try:
        with context().db.transaction() as tx:
            passkeys.require(tx, staff_id, pages.here(), answer, challenge=challenge)
    except BadPasskey:
        with context().db.transaction() as tx:
            audit.record(tx, Action.PASSKEY_REFUSED, staff_id=staff_id, source=pages.source())
        raise
