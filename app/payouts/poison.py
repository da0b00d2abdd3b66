"""Payouts that make a step raise: set aside, so that they hold up nobody, and never forgotten.

A batch that raises is rolled back and its payouts are worked one by one. One that raises alone
leaves the step's batches; it is tried again in an RQ job of its own, `pay-BRZ…`, and after the
limit it is a dead letter: an RQ job that failed, and a row that a person must close.
"""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

import sqlalchemy as sa

from app.db import Database, DatabaseAway, Tx
from app.doorbell import JobTookTooLong, Step
from app.errors import BarazaError, Refused
from app.observability import logger
from app.payouts import claims
from app.payouts.claims import Payout
from app.payouts.deadlines import FAILURES_MAX, retry_after

Intent = TypeVar("Intent")
Work = Callable[[Tx, Sequence[Payout]], list[Intent]]
"""A step's one function, for a batch and for a single payout alike. It returns what is to be
done once it is committed, such as calls to make."""

NEVER_POISON = (DatabaseAway, JobTookTooLong)
"""What no payout is to blame for. It ends the job; the timekeeper rings again."""


class NeedsPerson(BarazaError):
    """A payout failed in a step as often as it may. Its text names the payout, nothing else."""

    code = "PO-90"


class NothingToRetry(Refused):
    """The payout has not failed in a step as often as it may, so nobody needs to revive it."""

    code = "PO-91"


@dataclass(slots=True)
class Worked(Generic[Intent]):
    """What came of working payouts singly."""

    intents: list[Intent] = field(default_factory=list)
    """Of those that were committed, and of no others."""
    set_aside: int = 0


def one_by_one(
    db: Database, step: Step, payouts: Sequence[Payout], work: Work[Intent]
) -> Worked[Intent]:
    """Work a batch that raised, payout by payout."""
    worked: Worked[Intent] = Worked()
    for payout in payouts:
        intents: list[Intent] = []
        try:
            with db.transaction() as tx:
                again = claims.take_one(tx, payout.reference)
                # Whoever moved it meanwhile has done the work.
                if again is not None and again.version == payout.version:
                    intents = work(tx, [again])
        except NEVER_POISON:
            raise
        except Exception as raised:  # noqa: BLE001 - whatever it is, the others go on
            _count(db, step, payout.reference, raised)
            worked.set_aside += 1
        else:
            worked.intents.extend(intents)
    return worked


def alone(db: Database, step: Step, reference: str, work: Work[Intent]) -> Worked[Intent]:
    """Work one payout that was set aside: the body of the RQ job `<step>-BRZ…`.

    Raises:
        NeedsPerson: it failed for the last time; RQ's failed list shows it.
    """
    worked: Worked[Intent] = Worked()
    intents: list[Intent] = []
    try:
        with db.transaction() as tx:
            payout = claims.take_one(tx, reference)
            if payout is not None:
                intents = work(tx, [payout])
                claims.mended(tx, payout.id)
    except NEVER_POISON:
        raise
    except Exception as raised:  # noqa: BLE001 - told on below, or tried again
        if _count(db, step, reference, raised) >= FAILURES_MAX:
            # From nothing: Redis keeps the traceback, and what raised may quote a row.
            raise NeedsPerson(f"{step} {reference} failed {FAILURES_MAX} times") from None
        worked.set_aside = 1
    else:
        worked.intents.extend(intents)
    return worked


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A payout that failed in a step as often as it may."""

    reference: str
    state: str
    step: str
    reason: str
    times: int
    """How often it came to this."""
    first_seen: datetime
    last_seen: datetime
    closed_at: datetime | None
    """When it was worked after all, or had nothing left to be worked."""


_LETTERS = sa.text(
    "SELECT p.reference, p.state, d.step, d.reason, d.count AS times, d.first_seen, d.last_seen,"
    " d.closed_at FROM dead_letter d JOIN payout p ON p.id = d.payout_id"
    " WHERE :closed OR d.closed_at IS NULL ORDER BY d.closed_at IS NOT NULL, d.first_seen"
    " LIMIT :limit"
)


def letters(tx: Tx, *, with_closed: bool, limit: int) -> list[DeadLetter]:
    """Dead letters, the oldest first; then those that are closed, if they are wanted."""
    rows = tx.execute(_LETTERS, {"closed": with_closed, "limit": limit}).mappings()
    return [DeadLetter(**row) for row in rows]


def revive(tx: Tx, reference: str) -> Step:
    """Let a dead letter be tried again at once, by a job of its own. Returns its step.

    It keeps one failure, so that it stays out of the batches until it was worked, and the dead
    letter stays open until then.

    Raises:
        NothingToRetry: no such payout is a dead letter.
    """
    step = tx.scalar(
        sa.text(
            "UPDATE payout p SET failures = 1, retry_at = now() WHERE reference = :reference"
            " AND failures > 0 AND retry_at IS NULL AND EXISTS (SELECT FROM dead_letter d"
            "  WHERE d.payout_id = p.id AND d.step = p.failed_step AND d.closed_at IS NULL)"
            " RETURNING failed_step"
        ),
        {"reference": reference},
    )
    if step is None:
        raise NothingToRetry(f"{reference} is no payout that waits for a person")
    return Step(step)


def _count(db: Database, step: Step, reference: str, raised: Exception) -> int:
    code = raised.code if isinstance(raised, BarazaError) else ""
    reason = f"{type(raised).__name__} {code}".strip()
    where = traceback.format_tb(raised.__traceback__)[-3:]
    logger().error("payout_set_aside", step=step, reference=reference, reason=reason, where=where)
    with db.transaction() as tx:
        row = tx.execute(
            sa.text(
                "UPDATE payout SET failures = failures + 1, failed_step = :step,"
                " failure = :reason WHERE reference = :reference RETURNING id, failures"
            ),
            {"step": step, "reason": reason, "reference": reference},
        ).one()
        tx.execute(
            sa.text(
                "UPDATE payout SET retry_at = CASE WHEN failures < :most"
                " THEN now() + :wait END WHERE id = :id"
            ),
            {"id": row.id, "most": FAILURES_MAX, "wait": retry_after(row.failures)},
        )
        if row.failures >= FAILURES_MAX:
            tx.execute(
                sa.text(
                    "INSERT INTO dead_letter (payout_id, step, reason)"
                    " VALUES (:id, :step, :reason) ON CONFLICT (payout_id, step) DO UPDATE SET"
                    " count = dead_letter.count + 1, last_seen = now(), closed_at = NULL,"
                    " reason = excluded.reason"
                ),
                {"id": row.id, "step": step, "reason": reason},
            )
    return int(row.failures)
