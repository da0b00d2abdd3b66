"""What M-PESA sent, as it came; for whoever must know whether it is us or them."""

from flask import abort, request
from flask.typing import ResponseReturnValue

from app.operations import inbound
from app.operations.inbound import PAGE
from app.payouts.inbox import Kind
from app.staff.console import drawing
from app.staff.console.routes import me, page, reading, shown
from app.staff.permissions import Permission, may


@page("/inbound", Permission.SEE_INBOUND)
def inbound_calls() -> ResponseReturnValue:
    """The newest callbacks, and how many callers were turned away."""
    view = request.args.get("view", "all")
    view = view if view in inbound.VIEWS else "all"
    asked = request.args.get("kind", "")
    kind = Kind(asked) if asked in list(Kind) else None
    before = request.args.get("before", "")
    with reading() as tx:
        number = int(before) if before.isascii() and before.isdigit() else None
        found = inbound.listed(tx, view=view, kind=kind, before=number)
        hours, reasons = inbound.refused(tx)
    return shown(
        "inbound.html",
        found=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        view=view,
        kind=kind,
        kinds=list(Kind),
        reasons=reasons,
        hours=hours,
        picture=drawing.stacked([(one.callbacks,) for one in hours]),
    )


@page("/inbound/<int:number>", Permission.SEE_INBOUND)
def inbound_call(number: int) -> ResponseReturnValue:
    """One callback, word for word, without what was taken out of it when it came."""
    with reading() as tx:
        found = inbound.one(tx, number, with_phones=may(me(), Permission.REVEAL))
    if found is None:
        abort(404, "There is no such callback.")
    callback, body, ids = found
    return shown("inbound_call.html", one=callback, body=body, ids=ids)
