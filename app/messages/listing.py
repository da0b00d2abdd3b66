"""The texts that members were sent, for people who look for one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.db import Tx
from app.msisdn import mask

STATES = ("queued", "accepted", "delivered", "failed")


@dataclass(frozen=True, slots=True)
class MessageView:
    """One SMS. A start PIN is not in its text."""

    id: UUID
    queued_at: datetime
    phone: str
    """Masked."""
    kind: str
    state: str
    attempts: int
    reference: str | None
    text: str
    failure: str | None


# Ids begin with their time, so their own index is the order in which they were queued.
_LIST = sa.text(
    "SELECT m.id, m.queued_at, m.msisdn, m.kind, m.state, m.attempts, p.reference, m.body,"
    " m.failure FROM message m LEFT JOIN payout p ON p.id = m.payout_id"
    " WHERE (CAST(:reference AS text) IS NULL"
    "        OR m.payout_id = (SELECT id FROM payout WHERE reference = :reference))"
    " AND (CAST(:state AS text) IS NULL OR m.state = :state)"
    " AND (CAST(:msisdn AS text) IS NULL OR m.msisdn = :msisdn)"
    " AND (CAST(:before AS uuid) IS NULL OR m.id < CAST(:before AS uuid))"
    " ORDER BY m.id DESC LIMIT :limit"
)


def listed(
    tx: Tx,
    *,
    limit: int,
    reference: str | None = None,
    msisdn: str | None = None,
    state: str | None = None,
    before: UUID | None = None,
) -> list[MessageView]:
    """SMS that fit all that is given, the newest first; those before an id, for the next page."""
    wanted = {
        "reference": reference,
        "msisdn": msisdn,
        "state": state,
        "before": before,
        "limit": limit,
    }
    return [
        MessageView(
            id=row.id,
            queued_at=row.queued_at,
            phone=mask(row.msisdn),
            kind=row.kind,
            state=row.state,
            attempts=row.attempts,
            reference=row.reference,
            text=row.body,
            failure=row.failure,
        )
        for row in tx.execute(_LIST, wanted)
    ]
