"""A person's own passkeys: made, used once more, taken away."""

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.errors import Refused
from app.operations.context import context
from app.staff import pages, passkey_pages, passkeys
from app.staff.console.routes import me, page, shown, step_up
from app.staff.console.you import require_password
from app.staff.permissions import Permission


class AppFirst(Refused):
    """A passkey comes beside the authenticator app, whose recovery codes are the way back."""

    code = "CO-13"


@page("/you/passkey", Permission.SEE_OWN)
def new_passkey() -> ResponseReturnValue:
    """The form with which a passkey is made."""
    _require_app()
    return shown("passkey.html", refused=None)


@page("/you/passkey/question", Permission.SEE_OWN, post=True)
def new_passkey_question() -> ResponseReturnValue:
    """What the browser needs to make a passkey, as JSON."""
    _require_app()
    issuer = context().settings.sacco_name
    with context().db.transaction() as tx:
        question = passkeys.question_to_make(tx, me(), pages.here(), issuer=issuer)
    return Response(question, mimetype="application/json")


@page("/you/passkey", Permission.SEE_OWN, post=True)
def keep_passkey() -> ResponseReturnValue:
    """Keep the passkey that the browser has made."""
    _require_app()
    step_up()
    answer = request.form.get("passkey", "")[: passkeys.CREDENTIAL_LENGTH_MAX]
    title = request.form.get("title", "")
    try:
        require_password()
        with context().db.transaction() as tx:
            challenge = passkeys.take_question(tx, me().id)
        with context().db.transaction() as tx:
            passkeys.keep(
                tx,
                me(),
                pages.here(),
                answer,
                challenge=challenge,
                title=title,
                source=pages.source(),
            )
    except Refused as refused:
        return shown("passkey.html", status=422, refused=refused)
    return redirect(url_for("console.you", done="passkey"), 303)


@page("/you/passkey/show", Permission.SEE_OWN, post=True)
def show_passkey_question() -> ResponseReturnValue:
    """What the browser needs to show a passkey once more, as JSON."""
    return passkey_pages.asked_for(me().id)


@page("/you/passkey/remove", Permission.SEE_OWN, post=True)
def remove_passkey() -> ResponseReturnValue:
    """Forget a passkey, of a lost device for instance."""
    step_up()
    with context().db.transaction() as tx:
        passkeys.remove(tx, me().id, request.form.get("passkey_id", ""), source=pages.source())
    return redirect(url_for("console.you", done="removed"), 303)


def _require_app() -> None:
    if not me().has_second_factor:
        raise AppFirst("Set up the authenticator app first: its recovery codes are the way back.")
