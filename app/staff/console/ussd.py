"""How members use the menus, and what one session showed."""

import re

from flask import abort, request
from flask.typing import ResponseReturnValue

from app.messages.texts import without_balance
from app.msisdn import mask_all
from app.operations import ussd_use
from app.operations.ussd_use import DAYS, PAGE, Shown
from app.staff.console import drawing
from app.staff.console.routes import bp, me, page, reading, shown
from app.staff.permissions import Permission, may

TELL_SAVINGS = frozenset({"balance.shown", "statement.shown", "withdraw.insufficient"})
"""Screens whose every figure tells what a member has."""
_DIGITS = re.compile(r"\d+")
ID_MAX = 100
"""The gateway's ids are no longer."""


@page("/ussd", Permission.SEE_USSD)
def ussd() -> ResponseReturnValue:
    """The funnel, what was answered, wrong PINs, and the newest sessions."""
    asked = request.args.get("days", "")
    days = int(asked) if asked in map(str, DAYS) else DAYS[0]
    with reading() as tx:
        steps = ussd_use.funnel(tx, days=days)
        outcomes = ussd_use.outcomes(tx, days=days)
        shares = ussd_use.shares(tx, days=days)
        wrong = ussd_use.wrong_pins(tx)
        found = ussd_use.sessions(tx, before=request.args.get("before", "")[:ID_MAX])
    return shown(
        "ussd.html",
        days=days,
        choices=DAYS,
        steps=steps,
        outcomes=outcomes,
        shares=shares,
        wrong=wrong,
        found=found[:PAGE],
        older=found[PAGE - 1].session_id if len(found) > PAGE else None,
        narrowing=drawing.stacked([(step.count,) for step in steps]),
        tries=drawing.stacked([(hour.count,) for hour in wrong]),
    )


@page("/ussd/<path:session_id>", Permission.SEE_USSD)
def ussd_session(session_id: str) -> ResponseReturnValue:
    """The screens of one session that are kept."""
    with reading() as tx:
        found = ussd_use.session(tx, session_id)
    if found is None:
        abort(404, "There is no such session.")
    session, screens = found
    return shown("ussd_session.html", session=session, screens=screens)


@bp.app_template_filter()
def screen(one: Shown) -> str:
    """What the phone showed, without what this reader may not know."""
    text = mask_all(one.body)
    if may(me(), Permission.SEE_BALANCES):
        return text
    return _DIGITS.sub("••", text) if one.screen in TELL_SAVINGS else without_balance(text)
