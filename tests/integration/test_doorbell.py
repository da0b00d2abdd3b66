"""The doorbell: at most one ringing pending, nothing in it worth stealing, and it may be lost."""

import json
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from rq import Queue

from app import redis_client
from app.db import Database
from app.doorbell import FORCED_PENDING_MAX, PENDING_S_MAX, Doorbell, Step
from app.providers.daraja import PAY_PATH
from tests.support.http_script import closed_port
from tests.support.stack import wait_for
from tests.support.working import Working, working
from workers import jobs
from workers.listener import ALLOWED_JOBS

# RQ's own alarm would silence that of the test's time-out.
pytestmark = pytest.mark.timeout(120, method="thread")


@pytest.fixture
def site(tmp_path: Path, db: Database, database_url: str, redis_url: str) -> Iterator[Working]:
    with working(tmp_path, db=db, database_url=database_url, redis_url=redis_url) as made:
        yield made


def test_one_ringing_a_step_is_pending(site: Working) -> None:
    """However many payouts are confirmed in a second."""
    bell = site.context.doorbell
    for _ in range(3):
        assert bell.ring(Step.DEBIT, Step.PAY)
    assert {"debit": 1, "pay": 1} == site.rung()


def test_a_job_carries_nothing_but_the_steps_name(site: Working) -> None:
    """Redis is not trusted: no money, no names, no numbers, and no pickle."""
    site.context.doorbell.ring(Step.PAY)
    [job] = site.queue(Step.PAY).jobs
    assert ("workers.jobs.pay", (), {}) == (job.func_name, tuple(job.args), job.kwargs)
    data = site.context.redis.hget(f"rq:job:{job.id}", "data")
    assert isinstance(data, bytes)
    assert ["workers.jobs.pay", None, [], {}] == json.loads(zlib.decompress(data))


def test_a_flag_that_nobody_took_down_is_forgotten(site: Working) -> None:
    """The worker died with the job; the step must not be silent for ever."""
    bell, redis = site.context.doorbell, site.context.redis
    bell.ring(Step.DEBIT)
    left_ms = redis.pttl("bell:debit")
    assert 0 < left_ms <= PENDING_S_MAX * 1000
    redis.pexpire("bell:debit", 1)
    time.sleep(0.05)
    bell.ring(Step.DEBIT)
    assert {"debit": 2} == site.rung()


def test_the_flag_goes_down_before_the_step_claims(site: Working, owner_db: Database) -> None:
    """What is committed while a step claims rings again, or it would wait for the timekeeper."""
    bell, redis = site.context.doorbell, site.context.redis
    site.stories.requested()
    bell.ring(Step.DEBIT)
    with owner_db.transaction() as tx:
        tx.execute(sa.text("LOCK TABLE payout IN ACCESS EXCLUSIVE MODE"))
        job = threading.Thread(target=jobs.debit)
        job.start()
        until = time.monotonic() + PENDING_S_MAX / 2  # before it would be forgotten anyway
        while redis.exists("bell:debit"):
            assert time.monotonic() < until, "the flag stays up while the step waits"
            time.sleep(0.01)
        assert job.is_alive()
        bell.ring(Step.DEBIT)
    job.join()
    assert {"debit": 2, "pay": 1, "sms": 1} == site.rung()


def test_the_timekeeper_rings_past_a_flag_but_not_without_end(site: Working) -> None:
    """The flag may be a dead worker's. Each second once more would flood a queue that is slow."""
    bell = site.context.doorbell
    bell.ring(Step.ASK)
    for _ in range(5):
        assert bell.insist(Step.ASK)
    assert {"ask": FORCED_PENDING_MAX} == site.rung()


def test_a_payout_that_is_worked_alone_has_a_job_with_its_name(site: Working) -> None:
    """The same one every time, so that the dashboard shows a payout once."""
    for _ in range(2):
        assert site.context.doorbell.ring_alone(Step.PAY, "BRZ2222222")
    job = site.job("pay-BRZ2222222")
    assert ("pay BRZ2222222", "workers.jobs.pay_alone", ("BRZ2222222",)) == (
        job.description,
        job.func_name,
        tuple(job.args),
    )
    assert {"pay-BRZ2222222"} == set(site.queue(Step.PAY).job_ids)


def test_without_redis_nothing_raises_and_the_caller_is_told() -> None:
    """The member's screen does not depend on it; PostgreSQL has the payout."""
    bell = Doorbell(redis_client.connect(f"redis://127.0.0.1:{closed_port()}/0", timeout_s=0.5))
    bell.answered(Step.PAY)
    assert (False, False, False) == (
        bell.ring(Step.PAY, Step.DEBIT),
        bell.insist(Step.PAY),
        bell.ring_alone(Step.PAY, "BRZ2222222"),
    )


def test_a_job_is_described_by_what_it_found(site: Working) -> None:
    """On the dashboard one sees which payouts a job had, and how many."""
    stories = site.stories
    references = [stories.requested() for _ in range(4)]
    site.context.doorbell.ring(Step.DEBIT)
    [worked] = site.queue(Step.DEBIT).job_ids
    site.answer(Step.DEBIT)
    job = site.job(worked)
    assert f"debit ×4: {', '.join(references[:3])}, …" == job.description
    assert {"done": 4, "set_aside": 0} == job.return_value()
    site.context.doorbell.ring(Step.DEBIT)
    [idle] = site.queue(Step.DEBIT).job_ids
    site.answer(Step.DEBIT)
    assert "debit: nothing due" == site.job(idle).description


def test_one_ringing_leads_to_the_next(site: Working) -> None:
    """From the debit to M-PESA's acknowledgement, with no timekeeper and no second look."""
    reference = site.stories.requested()
    site.context.doorbell.ring(Step.DEBIT)
    site.answer(Step.DEBIT, Step.PAY, Step.RESOLVE)
    assert "submitted" == site.stories.state(reference)
    site.answer(Step.SMS, Step.ASK)
    assert {} == site.rung()


@pytest.mark.parametrize(
    "function", ["os.mkdir", "workers.jobs._answer", "workers.jobs.current", "workers.jobs.sms.x"]
)
def test_a_worker_runs_no_function_but_ours(site: Working, tmp_path: Path, function: str) -> None:
    """Whoever can write to Redis chooses neither code nor arguments; RQ's failed list tells."""
    queue = site.queue(Step.PAY)
    target = tmp_path / "made by Redis"
    job = queue.enqueue(function, str(target), job_id="foreign")
    site.answer(Step.PAY)
    assert not target.exists()
    assert [job.id] == queue.failed_job_registry.get_job_ids()
    result = site.job(job.id).latest_result()
    assert result is not None
    assert "PermissionError" in str(result.exc_string)


def test_what_is_no_json_is_not_read_and_stops_nobody(site: Working) -> None:
    """A pickle would be code; and whoever writes one must not keep a worker down by it."""
    reference = site.stories.reserved()
    queue = Queue(Step.PAY, connection=site.context.redis)
    queue.enqueue("os.getcwd", job_id="pickled")
    site.context.doorbell.ring(Step.PAY)
    site.answer(Step.PAY)
    assert ["pickled"] == site.queue(Step.PAY).failed_job_registry.get_job_ids()
    assert "submitting" == site.stories.state(reference)
    assert 1 == len(site.safaricom.seen(PAY_PATH))


def test_the_jobs_are_the_steps_and_the_steps_alone() -> None:
    """A new function in that module is reachable from Redis: see that it is meant to be."""
    names = {f"{step}" for step in Step} | {f"{step}_alone" for step in Step if step != Step.SMS}
    assert {f"workers.jobs.{name}" for name in names} == ALLOWED_JOBS


def test_what_is_rung_soon_is_rung_once_for_all(site: Working) -> None:
    """A crowd of results makes one job, and none of them waits for Redis."""
    for _ in range(20):
        site.context.doorbell.ring_soon(Step.RESOLVE)
    wait_for("a job", site.rung)
    assert {"resolve": 1} == site.rung()


def test_without_a_thread_to_be_had_it_is_rung_at_once(
    site: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError

    monkeypatch.setattr(threading.Thread, "start", none_left)
    site.context.doorbell.ring_soon(Step.RESOLVE)
    monkeypatch.undo()
    assert {"resolve": 1} == site.rung()
