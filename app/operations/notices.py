"""Who is to be told about an alert, and who was: rows first, so that no crash forgets a notice.

Opened, escalated and cleared are each told once per alert and channel. What clears and comes back
within the quiet time is the same alert, and is over only after that time: whoever is called at
night is not told of every flap, and never that something is over that is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from app.db import Tx
from app.operations.alerting import QUIET_S, Severity

Kind = Literal["opened", "escalated", "cleared"]
WEBHOOK = "webhook"
LEASE_S = 120
"""Longer than a whole wave takes. A process that dies while sending has its wave sent again."""
RETRY_AFTER_S = (10, 30, 60, 300, 900)
ATTEMPTS_MAX = 100
"""About a day."""
CLEARED_TOLD_DAYS = 1
"""After a longer outage nobody needs to hear that something is over."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell through one channel. This attempt is already counted."""

    id: int
    kind: Kind
    attempts: int
    rule: str
    subject: str
    severity: Severity
    detail: str
    opened_at: datetime
    acknowledged_by: str | None
    escalated_at: datetime | None
    cleared_at: datetime | None


_OPENED = sa.text(
    "INSERT INTO alert_notice (alert_id, channel, kind)"
    " SELECT a.id, c.channel, 'opened'"
    " FROM alert a CROSS JOIN unnest(CAST(:channels AS text[])) AS c (channel)"
    " WHERE a.cleared_at IS NULL AND (a.severity = 'page' OR c.channel = :webhook)"
    " ON CONFLICT DO NOTHING"
)
_ESCALATED = sa.text(
    "WITH late AS ("
    " UPDATE alert SET escalated_at = now() WHERE severity = 'page' AND cleared_at IS NULL"
    " AND acknowledged_at IS NULL AND escalated_at IS NULL AND opened_at <= now() - :patience"
    " RETURNING id"
    ") INSERT INTO alert_notice (alert_id, channel, kind)"
    " SELECT id, channel, 'escalated' FROM late, unnest(CAST(:channels AS text[])) AS c (channel)"
    " ON CONFLICT DO NOTHING"
)
_CLEARED = sa.text(
    "INSERT INTO alert_notice (alert_id, channel, kind)"
    " SELECT DISTINCT a.id, n.channel, 'cleared' FROM alert a JOIN alert_notice n"
    " ON n.alert_id = a.id AND n.kind <> 'cleared' AND n.sent_at IS NOT NULL"
    " WHERE a.cleared_at BETWEEN now() - :told AND now() - :quiet ON CONFLICT DO NOTHING"
)
_OVER = sa.text(
    "UPDATE alert_notice n SET due_at = NULL, failure = 'over before it could be sent'"
    " FROM alert a WHERE a.id = n.alert_id AND n.due_at <= now() AND n.kind <> 'cleared'"
    " AND a.cleared_at < now() - :quiet"
)
# What is over for now waits: it may come back, and then it must be told.
_CLAIM = sa.text(
    "WITH due AS ("
    " SELECT n.id FROM alert_notice n JOIN alert a ON a.id = n.alert_id"
    " WHERE n.channel = :channel AND n.due_at <= now()"
    " AND (n.kind = 'cleared' OR a.cleared_at IS NULL)"
    " ORDER BY n.id LIMIT :limit FOR UPDATE OF n SKIP LOCKED"
    ") UPDATE alert_notice n SET attempts = n.attempts + 1, due_at = now() + :lease"
    " FROM due, alert a WHERE n.id = due.id AND a.id = n.alert_id"
    " RETURNING n.id, n.kind, n.attempts, a.rule, a.subject, a.severity, a.detail, a.opened_at,"
    " a.acknowledged_by, a.escalated_at, a.cleared_at"
)
_SENT = sa.text(
    "UPDATE alert_notice SET sent_at = now(), due_at = NULL, failure = NULL WHERE id = ANY(:ids)"
)
_FAILED = sa.text(
    "UPDATE alert_notice SET due_at = now() + :wait, failure = :reason WHERE id = ANY(:ids)"
)
_TEXTS = sa.text(
    "SELECT count(DISTINCT sent_at) FROM alert_notice"
    " WHERE channel = :channel AND sent_at > now() - interval '1 hour'"
)


def plan(tx: Tx, *, first: Sequence[str], later: Sequence[str], patience_s: float) -> None:
    """Write down what is to be told.

    Args:
        tx: The transaction that decides it.
        first: Channels that hear of an alert when it opens. Of warnings only the webhook hears.
        later: Channels that hear of a page that nobody acknowledged.
        patience_s: How long a page may stay unacknowledged, in seconds.
    """
    quiet = timedelta(seconds=QUIET_S)
    tx.execute(_OPENED, {"channels": list(first), "webhook": WEBHOOK})
    tx.execute(_ESCALATED, {"channels": list(later), "patience": timedelta(seconds=patience_s)})
    tx.execute(_CLEARED, {"told": timedelta(days=CLEARED_TOLD_DAYS), "quiet": quiet})
    tx.execute(_OVER, {"quiet": quiet})


def claim(tx: Tx, channel: str, *, limit: int) -> list[Notice]:
    """Take what is due. Commit before sending: whoever dies then sends it again, no more."""
    facts = {"channel": channel, "limit": limit, "lease": timedelta(seconds=LEASE_S)}
    found = [Notice(**row) for row in tx.execute(_CLAIM, facts).mappings()]
    return sorted(found, key=lambda notice: notice.id)


def sent(tx: Tx, told: Sequence[Notice]) -> None:
    """These were told, all at once."""
    tx.execute(_SENT, {"ids": [notice.id for notice in told]})


def failed(tx: Tx, untold: Sequence[Notice], *, reason: str, for_good: bool) -> None:
    """These were not told: again later, unless it is of no use or was tried for a day."""
    attempts = max(notice.attempts for notice in untold)
    wait_s = RETRY_AFTER_S[min(attempts, len(RETRY_AFTER_S)) - 1]
    again = not for_good and attempts < ATTEMPTS_MAX
    facts = {
        "ids": [notice.id for notice in untold],
        "wait": timedelta(seconds=wait_s) if again else None,
        "reason": reason,
    }
    tx.execute(_FAILED, facts)


def texts_last_hour(tx: Tx, channel: str) -> int:
    """How many texts went to this phone within the hour; one may have told of many alerts."""
    return tx.scalar(_TEXTS, {"channel": channel}) or 0
