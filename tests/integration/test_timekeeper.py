"""The timekeeper: it finds in PostgreSQL what is due, with Redis wiped, away, or full of flags.

Who is taken for dead, and who is not after an outage: `test_liveness`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.db import Database
from app.doorbell import Step
from app.payouts import cases, overdue
from app.payouts.deadlines import SILENT_S
from app.providers.daraja import PAY_PATH
from tests.support.http_script import closed_port
from tests.support.ledger import assert_coherent
from tests.support.stories import Stories
from tests.support.working import Working, working


@pytest.fixture
def site(
    tmp_path: Path, db: Database, owner_db: Database, database_url: str, redis_url: str
) -> Iterator[Working]:
    with working(tmp_path, db=db, database_url=database_url, redis_url=redis_url) as made:
        yield made
    assert_coherent(owner_db)


@pytest.fixture
def stories(db: Database, redis_url: str) -> Stories:
    return Stories(db, redis_url)


def due(stories: Stories) -> set[Step]:
    with stories.db.transaction() as tx:
        return overdue.steps(tx)


def pass_by(stories: Stories, reference: str, timer: str) -> None:
    """Let this timer of a payout run out."""
    stories.write(
        f"UPDATE payout SET {timer} = now() - interval '1 s' WHERE reference = :reference",  # noqa: S608
        reference,
    )


Scene = Callable[[Stories], str]
WHEN: dict[str, tuple[Scene, str, set[Step]]] = {
    "confirmed": (Stories.requested, "", {Step.DEBIT}),
    "debited": (Stories.reserved, "", {Step.PAY}),
    "call on the wire": (Stories.called, "", set()),
    "call brought nothing": (Stories.called, "doubt_due_at", {Step.RESOLVE}),
    "to be sent again": (Stories.called, "work_due_at", {Step.PAY}),
    "acknowledged": (Stories.submitted, "", set()),
    "no result in time": (Stories.submitted, "doubt_due_at", {Step.RESOLVE}),
    "to be asked about": (Stories.submitted, "ask_due_at", {Step.ASK}),
    "silent for long": (Stories.submitted, "notice_due_at", {Step.RESOLVE}),
    "in doubt": (Stories.in_doubt, "", set()),
    "in doubt, to be asked about": (Stories.in_doubt, "ask_due_at", {Step.ASK}),
    "in doubt, to be resent": (Stories.in_doubt, "resend_due_at", {Step.PAY}),
    "declined": (Stories.declined, "", set()),
    "paid": (Stories.paid, "", set()),
    "reversed": (Stories.reversed, "", set()),
    "in recovery": (Stories.recovery, "", set()),
}


@pytest.mark.parametrize("situation", WHEN)
def test_what_is_due_is_found(stories: Stories, situation: str) -> None:
    """Each timer leads to its own step, and what has none sleeps."""
    tell, timer, steps = WHEN[situation]
    reference = tell(stories)
    if timer:
        pass_by(stories, reference, timer)
    assert steps == due(stories)


def test_what_was_told_is_due(stories: Stories) -> None:
    """A callback that was filed and a call's outcome that was kept, each without a ringing."""
    reference = stories.submitted()
    filed = (
        "INSERT INTO inbox (kind, payout_id, sha256, body, source)"
        " SELECT 'b2c_timeout', id, '', '{}', '' FROM payout WHERE reference = :reference"
    )
    stories.write(filed, reference)
    assert {Step.RESOLVE} == due(stories)
    stories.resolve()
    assert set() == due(stories)
    stories.write(
        "INSERT INTO evidence (payout_id, source, class)"
        " SELECT id, 'ack', 'doubt' FROM payout WHERE reference = :reference",
        reference,
    )
    assert {Step.RESOLVE} == due(stories)


def test_a_frozen_payout_is_sent_by_nothing_and_asked_about_by_people(stories: Stories) -> None:
    """A contradiction takes all its timers away; only `cases.ask` sets one again."""
    reference = stories.in_doubt()
    stories.told(reference, "callback", "contradiction")
    with stories.db.transaction() as tx:
        asked = "SELECT ask_due_at FROM payout WHERE reference = :reference"
        assert tx.scalar(sa.text(asked), {"reference": reference}) is None
    for timer in ("work_due_at", "resend_due_at"):
        pass_by(stories, reference, timer)
    assert set() == due(stories)
    with stories.db.transaction() as tx:
        cases.ask(tx, reference, by=stories.someone(1))
    assert {Step.ASK} == due(stories)


def test_a_payout_set_aside_rings_for_no_batch_of_its_step(stories: Stories) -> None:
    """It waits for a job of its own or for a person; the other steps are still there for it."""
    reference = stories.reserved()
    stories.write(
        "UPDATE payout SET failures = 5, failed_step = 'pay' WHERE reference = :reference",
        reference,
    )
    assert set() == due(stories)
    stories.write(
        "INSERT INTO evidence (payout_id, source, class)"
        " SELECT id, 'own', 'doubt' FROM payout WHERE reference = :reference",
        reference,
    )
    assert {Step.RESOLVE} == due(stories)


def test_after_redis_was_wiped_every_step_is_rung_for_again(site: Working) -> None:
    """Delay, nothing else."""
    stories = site.stories
    stories.paid()
    pass_by(stories, stories.submitted(), "ask_due_at")
    pass_by(stories, stories.called(), "doubt_due_at")
    check = "UPDATE payout SET sim_check_due_at = now() WHERE reference = :reference"
    stories.write(check, stories.reserved())
    stories.requested()
    site.context.redis.flushdb()
    site.timekeeper.tick()
    assert {str(step): 1 for step in Step} == site.rung()


def test_a_flag_of_a_dead_worker_silences_no_step(site: Working) -> None:
    site.stories.requested()
    site.context.redis.flushdb()
    site.context.redis.set("bell:debit", 1)
    site.timekeeper.tick()
    assert {"debit": 1} == site.rung()


def test_where_nothing_is_due_nobody_is_rung_for(site: Working) -> None:
    """An idle SACCO's queues stay empty."""
    site.stories.submitted()
    site.context.redis.flushdb()
    site.timekeeper.tick()
    assert {} == site.rung()


def test_without_redis_the_timekeeper_works_by_itself(
    tmp_path: Path, db: Database, database_url: str, redis_url: str
) -> None:
    """Slow but safe: from the confirmation to M-PESA's acknowledgement, paid for once."""
    nobody = f"redis://127.0.0.1:{closed_port()}/0"
    with working(
        tmp_path, db=db, database_url=database_url, redis_url=redis_url, bell=nobody
    ) as site:
        reference = site.stories.requested()
        seen = []
        for _ in range(3):
            site.timekeeper.tick()
            seen.append(site.stories.state(reference))
        assert "submitted" == seen[-1]
        assert 1 == len(site.safaricom.seen(PAY_PATH))


def test_only_the_silent_workers_claims_are_void(site: Working) -> None:
    """The living one's call goes on; the dead one's is in doubt, asked about, never just resent."""
    stories = site.stories
    claimed = {name: stories.called() for name in ("dead", "living")}
    for name, reference in claimed.items():
        stories.write(
            f"UPDATE payout SET claimed_by = '{name}', lease_until = now() + interval '1 min'"  # noqa: S608
            " WHERE reference = :reference",
            reference,
        )
    with stories.db.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO worker_heartbeat (name, queues, beat_at) VALUES"
                " ('dead', 'pay', now() - make_interval(secs => :silent)), ('living', 'pay', now())"
            ),
            {"silent": SILENT_S + 1},
        )
    site.context.redis.flushdb()
    site.timekeeper.tick()
    assert {"resolve": 1} == site.rung()
    stories.resolve()
    with stories.db.transaction() as tx:
        rows = tx.execute(
            sa.text(
                "SELECT claimed_by, state, resend_due_at > now(), ask_due_at > now() FROM payout"
                " ORDER BY id"
            )
        ).all()
        names = list(tx.scalars(sa.text("SELECT name FROM worker_heartbeat")))
    assert [(None, "in_doubt", True, True), ("living", "submitting", None, None)] == rows
    assert ["living"] == names
    assert [] == site.safaricom.seen(PAY_PATH)


def test_a_lease_that_ended_is_void_although_its_worker_lives(site: Working) -> None:
    """A thread that hangs must not hold a member's money for ever."""
    stories = site.stories
    stories.write(
        "UPDATE payout SET claimed_by = 'living', lease_until = now() - interval '1 s'"
        " WHERE reference = :reference",
        stories.called(),
    )
    with stories.db.transaction() as tx:
        tx.execute(sa.text("INSERT INTO worker_heartbeat (name, queues) VALUES ('living', 'pay')"))
    site.timekeeper.tick()
    with stories.db.transaction() as tx:
        row = tx.execute(sa.text("SELECT claimed_by, doubt_due_at <= now() FROM payout")).one()
    assert (None, True) == tuple(row)


def test_two_timekeepers_hand_a_retry_to_one_job(site: Working) -> None:
    """Any number of them may run: a payout that was set aside is taken up once a minute."""
    reference = site.stories.reserved()
    site.stories.write(
        "UPDATE payout SET failures = 1, failed_step = 'pay', retry_at = now()"
        " WHERE reference = :reference",
        reference,
    )
    with site.stories.db.transaction() as one:
        assert [(Step.PAY, reference)] == overdue.alone(one)
        with site.context.db.transaction() as other:
            assert [] == overdue.alone(other)
    with site.context.db.transaction() as later:
        assert [] == overdue.alone(later)
