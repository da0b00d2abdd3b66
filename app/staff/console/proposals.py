"""Ending a payout by two people: propose, look at what will come of it, agree or let go."""

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.db import Tx
from app.operations.context import context
from app.payouts import proofs, proposals
from app.payouts.cases import NoSuchPayout
from app.payouts.claims import look_at
from app.payouts.planning import schedule
from app.payouts.proofs import Action
from app.payouts.proposals import Effect
from app.staff import approvals
from app.staff.console.acts import reason
from app.staff.console.routes import actor, me, page, reading, shown, step_up, trying
from app.staff.permissions import Permission

LISTED_MAX = 100
RECEIPT_MAX = 20


@page("/payouts/<reference>/propose/<action>", Permission.PROPOSE)
def propose(reference: str, action: str) -> ResponseReturnValue:
    """What to say for the proposal."""
    wanted = _action(action)
    with reading() as tx:
        row = look_at(tx, reference.upper())
        if row is None:
            raise NoSuchPayout("There is no payout of this reference.")
        option = next((o for o in proofs.options(tx, row) if o.action is wanted), None)
    return shown("propose.html", payout=row, action=wanted, option=option)


@page("/payouts/<reference>/preview/<action>", Permission.PROPOSE, post=True)
def preview(reference: str, action: str) -> ResponseReturnValue:
    """All that would come of it. Nothing is kept yet."""
    with trying() as tx:
        _, effect = _proposed(tx, reference, action)
    return shown(
        "preview.html",
        reference=reference.upper(),
        action=_action(action),
        effect=effect,
        given=request.form,
    )


@page("/payouts/<reference>/propose/<action>", Permission.PROPOSE, post=True)
def make_proposal(reference: str, action: str) -> ResponseReturnValue:
    """Keep the proposal; it waits for somebody else."""
    with context().db.transaction() as tx:
        number, _ = _proposed(tx, reference, action)
    return redirect(url_for("console.proposal", number=number, done="proposed"), 303)


@page("/proposals", Permission.SEE_PROPOSALS)
def proposals_list() -> ResponseReturnValue:
    """What waits for a second person, and what was decided lately."""
    with reading() as tx:
        found = proposals.listed(tx, decided=True, limit=LISTED_MAX)
        asked = approvals.listed(tx, decided=True, limit=LISTED_MAX)
    waiting = [one for one in found if one.outcome is None]
    decided = [one for one in found if one.outcome is not None]
    return shown("proposals.html", waiting=waiting, decided=decided, asked=asked)


@page("/proposals/<int:number>", Permission.SEE_PROPOSALS)
def proposal(number: int) -> ResponseReturnValue:
    """A proposal, and what it would do now."""
    with trying() as tx:
        found, effect = proposals.look(tx, number, schedule(context().settings))
    is_mine = found.maker == me().email
    return shown("proposal.html", proposal=found, effect=effect, is_mine=is_mine)


@page("/proposals/<int:number>/approve", Permission.DECIDE, post=True)
def approve(number: int) -> ResponseReturnValue:
    """Agree: it is done at once, as it was shown."""
    step_up()
    with context().db.transaction() as tx:
        found, _ = proposals.look(tx, number, schedule(context().settings))
        proposals.approve(tx, number, schedule(context().settings), by=actor())
    return redirect(url_for("console.payout", reference=found.reference, done="approved"), 303)


@page("/proposals/<int:number>/reject", Permission.REJECT, post=True)
def reject(number: int) -> ResponseReturnValue:
    """Let go of it; nothing of it was done."""
    why = reason()
    with context().db.transaction() as tx:
        proposals.reject(tx, number, reason=why, by=actor())
    return redirect(url_for("console.proposals_list", done="rejected"), 303)


def _action(name: str) -> Action:
    try:
        return Action(name.replace("-", "_"))
    except ValueError:
        abort(404, "There is no such action.")


def _proposed(tx: Tx, reference: str, action: str) -> tuple[int, Effect]:
    """What the form of the current request proposes, and what will come of it."""
    return proposals.propose(
        tx,
        reference.upper(),
        _action(action),
        schedule(context().settings),
        reason=reason(),
        by=actor(),
        receipt=request.form.get("receipt", "").strip().upper()[:RECEIPT_MAX] or None,
        paid_by=request.form.get("paid_by", "")[:RECEIPT_MAX] or None,
    )
