"""What waits for which step of the saga, and who works: PostgreSQL's own view, not Redis's."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.db import Tx
from app.doorbell import Step
from app.payouts import due
from app.payouts.deadlines import SILENT_S

COUNTED_MAX = 1000
"""Of what is due for one reason: whoever sees a thousand needs no more."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is due for one step at this moment."""

    step: Step
    count: int
    """`COUNTED_MAX` at most for each reason."""
    oldest_at: datetime | None
    """Since when the longest waiting payout has been in its state; an SMS, in the outbox."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that beats."""

    name: str
    beat_at: datetime
    is_alive: bool


_PART = "SELECT '{step}' AS step, count(*) AS n, min(since) AS oldest_at FROM ({rows}) AS due"
_PAYOUTS = "(SELECT p.id, p.state_since AS since FROM payout p WHERE {look} LIMIT {most})"
_MESSAGES = "SELECT queued_at AS since FROM message WHERE due_at <= now() LIMIT {most}"


def _part(step: Step) -> str:
    if step is Step.SMS:
        return _PART.format(step=step, rows=_MESSAGES.format(most=COUNTED_MAX))
    # Apart, so that each is answered by an index of its own.
    looks = [_PAYOUTS.format(look=look, most=COUNTED_MAX) for look in due.looks(step)]
    return _PART.format(step=step, rows=" UNION ".join(looks))


_DUE = sa.text(" UNION ALL ".join(_part(step) for step in (*due.SAGA_STEPS, Step.SMS)))
_WORKERS = sa.text(
    "SELECT name, beat_at, beat_at > clock_timestamp() - make_interval(secs => :silent) AS is_alive"
    " FROM worker_heartbeat ORDER BY name"
)


def waiting(tx: Tx) -> list[Waiting]:
    """Each step with what is due for it, in the order of the saga."""
    return [Waiting(Step(row.step), row.n, row.oldest_at) for row in tx.execute(_DUE)]


def workers(tx: Tx) -> list[Worker]:
    """Who beats, and who did until lately."""
    return [Worker(*row) for row in tx.execute(_WORKERS, {"silent": SILENT_S})]
