"""A person's own page: the second factor, the sessions, what they did last."""

import re

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from webauthn.helpers import bytes_to_base64url

from app.errors import Refused
from app.operations.context import context
from app.staff import accounts, audit, pages, passkeys, second_factor, sessions, signing_in
from app.staff.audit import Action
from app.staff.console.routes import actor, me, page, reading, shown, step_up
from app.staff.passwords import WeakPassword
from app.staff.permissions import Permission
from app.staff.signing_in import Attempt

ACTIONS_SHOWN = 20
WRONG_PASSWORD = "The password is not right."  # noqa: S105 - a sentence
_SEED = re.compile(r"[A-Z2-7]{32}")


class WrongPassword(Refused):
    """The password is not right."""

    code = "ST-12"


@page("/you", Permission.SEE_OWN)
def you() -> ResponseReturnValue:
    """What this person has set up, and did."""
    with reading() as tx:
        found = second_factor.factors(tx, me().id)
        keys = passkeys.of(tx, me().id)
        recent = audit.recent(tx, me().id, limit=ACTIONS_SHOWN)
    named = [(bytes_to_base64url(key.id), key) for key in keys]
    return shown("you.html", factors=found, passkeys=named, recent=recent, host=pages.here().host)


@page("/you/second-factor", Permission.SEE_OWN)
def new_factor() -> ResponseReturnValue:
    """A new seed, for an app to be pointed at. Nothing is kept yet."""
    return _form(second_factor.new_seed(), refused=None)


@page("/you/second-factor", Permission.SEE_OWN, post=True)
def set_factor() -> ResponseReturnValue:
    """Keep the seed once the app shows its code. The codes for the drawer are shown this once."""
    step_up()
    seed = request.form.get("seed", "")
    if not _SEED.fullmatch(seed):
        return redirect(url_for("console.new_factor"), 303)
    try:
        require_password()
        with context().db.transaction() as tx:
            codes = second_factor.set_up(
                tx,
                me().id,
                seed,
                request.form.get("new_code", ""),
                seeds=pages.seeds(),
                source=pages.source(),
            )
            # Whoever else is signed in as this person showed only a password.
            accounts.end_sessions(tx, me().id)
            again = accounts.by_email(tx, me().email)
    except (second_factor.WrongCode, WrongPassword) as wrong:
        return _form(seed, refused=wrong)
    sessions.begin(again, with_code=True)
    return shown("recovery_codes.html", codes=codes)


@page("/you/password", Permission.SEE_OWN)
def new_password() -> ResponseReturnValue:
    """The form for another password."""
    return shown("own_password.html", refused=None)


@page("/you/password", Permission.SEE_OWN, post=True)
def set_own_password() -> ResponseReturnValue:
    """Set another password, and end every session but this one."""
    step_up()
    try:
        require_password()
        new = pages.typed_twice("new_password")
        with context().db.transaction() as tx:
            accounts.set_password(tx, email=me().email, password=new, by=actor())
            again = accounts.by_email(tx, me().email)
    except (WeakPassword, WrongPassword) as refused:
        return shown("own_password.html", status=422, refused=refused)
    was_fresh = sessions.is_fresh()
    by_passkey = sessions.is_fresh(by_passkey=True)
    sessions.begin(again, with_code=was_fresh, with_passkey=by_passkey)
    return redirect(url_for("console.you", done="password"), 303)


@page("/you/end-sessions", Permission.SEE_OWN, post=True)
def end_sessions() -> ResponseReturnValue:
    """End every session of this person, this one too."""
    with context().db.transaction() as tx:
        accounts.end_sessions(tx, me().id)
        audit.record(tx, Action.SIGNED_OUT, staff_id=me().id, source=pages.source())
    sessions.ended()
    return redirect(url_for("staff.login"), 303)


def require_password() -> None:
    """Ask for the person's password once more. A wrong one counts, as at the sign-in.

    Raises:
        WrongPassword: it is not right, or the account is locked for a while.
    """
    password = request.form.get("password", "")
    in_production = context().settings.in_production
    typed = Attempt(me().email, password, pages.source(), in_production=in_production)
    with context().db.transaction() as tx:
        known = signing_in.sign_in(tx, typed)
    if known is None:
        raise WrongPassword(WRONG_PASSWORD)


def _form(seed: str, *, refused: Refused | None) -> ResponseReturnValue:
    issuer = context().settings.sacco_name
    picture = Markup(second_factor.picture(seed, email=me().email, issuer=issuer))  # noqa: S704 - ours
    return shown(
        "second_factor.html",
        status=403 if refused else 200,
        seed=seed,
        picture=picture,
        refused=refused,
    )
