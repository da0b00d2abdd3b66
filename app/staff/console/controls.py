"""The brakes: one person stops withdrawals or holds calls back, two let them go on."""

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.errors import Refused
from app.operations import holds
from app.operations.context import context
from app.payouts import switch
from app.providers.pauses import Held
from app.staff import approvals
from app.staff.approval_kinds import WITHDRAWALS, Asked, Kind
from app.staff.console.acts import reason
from app.staff.console.routes import actor, page, reading, shown
from app.staff.permissions import Permission

LISTED_MAX = 100


class NoSuchHold(Refused):
    """What to hold back, or for how long, is not among what can be chosen."""

    code = "CO-12"


@page("/controls", Permission.STOP)
def controls() -> ResponseReturnValue:
    """Whether withdrawals go on, what is held back, and what waits."""
    with reading() as tx:
        stopped = switch.stopped(tx)
        waiting = switch.waiting(tx)
        held = holds.read(tx)
        asked = approvals.listed(tx, decided=False, limit=LISTED_MAX)
    return shown(
        "controls.html",
        stopped_now=stopped,
        waiting=waiting,
        asked=[one for one in asked if one.kind is Kind.RESUME_WITHDRAWALS],
        held=held,
        asked_for={one.subject: one for one in asked if one.kind is Kind.RESUME_PROVIDER},
        hours=holds.HOURS,
    )


@page("/controls/stop", Permission.STOP, post=True)
def stop_withdrawals() -> ResponseReturnValue:
    """Stop all withdrawals at once."""
    why = reason()
    with context().db.transaction() as tx:
        switch.stop(tx, reason=why, by=actor())
    return redirect(url_for("console.controls"), 303)


@page("/controls/resume", Permission.ASK_TO_RESUME, post=True)
def ask_to_resume() -> ResponseReturnValue:
    """Ask that withdrawals go on."""
    asked = Asked(Kind.RESUME_WITHDRAWALS, WITHDRAWALS, reason())
    with context().db.transaction() as tx:
        number, _ = approvals.ask(tx, asked, by=actor())
    return redirect(url_for("console.approval", number=number, done="asked"), 303)


@page("/controls/hold", Permission.STOP, post=True)
def hold_back() -> ResponseReturnValue:
    """Hold back payouts, questions or SMS for a while, at once."""
    step, why = _step(), reason()
    hours = next((one for one in holds.HOURS if str(one) == request.form.get("hours")), None)
    if hours is None:
        raise NoSuchHold("Choose for how long to hold it back.")
    with context().db.transaction() as tx:
        holds.hold_back(tx, step, hours=hours, reason=why, by=actor())
    return redirect(url_for("console.controls", done="held"), 303)


@page("/controls/let-go", Permission.ASK_TO_RESUME, post=True)
def ask_to_let_go() -> ResponseReturnValue:
    """Ask that payouts, questions or SMS go on."""
    asked = Asked(Kind.RESUME_PROVIDER, _step(), reason())
    with context().db.transaction() as tx:
        number, _ = approvals.ask(tx, asked, by=actor())
    return redirect(url_for("console.approval", number=number, done="asked"), 303)


def _step() -> Held:
    try:
        return Held(request.form.get("step", ""))
    except ValueError:
        raise NoSuchHold("Choose what: payouts, questions or SMS.") from None
