"""How sending goes, for people who wonder why an SMS has not come."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.db import Tx
from app.messages import pause
from app.messages.pause import Pause
from app.msisdn import mask

BLOCKED_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Blocked:
    """A number that takes nothing from our sender."""

    member_no: str | None
    """None: the number is nobody's by now."""
    phone: str
    """Masked."""
    since: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    """One reading."""

    waiting: int
    """SMS that are not handed to the gateway yet."""
    waiting_bulk: int
    """Those of them that were queued for many members at once; they go last."""
    oldest_queued_at: datetime | None
    paused: Pause | None
    failed_last_day: int
    blocked_count: int
    blocked: tuple[Blocked, ...]
    """The latest of them."""


_COUNTS = sa.text(
    """
    SELECT count(*) AS waiting, count(*) FILTER (WHERE bulk) AS waiting_bulk,
      min(queued_at) AS oldest_queued_at,
      (SELECT count(*) FROM message
        WHERE state = 'failed' AND finished_at > now() - interval '24 hours') AS failed_last_day,
      (SELECT count(*) FROM sms_block) AS blocked_count
    FROM message WHERE due_at IS NOT NULL
    """
)
_BLOCKED = sa.text(
    "SELECT u.member_no, b.msisdn, b.blocked_at FROM sms_block b"
    " LEFT JOIN member u ON u.msisdn = b.msisdn ORDER BY b.blocked_at DESC LIMIT :limit"
)


def read(tx: Tx) -> Overview:
    """What waits, what holds it up, what failed in the last 24 hours, and who blocks us."""
    counts = tx.execute(_COUNTS).one()
    blocked = tx.execute(_BLOCKED, {"limit": BLOCKED_SHOWN})
    return Overview(
        waiting=counts.waiting,
        waiting_bulk=counts.waiting_bulk,
        oldest_queued_at=counts.oldest_queued_at,
        paused=pause.current(tx),
        failed_last_day=counts.failed_last_day,
        blocked_count=counts.blocked_count,
        blocked=tuple(Blocked(row.member_no, mask(row.msisdn), row.blocked_at) for row in blocked),
    )
