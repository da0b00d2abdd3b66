"""Wrong tries in a row, of passwords and of codes alike, close an account for a while."""

from datetime import timedelta

import sqlalchemy as sa

from app.db import Tx

FAILURES_MAX = 5
LOCK = timedelta(minutes=15)

_COUNT = sa.text(
    "UPDATE staff SET failures = (failures + 1) % :limit,"
    " locked_until = CASE WHEN failures + 1 >= :limit THEN now() + :lock END WHERE id = :id"
)
_FORGET = sa.text("UPDATE staff SET failures = 0, locked_until = NULL WHERE id = :id")


def count_failure(tx: Tx, staff_id: int) -> None:
    """Count a wrong try; the last one locks. The row must be locked by this transaction."""
    tx.execute(_COUNT, {"id": staff_id, "limit": FAILURES_MAX, "lock": LOCK})


def forget_failures(tx: Tx, staff_id: int) -> None:
    """A right try ends the row of wrong ones."""
    tx.execute(_FORGET, {"id": staff_id})
