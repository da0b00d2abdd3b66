"""How many calls a second M-PESA is sent: a bucket of tokens in PostgreSQL, one for all processes.

Nobody sleeps for a token. What finds none stays due, and the timekeeper rings for it again.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from app.db import Tx
from app.observability import logger

_ROW = "FROM provider_rate WHERE provider = 'daraja'"
_NOW_IN_IT = "tokens + extract(epoch FROM now() - filled_at) * calls_per_s"
HAS_TOKEN = f"EXISTS (SELECT {_ROW} AND {_NOW_IN_IT} >= 1)"
"""For the conditions of steps."""
RECOVER_S = 600
"""From a standstill back to full speed, after M-PESA said that we call too often."""
CALLS_PER_S_MIN = 0.5
SLOW_AGAIN_AFTER_S = 2
"""Answers within this long speak of the same burst, and halve the rate once."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """The bucket at one moment. It holds what one second may bring."""

    tokens: float
    at: datetime
    calls_per_s: float
    slowed_at: datetime | None

    def filled(self, *, now: datetime, calls_per_s_max: float) -> "Bucket":
        """The bucket some time later: fuller, and a little faster if it had been slowed."""
        passed_s = max(0.0, (now - self.at).total_seconds())
        rate: float = calls_per_s_max
        if self.slowed_at is not None and (now - self.slowed_at).total_seconds() < RECOVER_S:
            rate = min(self.calls_per_s + passed_s * calls_per_s_max / RECOVER_S, rate)
        more = min(self.tokens + passed_s * self.calls_per_s, max(rate, 1.0))
        tokens = max(self.tokens, more)  # a rate that was lowered takes nothing away
        return replace(self, tokens=tokens, at=max(now, self.at), calls_per_s=rate)

    def granted(self, wanted: int) -> int:
        """How many calls may be made now: at least one, on credit where it must be.

        Whoever asks has seen a token, or works one payout alone, which must not pass for done.
        """
        return min(wanted, max(1, int(self.tokens)))

    def slowed(self) -> "Bucket":
        """Half as fast, and empty."""
        rate = max(self.calls_per_s / 2, CALLS_PER_S_MIN)
        return replace(self, tokens=min(self.tokens, 0), calls_per_s=rate, slowed_at=self.at)

    @property
    def was_slowed_just_now(self) -> bool:
        """Whether the rate was halved for what is told now."""
        return (
            self.slowed_at is not None
            and (self.at - self.slowed_at).total_seconds() < SLOW_AGAIN_AFTER_S
        )


def take(tx: Tx, wanted: int, *, calls_per_s_max: int) -> int:
    """Take tokens for calls that this database transaction commits. Returns how many."""
    if wanted == 0:
        return 0
    bucket = _filled(tx, calls_per_s_max)
    granted = bucket.granted(wanted)
    _keep(tx, replace(bucket, tokens=bucket.tokens - granted))
    return granted


def slow(tx: Tx, *, calls_per_s_max: int) -> None:
    """M-PESA said that we call too often: halve the rate. Call it last in a transaction."""
    bucket = _filled(tx, calls_per_s_max)
    if bucket.was_slowed_just_now:
        return
    slower = bucket.slowed()
    _keep(tx, slower)
    logger().warning("provider_slowed", calls_per_s=round(slower.calls_per_s, 2))


def current(tx: Tx) -> Bucket:
    """The bucket as it was last written."""
    return _read(tx, "")[0]


def _filled(tx: Tx, calls_per_s_max: int) -> Bucket:
    bucket, now = _read(tx, " FOR UPDATE")
    return bucket.filled(now=now, calls_per_s_max=calls_per_s_max)


def _read(tx: Tx, lock: str) -> tuple[Bucket, datetime]:
    row = tx.execute(
        sa.text(
            "SELECT tokens, filled_at, calls_per_s, slowed_at, clock_timestamp() AS now "
            f"{_ROW}{lock}"
        )
    ).one()
    return Bucket(row.tokens, row.filled_at, row.calls_per_s, row.slowed_at), row.now


def _keep(tx: Tx, bucket: Bucket) -> None:
    tx.execute(
        sa.text(
            "UPDATE provider_rate SET tokens = :tokens, filled_at = :at,"
            " calls_per_s = :calls_per_s, slowed_at = :slowed_at WHERE provider = 'daraja'"
        ),
        {
            "tokens": bucket.tokens,
            "at": bucket.at,
            "calls_per_s": bucket.calls_per_s,
            "slowed_at": bucket.slowed_at,
        },
    )
