"""The switch that stops withdrawals: one person stops, two let them go on."""

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from app.operations.context import context
from app.payouts import switch
from app.staff import approvals
from app.staff.approval_kinds import WITHDRAWALS, Asked, Kind
from app.staff.console.acts import reason
from app.staff.console.routes import actor, page, reading, shown
from app.staff.permissions import Permission


@page("/controls", Permission.STOP)
def controls() -> ResponseReturnValue:
    """Whether withdrawals go on, and what waits."""
    with reading() as tx:
        stopped = switch.stopped(tx)
        waiting = switch.waiting(tx)
        asked = [
            one
            for one in approvals.listed(tx, decided=False, limit=100)
            if one.kind is Kind.RESUME_WITHDRAWALS
        ]
    return shown("controls.html", stopped_now=stopped, waiting=waiting, asked=asked)


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
