"""What the timekeeper looks for: steps with due payouts, dead workers, payouts to work alone."""

from collections.abc import Sequence

import sqlalchemy as sa

from app.db import Tx
from app.doorbell import Step
from app.observability import logger
from app.payouts import due
from app.payouts.deadlines import SILENT_S
from app.payouts.due import MAY_ASK, MAY_BEGIN, MAY_CALL
from app.payouts.switch import IS_STOPPED

_DUE = sa.text(
    " UNION ALL ".join(
        f"SELECT '{step}' WHERE EXISTS (SELECT FROM payout p WHERE {look})"  # noqa: S608 - constants
        for step in due.SAGA_STEPS
        for look in due.looks(step)
    )
)
"""What each step's own claim would find. A payout that failed in a step rings for no batch of it:
its own job, or a person, is due."""


def steps(tx: Tx) -> set[Step]:
    """The steps for which something is due. Ringing once too often costs nothing but a job."""
    return {Step(name) for name in tx.scalars(_DUE)}


def alone(tx: Tx) -> list[tuple[Step, str]]:
    """Payouts that failed in a step and are due to be tried again, each by a job of its own."""
    rows = tx.execute(
        sa.text(
            "UPDATE payout SET retry_at = now() + interval '1 minute'"  # noqa: S608 - constants
            " WHERE id IN (SELECT id FROM payout WHERE retry_at <= now()"
            # What holds back the batches holds back these: a job that may do nothing would
            # take the payout for worked, and close its dead letter.
            f"             AND NOT (state IN ('requested', 'reserved') AND {IS_STOPPED})"
            "              AND NOT (failed_step = 'pay' AND state IN ('reserved', 'submitting')"
            f"                      AND NOT ({MAY_BEGIN}))"
            f"              AND NOT (failed_step = 'pay' AND state = 'in_doubt' AND NOT {MAY_CALL})"
            f"              AND NOT (failed_step = 'ask' AND NOT ({MAY_CALL} AND {MAY_ASK}))"
            "              ORDER BY retry_at LIMIT 50 FOR UPDATE SKIP LOCKED)"
            " RETURNING failed_step, reference"
        )
    )
    return [(Step(row.failed_step), row.reference) for row in rows]


def void_dead(tx: Tx, *, silent_s: float = SILENT_S) -> Sequence[str]:
    """Void the claims of workers that are silent for so long. Returns their names.

    A call of a dead worker has no outcome; its deadline is now, and resolve takes it for what it
    is: in doubt. A worker that only slept wakes up to find its claim gone, and its evidence is
    still welcome.
    """
    dead = list(
        tx.scalars(
            sa.text(
                "DELETE FROM worker_heartbeat WHERE name IN (SELECT name FROM worker_heartbeat"
                " WHERE beat_at < now() - make_interval(secs => :silent)"
                " FOR UPDATE SKIP LOCKED) RETURNING name"
            ),
            {"silent": silent_s},
        )
    )
    voided = tx.execute(
        sa.text(
            "UPDATE payout p SET claimed_by = NULL, lease_until = NULL,"
            " doubt_due_at = CASE WHEN state = 'submitting' AND EXISTS (SELECT FROM attempt a"
            "   WHERE a.payout_id = p.id AND a.finished_at IS NULL) THEN now()"
            "  ELSE doubt_due_at END"
            " WHERE claimed_by IS NOT NULL AND (lease_until < now() OR NOT EXISTS"
            "  (SELECT FROM worker_heartbeat w WHERE w.name = p.claimed_by))"
        )
    ).rowcount
    if dead or voided:
        logger().warning("workers_silent", workers=dead, claims=voided)
    return dead
