"""What M-PESA says is on our utility account: the float that payouts are paid from."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.db import Tx


@dataclass(frozen=True, slots=True)
class FloatReading:
    """One balance, as M-PESA told it with a payout's result or when it was asked."""

    cents: int
    said_at: datetime
    """By M-PESA's clock. What it says of later than now is taken to be of now."""
    reference: str | None
    """The payout whose result told it: the float is what was left after that one. None: M-PESA was
    asked for it."""


def keep(
    tx: Tx,
    *,
    cents: int,
    said_at: datetime | None,
    reference: str | None = None,
    query_id: UUID | None = None,
) -> FloatReading:
    """Add a reading, from a payout's result or from the answer to a balance query."""
    row = tx.execute(
        sa.text(
            "INSERT INTO float_reading (cents, said_at, reference, query_id)"
            " VALUES (:cents, least(:said_at, clock_timestamp()), :reference, :query)"
            " RETURNING cents, said_at, reference"
        ),
        {"cents": cents, "said_at": said_at, "reference": reference, "query": query_id},
    ).one()
    return FloatReading(*row)


def newest(tx: Tx) -> FloatReading | None:
    """The last balance that we know of."""
    row = tx.execute(
        sa.text(
            "SELECT cents, said_at, reference FROM float_reading"
            " ORDER BY said_at DESC, id DESC LIMIT 1"
        )
    ).one_or_none()
    return None if row is None else FloatReading(*row)
