"""What members were told, what did not reach them, and what holds texts up."""

from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue

from app.messages import listing, overview
from app.staff.console.routes import page, reading, shown
from app.staff.permissions import Permission

PAGE = 50


@page("/messages", Permission.SEE_PAYOUTS)
def messages() -> ResponseReturnValue:
    """The newest first; all, or those of one state."""
    state = request.args.get("state", "")
    wanted = state if state in listing.STATES else None
    with reading() as tx:
        now = overview.read(tx)
        found = listing.listed(tx, state=wanted, before=_id(), limit=PAGE + 1)
    older = found[PAGE - 1].id if len(found) > PAGE else None
    return shown("messages.html", now=now, found=found[:PAGE], state=wanted, older=older)


def _id() -> UUID | None:
    try:
        return UUID(request.args.get("before", ""))
    except ValueError:
        return None
