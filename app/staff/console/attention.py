"""What needs somebody now: one list, of all that the rest of Baraza found."""

from flask.typing import ResponseReturnValue

from app.operations import alerting
from app.operations.reconciliation import matching
from app.payouts import cases, proposals
from app.staff import approvals
from app.staff.console.routes import page, reading, shown
from app.staff.permissions import Permission

LISTED_MAX = 100
CAUSES_MAX = 10


@page("/attention", Permission.SEE_PAYOUTS)
def attention() -> ResponseReturnValue:
    """Cases, alerts, proposals and differences that wait, the oldest first."""
    with reading() as tx:
        found = cases.listed(tx, limit=LISTED_MAX)
        causes = cases.causes(tx, limit=CAUSES_MAX)
        asked = approvals.listed(tx, decided=False, limit=LISTED_MAX)
        waiting = proposals.listed(tx, decided=False, limit=LISTED_MAX)
        alerts = alerting.listed(tx, with_cleared=False, limit=LISTED_MAX)
        breaks = matching.listed(tx, everything=False, limit=LISTED_MAX)
    return shown(
        "attention.html",
        cases=found,
        causes=causes,
        waiting=len(waiting) + len(asked),
        alerts=alerts,
        breaks=breaks,
    )
