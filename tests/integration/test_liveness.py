"""Who is taken for dead and who is not, what an error leaves behind, and what must not stick."""

import time
import traceback
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from rq.timeouts import JobTimeoutException

from app import config
from app.db import Database, Tx
from app.doorbell import Step
from app.payouts import claims, poison
from app.payouts.deadlines import FAILURES_MAX, HEARTBEAT_S, SILENT_S
from tests.support.stories import Stories
from workers.clock import LONG_SILENT_S, Timekeeper
from workers.context import open_context
from workers.heartbeat import Heartbeat


@pytest.fixture
def stories(db: Database, redis_url: str) -> Stories:
    return Stories(db, redis_url)


def claimed_by(db: Database) -> list[str | None]:
    with db.transaction() as tx:
        return list(tx.scalars(sa.text("SELECT claimed_by FROM payout")))


def claim(stories: Stories, *, silent_for_s: float) -> None:
    """A payout on the wire, in the hands of a worker that last beat this long ago."""
    stories.write(
        "UPDATE payout SET claimed_by = 'worker', lease_until = now() + interval '1 min'"
        " WHERE reference = :reference",
        stories.called(),
    )
    with stories.db.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO worker_heartbeat (name, queues, beat_at)"
                " VALUES ('worker', 'pay', now() - make_interval(secs => :silent))"
            ),
            {"silent": silent_for_s},
        )


@pytest.fixture
def timekeeper(database_url: str, redis_url: str) -> Iterator[Timekeeper]:
    settings = config.load({"DATABASE_URL": database_url, "REDIS_URL": redis_url})
    context = open_context(settings, worker="clock")
    yield Timekeeper(context)
    context.db.close()
    context.redis.close()


def test_a_silent_workers_claim_is_void(stories: Stories, timekeeper: Timekeeper) -> None:
    """So that its payouts are looked into at once."""
    claim(stories, silent_for_s=SILENT_S + 1)
    timekeeper.tick()
    assert [None] == claimed_by(stories.db)


def test_an_outage_of_postgresql_makes_nobody_dead(
    stories: Stories, timekeeper: Timekeeper
) -> None:
    """Nobody could beat. To void all claims would double every call that is on the wire."""
    claim(stories, silent_for_s=SILENT_S + 1)
    timekeeper.lost_sight()
    timekeeper.tick()
    assert ["worker"] == claimed_by(stories.db)


def test_who_was_silent_for_long_is_dead_even_after_an_outage(
    stories: Stories, timekeeper: Timekeeper
) -> None:
    """The grace is for those who beat before it."""
    claim(stories, silent_for_s=LONG_SILENT_S + 1)
    timekeeper.lost_sight()
    timekeeper.tick()
    assert [None] == claimed_by(stories.db)


def test_a_heart_goes_on_beating_after_any_error(db: Database, owner_db: Database) -> None:
    """A server that was read-only for a moment must not make a living worker fall silent."""
    with Heartbeat(db, name="worker", queues="pay"):
        with owner_db.transaction() as tx:
            tx.execute(sa.text("ALTER TABLE worker_heartbeat RENAME TO away"))
        time.sleep(1.5 * HEARTBEAT_S)
        with owner_db.transaction() as tx:
            tx.execute(sa.text("ALTER TABLE away RENAME TO worker_heartbeat"))
            before = tx.scalar(sa.text("SELECT beat_at FROM worker_heartbeat"))
        until = time.monotonic() + 5
        while _beat_at(db) == before:
            assert time.monotonic() < until, "it stopped"
            time.sleep(0.1)


def _beat_at(db: Database) -> object:
    with db.transaction() as tx:
        return tx.scalar(sa.text("SELECT beat_at FROM worker_heartbeat"))


def test_a_time_out_of_the_job_is_no_payouts_fault(stories: Stories) -> None:
    """RQ raises it wherever the job happens to be; it must end the job and count nowhere."""
    reference = stories.reserved()
    with stories.db.transaction() as tx:
        payouts = claims.take(tx, "true", limit=1, order="p.id")

    def work(_tx: Tx, _payouts: object) -> list[None]:
        raise JobTimeoutException

    with pytest.raises(JobTimeoutException):
        poison.one_by_one(stories.db, Step.PAY, payouts, work)
    with pytest.raises(JobTimeoutException):
        poison.alone(stories.db, Step.PAY, reference, work)
    with stories.db.transaction() as tx:
        assert 0 == tx.scalar(sa.text("SELECT failures FROM payout"))


def refuse_every_call(owner_db: Database) -> None:
    with owner_db.transaction() as tx:
        tx.execute(sa.text("ALTER TABLE payout ADD CHECK (cause <> 'refused')"))


def test_a_refused_row_is_not_quoted(stories: Stories, owner_db: Database) -> None:
    """PostgreSQL adds the whole row to its text; tracebacks go to logs and into Redis."""
    reference = stories.reserved()
    refuse_every_call(owner_db)
    with pytest.raises(sa.exc.IntegrityError) as refused:
        stories.write("UPDATE payout SET cause = 'refused' WHERE reference = :reference", reference)
    told = "".join(traceback.format_exception(refused.value))
    assert "payout_cause_check" in told
    assert "+254712" not in told
    assert "DETAIL" not in told


def test_the_last_failure_names_the_payout_and_nothing_else(stories: Stories) -> None:
    """RQ keeps the traceback in Redis for a week."""
    reference = stories.reserved()

    def work(_tx: Tx, _payouts: object) -> list[None]:
        raise ValueError("+254712000001")

    for _ in range(FAILURES_MAX - 1):
        assert 1 == poison.alone(stories.db, Step.PAY, reference, work).set_aside
    with pytest.raises(poison.NeedsPerson) as needed:
        poison.alone(stories.db, Step.PAY, reference, work)
    told = "".join(traceback.format_exception(needed.value))
    assert reference in told
    assert "+254712" not in told


def test_a_notice_that_was_planned_under_another_setting_is_sent_and_done(
    stories: Stories,
) -> None:
    """Or resolve would take up the same payout for ever, and others never."""
    reference = stories.in_doubt()
    stories.write(
        "UPDATE payout SET notice_due_at = now() - interval '1 s' WHERE reference = :reference",
        reference,
    )
    stories.resolve()
    with stories.db.transaction() as tx:
        query = "SELECT count(*) FROM payout WHERE notice_due_at <= now()"
        assert 0 == tx.scalar(sa.text(query))
        assert ["silent"] == list(tx.scalars(sa.text("SELECT kind FROM message")))
