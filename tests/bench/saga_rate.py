"""How many payouts a second, from the first debit to the last settled payout and accepted SMS."""

import time
from dataclasses import dataclass

import sqlalchemy as sa

from app.db import Database
from app.operations import invariants
from tests.bench import backlog
from tests.bench.ground import Ground

SETTLED_S_MAX = 600
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Rate:
    """One backlog, worked to its end."""

    payouts: int
    seconds: float
    """From the first debit to the last payout settled and the last SMS accepted."""
    cpu_ms: dict[str, float]
    """Processor milliseconds for each payout, by part."""
    per_payout: dict[str, float]
    """Commits, WAL bytes and Redis commands for each payout."""
    faults: list[str]

    @property
    def saga_commits(self) -> float:
        """Commits for each payout that the saga's steps made.

        All that wrote, less the filing of M-PESA's result, which is one for each.
        """
        return max(0.0, self.per_payout["writing_commits"] - 1)

    @property
    def per_s(self) -> float:
        """Payouts a second."""
        return self.payouts / self.seconds


def work_backlog(
    on: Ground, whose: list[tuple[int, int]], *, delay_ms: float = 0, audits_all: bool = True
) -> Rate:
    """Take in one withdrawal of each of these members, then start the workers and wait."""
    stack = on.stack
    on.forget(delay_ms=delay_ms)
    began = on.scalar("SELECT clock_timestamp()")
    backlog.fill(on.owner, whose)
    if "web" not in stack.processes:
        stack.start("web")
    cpu_before, counted_before = on.cpu_s(), on.counters()
    stack.start("worker")
    try:
        wait(on, began)
        cpu, counted = on.cpu_s(), on.counters()
    finally:
        stack.stop("worker")
    first, last = _span(on.owner, began)
    count = len(whose)
    return Rate(
        payouts=count,
        seconds=last - first,
        cpu_ms={
            name: (cpu[name] - cpu_before.get(name, 0.0)) * 1000 / count for name in sorted(cpu)
        },
        per_payout={
            name: (counted[name] - counted_before[name]) / count for name in sorted(counted)
        },
        faults=judged(on, count, began, audits_all=audits_all),
    )


def judged(on: Ground, count: int, began: object, *, audits_all: bool = True) -> list[str]:
    """What is wrong: rules of the audit that do not hold, and payments that do not match."""
    with on.owner.transaction() as tx:
        tx.exec_driver_sql("SET LOCAL statement_timeout = 0")
        rules = invariants.run(tx) if audits_all else ()
        faults = [f"{one.name}: {one.detail}" for one in rules if not one.ok]
        paid = tx.scalar(
            sa.text("SELECT count(*) FROM payout WHERE state = 'paid' AND requested_at >= :began"),
            {"began": began},
        )
    truth = on.truth()
    if (paid, truth["paid"], truth["twice"]) != (count, count, 0):
        faults.append(f"{count} wanted, {paid} settled, M-PESA's own record: {truth}")
    if truth["sms"] != count:
        faults.append(f"{count} receipts wanted, {truth['sms']} sent")
    return faults


def wait(on: Ground, began: object) -> None:
    """Until every payout since then is settled and its SMS accepted."""
    until = time.monotonic() + SETTLED_S_MAX
    while (left := _left(on, began)) > 0:
        assert time.monotonic() < until, f"{left} payouts or messages are not done"
        time.sleep(POLL_S)


def _left(on: Ground, began: object) -> int:
    return int(
        on.scalar(
            "SELECT (SELECT count(*) FROM payout WHERE state NOT IN ('paid', 'reversed')"
            "  AND requested_at >= :began)"
            " + (SELECT count(*) FROM message WHERE due_at IS NOT NULL AND queued_at >= :began)",
            began=began,
        )
    )


def _span(owner: Database, began: object) -> tuple[float, float]:
    """When the first debit was and when the last payout was settled and told, in seconds."""
    with owner.transaction() as tx:
        row = tx.execute(
            sa.text(
                "SELECT extract(epoch FROM min(at) FILTER (WHERE to_state = 'reserved')),"
                " extract(epoch FROM greatest(max(at), (SELECT max(accepted_at) FROM message"
                "  WHERE queued_at >= :began))) FROM payout_event WHERE at >= :began"
            ),
            {"began": began},
        ).one()
    return float(row[0]), float(row[1])
