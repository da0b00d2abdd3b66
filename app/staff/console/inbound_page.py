"""What M-PESA sent, as it came; for whoever must know whether it is us or them."""

from flask import abort, request
from flask.typing import ResponseReturnValue

from app.operations import inbound
from app.operations.inbound import PAGE
from app.payouts.inbox import Kind
from app.staff.console import drawing
from app.staff.console.routes import number_given, page, reading, shown
from app.staff.permissions import Permission

REFERENCE_MAX = 10


@page("/inbound", Permission.SEE_INBOUND)
def inbound_calls() -> ResponseReturnValue:
    """The newest callbacks, and how many callers were turned away."""
    view = request.args.get("view", "all")
    view = view if view in inbound.VIEWS else "all"
    asked = request.args.get("kind", "")
    kind = Kind(asked) if asked in list(Kind) else None
    reference = request.args.get("payout", "").strip().upper()[:REFERENCE_MAX]
    with reading() as tx:
        found = inbound.listed(
            tx,
            view=view,
            kind=kind,
            reference=reference,
            before=number_given("before"),
        )
        hours, reasons = inbound.refused(tx)
    return shown(
        "inbound.html",
        found=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        view=view,
        kind=kind,
        kinds=list(Kind),
        reference=reference,
        reasons=reasons,
        hours=hours,
        picture=drawing.stacked([(one.callbacks,) for one in hours]),
    )


@page("/inbound/<int:number>", Permission.SEE_INBOUND)
def inbound_call(number: int) -> ResponseReturnValue:
    """One callback, word for word, without what was taken out of it when it came."""
    with reading() as tx:
        found = inbound.one(tx, number)
    if found is None:
        abort(404, "There is no such callback.")
    callback, body, ids = found
    return shown("inbound_call.html", one=callback, body=body, ids=ids)
