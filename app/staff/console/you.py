"""A person's own page: the second factor, the sessions, what they did last."""

import re

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app.errors import Refused
from app.operations.context import context
from app.staff import accounts, audit, pages, second_factor, sessions, signing_in
from app.staff.audit import Action
from app.staff.console.routes import me, page, reading, shown, step_up
from app.staff.permissions import Permission
from app.staff.signing_in import Attempt

ACTIONS_SHOWN = 20
_SEED = re.compile(r"[A-Z2-7]{32}")


class WrongPassword(Refused):
    """The password is not right."""

    code = "ST-12"


@page("/you", Permission.SEE_OWN)
def you() -> ResponseReturnValue:
    """What this person has set up, and did."""
    with reading() as tx:
        found = second_factor.factors(tx, me().id)
        recent = audit.recent(tx, me().id, limit=ACTIONS_SHOWN)
    return shown("you.html", factors=found, recent=recent)


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
    password = request.form.get("password", "")
    in_production = context().settings.in_production
    typed = Attempt(me().email, password, pages.source(), in_production=in_production)
    with context().db.transaction() as tx:
        known = signing_in.sign_in(tx, typed)
    if known is None:
        return _form(seed, refused=WrongPassword("The password is not right."))
    try:
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
    except second_factor.WrongCode as wrong:
        return _form(seed, refused=wrong)
    sessions.begin(again, with_code=True)
    return shown("recovery_codes.html", codes=codes)


@page("/you/end-sessions", Permission.SEE_OWN, post=True)
def end_sessions() -> ResponseReturnValue:
    """End every session of this person, this one too."""
    with context().db.transaction() as tx:
        accounts.end_sessions(tx, me().id)
        audit.record(tx, Action.SIGNED_OUT, staff_id=me().id, source=pages.source())
    sessions.ended()
    return redirect(url_for("staff.login"), 303)


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
