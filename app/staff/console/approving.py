"""What somebody asked for and a second person must agree to, besides how a payout ends."""

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from app.observability import logger
from app.operations.context import context
from app.staff import approvals
from app.staff.approval_kinds import ABOUT_STAFF, Kind
from app.staff.console.acts import reason
from app.staff.console.routes import actor, me, page, shown, step_up, trying
from app.staff.permissions import Permission

ENDS_AT = {
    Kind.RESUME_WITHDRAWALS: "console.controls",
    Kind.RESUME_PROVIDER: "console.controls",
    Kind.SET_LIMITS: "console.limits",
    Kind.SET_TARIFF: "console.tariffs",
    **dict.fromkeys(ABOUT_STAFF, "console.colleagues"),
}
"""The page that shows what came of it; of all others it is the member's."""


@page("/approvals/<int:number>", Permission.SEE_PROPOSALS)
def approval(number: int) -> ResponseReturnValue:
    """A request, and what it would do now."""
    with trying() as tx:
        found, effect = approvals.look(tx, number)
    is_mine = found.maker == me().email
    return shown("approval.html", asked=found, effect=effect, is_mine=is_mine)


@page("/approvals/<int:number>/approve", Permission.DECIDE, post=True)
def give_approval(number: int) -> ResponseReturnValue:
    """Agree: it is done at once, as it was shown."""
    step_up()
    with context().db.transaction() as tx:
        found, _ = approvals.look(tx, number)
        effect = approvals.approve(tx, number, by=actor())
    logger().warning("approval_executed", request=number, kind=found.kind, subject=found.subject)
    if effect.account is not None and effect.account.code:
        return shown("joining_code.html", change=effect.account)
    if found.kind in ENDS_AT:
        return redirect(url_for(ENDS_AT[found.kind], done="approved"), 303)
    return redirect(url_for("console.member", member_no=found.subject, done="approved"), 303)


@page("/approvals/<int:number>/reject", Permission.REJECT, post=True)
def refuse_approval(number: int) -> ResponseReturnValue:
    """Let go of it; nothing of it was done."""
    why = reason()
    with context().db.transaction() as tx:
        approvals.reject(tx, number, reason=why, by=actor())
    return redirect(url_for("console.proposals_list", done="rejected"), 303)
