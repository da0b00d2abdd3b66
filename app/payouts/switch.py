"""The switch that stops all withdrawals at once. Balances and status stay readable.

While it is off, no new withdrawal is taken in, none is debited, and no first call goes to M-PESA.
What was sent before is followed to its end: a timeout is never a "no".
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app import audit
from app.audit import Actor
from app.db import Tx
from app.errors import Refused

IS_STOPPED = "EXISTS (SELECT FROM withdrawal_stop WHERE resumed_at IS NULL)"
"""For the conditions of steps."""
_LOCK = "hashtextextended('withdrawal switch', 0)"


class AlreadyStopped(Refused):
    """Withdrawals are stopped already."""

    code = "SW-01"


class NotStopped(Refused):
    """Withdrawals are not stopped."""

    code = "SW-02"


@dataclass(frozen=True, slots=True)
class Stop:
    """Withdrawals are stopped."""

    since: datetime
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Withdrawals that were confirmed and that nothing was sent for."""

    payouts: int
    amount_cents: int


def stop(tx: Tx, *, reason: str, by: Actor) -> Stop:
    """Stop all withdrawals. Once this is committed, no first call is committed any more.

    Raises:
        AlreadyStopped: they are; the message says since when and by whom.
    """
    # Steps that are about to debit or to call hold this lock shared until their commit.
    tx.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    known = stopped(tx)
    if known is not None:
        raise AlreadyStopped(f"withdrawals have been stopped by {known.by}: {known.reason}")
    tx.execute(
        sa.text("INSERT INTO withdrawal_stop (stopped_by, reason) VALUES (:by, :reason)"),
        {"by": by.title, "reason": reason},
    )
    audit.record(tx, "withdrawals_stopped", by=by, reason=reason)
    now = stopped(tx)
    assert now is not None
    return now


def resume(tx: Tx, *, reason: str, by: Actor) -> Stop:
    """Let withdrawals go on; what waited is due at once. Returns the stop that ended.

    Raises:
        NotStopped: nothing is stopped.
    """
    tx.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    known = stopped(tx)
    if known is None:
        raise NotStopped("withdrawals are not stopped")
    tx.execute(
        sa.text(
            "UPDATE withdrawal_stop SET resumed_at = now(), resumed_by = :by,"
            " resume_reason = :reason WHERE resumed_at IS NULL"
        ),
        {"by": by.title, "reason": reason},
    )
    audit.record(
        tx,
        "withdrawals_resumed",
        by=by,
        reason=reason,
        stopped_at=known.since.isoformat(),
        stopped_by=known.by,
    )
    return known


def stopped(tx: Tx) -> Stop | None:
    """Since when, why and by whom withdrawals are stopped, if they are."""
    row = tx.execute(
        sa.text(
            "SELECT stopped_at, reason, stopped_by FROM withdrawal_stop WHERE resumed_at IS NULL"
        )
    ).one_or_none()
    return None if row is None else Stop(*row)


def hold(tx: Tx) -> bool:
    """Whether a step may go on to debit or to call; if so, nobody stops it before its commit."""
    return tx.scalar(sa.text("SELECT withdrawals_go_on()")) is True


def waiting(tx: Tx) -> Waiting:
    """What waits unsent, whether or not withdrawals are stopped."""
    row = tx.execute(
        sa.text(
            "SELECT count(*), coalesce(sum(amount_cents), 0)::bigint FROM payout"
            " WHERE state IN ('requested', 'reserved')"
            " OR (state = 'submitting' AND work_due_at IS NOT NULL)"
        )
    ).one()
    return Waiting(*row)
