"""kill -9 and FLUSHALL at every step: everything is finished once, soon after the restart."""

import signal

import pytest
import redis
import sqlalchemy as sa

from app.db import Database
from tests.acceptance.test_withdrawals import AMINA, reaches
from tests.support.stack import Stack, wait_for

CARRIES_ON_WITHIN_S = 10

STEPS = {
    "before_the_debit": "SELECT 1 FROM payout WHERE state = 'requested'",
    "after_the_debit": "SELECT 1 FROM payout WHERE state = 'reserved'",
    "with_a_call_on_the_wire": "SELECT 1 FROM attempt WHERE outcome IS NULL",
    "after_the_acknowledgement": "SELECT 1 FROM evidence WHERE class = 'accepted'",
    "after_the_callback": "SELECT 1 FROM inbox",
    "after_settling": "SELECT 1 FROM payout WHERE state = 'paid'",
}


def seen(db: Database, query: str) -> bool:
    with db.transaction() as tx:
        return tx.scalar(sa.text(query)) is not None


@pytest.mark.parametrize("step", STEPS)
def test_killed_workers_finish_once(baraza: Stack, db: Database, step: str) -> None:
    """The workers are killed once the step is seen, and started again: paid exactly once."""
    if step in {"before_the_debit", "after_the_debit"}:
        baraza.kill("clock")
        baraza.kill("worker")
    if step == "with_a_call_on_the_wire":
        baraza.fault({"api": "b2c"}, "ack_late", hang_s=1.2)
    reference = baraza.withdraw(AMINA, 1500)
    if step == "after_the_debit":
        _debit_only(baraza)
    wait_for(step, lambda: seen(db, STEPS[step]))
    if "worker" in baraza.processes:
        baraza.kill("worker")
    missing = [name for name in ("worker", "clock") if name not in baraza.processes]
    baraza.start(*missing)
    reaches(db, reference, "paid", seconds=CARRIES_ON_WITHIN_S)
    assert [r["times"] for r in baraza.paid()["by_ocid"].values()] == [1]
    receipts = wait_for(
        "the receipt", lambda: [m for m in baraza.phone(AMINA).inbox() if reference in m.text]
    )
    assert len(receipts) >= 1


def _debit_only(baraza: Stack) -> None:
    """Run the worker group that debits, then kill it before anything is paid."""
    import subprocess

    from tests.support.stack import BARAZA

    with (baraza.folder / "debit.log").open("ab") as log:
        baraza.processes["worker"] = subprocess.Popen(
            [BARAZA, "worker", "--only", "money"], env=baraza.environment, stdout=log, stderr=log
        )


def test_redis_emptied_in_mid_run_loses_nothing(baraza: Stack, db: Database) -> None:
    """FLUSHALL between every two steps: delay, nothing else."""
    server = redis.Redis.from_url(baraza.redis_url)
    reference = baraza.withdraw(AMINA, 1500)
    for _ in range(20):
        server.flushdb()
    reaches(db, reference, "paid", seconds=CARRIES_ON_WITHIN_S + 5)
    assert baraza.paid()["total_cents"] == 150_000


def test_everything_killed_carries_on_where_it_was(baraza: Stack, db: Database) -> None:
    """Kill -9 of every process of ours with a payout in flight, then a plain start."""
    baraza.fault({"api": "b2c"}, "callback_late", after_s=3)
    reference = baraza.withdraw(AMINA, 1500)
    wait_for("the call", lambda: seen(db, "SELECT 1 FROM attempt"))
    for name in ("web", "worker", "clock"):
        baraza.kill(name)
    baraza.start("web", "worker", "clock")
    reaches(db, reference, "paid", seconds=30)
    assert baraza.paid()["total_cents"] == 150_000


def test_a_worker_that_slept_past_its_claim_pays_nobody_twice(baraza: Stack, db: Database) -> None:
    """SIGSTOP of the workers in mid call, then SIGCONT: its claim was void, the money is once."""
    import psutil

    baraza.fault({"api": "b2c"}, "ack_late", hang_s=1.0)
    reference = baraza.withdraw(AMINA, 1500)
    wait_for("the call", lambda: seen(db, "SELECT 1 FROM attempt"))
    family = psutil.Process(baraza.processes["worker"].pid).children(recursive=True)
    for process in family:
        process.send_signal(signal.SIGSTOP)
    wait_for(
        "the claim void",
        lambda: seen(db, "SELECT 1 FROM payout WHERE claimed_by IS NULL AND state <> 'requested'"),
        seconds=15,
    )
    for process in family:
        process.send_signal(signal.SIGCONT)
    reaches(db, reference, "paid", seconds=30)
    assert [r["times"] for r in baraza.paid()["by_ocid"].values()] == [1]
