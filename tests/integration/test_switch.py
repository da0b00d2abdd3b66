"""The switch that stops withdrawals: what waits, what goes on, and that nothing slips through."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.audit import Actor
from app.db import Database
from app.doorbell import Step
from app.payouts import intake, overdue, switch
from app.payouts.intake import NotAccepted, Reason
from app.payouts.switch import AlreadyStopped, NotStopped, Waiting
from app.providers.daraja import PAY_PATH, STATUS_PATH
from tests.integration.test_intake import quote
from tests.support.ledger import assert_coherent
from tests.support.stories import AMOUNT_CENTS, Stories
from tests.support.working import Working, working

LOOKS_MAX = 5_000
AMINA = Actor("command line", name="amina")


@pytest.fixture
def site(
    tmp_path: Path, db: Database, owner_db: Database, database_url: str, redis_url: str
) -> Iterator[Working]:
    with working(tmp_path, db=db, database_url=database_url, redis_url=redis_url) as made:
        yield made
    assert_coherent(owner_db)


def stop(stories: Stories) -> None:
    with stories.db.transaction() as tx:
        switch.stop(tx, reason="unusual volume", by=AMINA)


def resume(stories: Stories) -> None:
    with stories.db.transaction() as tx:
        switch.resume(tx, reason="checked", by=AMINA)


def due(stories: Stories) -> set[Step]:
    with stories.db.transaction() as tx:
        return overdue.steps(tx)


def calls(site: Working, path: str = PAY_PATH) -> int:
    return len(site.safaricom.seen(path))


def test_a_stop_is_kept_with_who_and_why(db: Database) -> None:
    """There is at most one; each is on record for ever."""
    with db.transaction() as tx:
        assert switch.stopped(tx) is None
        with pytest.raises(NotStopped):
            switch.resume(tx, reason="checked", by=AMINA)
    with db.transaction() as tx:
        made = switch.stop(tx, reason="unusual volume", by=AMINA)
        assert ("unusual volume", "amina (command line)") == (made.reason, made.by)
    with db.transaction() as tx:
        assert made == switch.stopped(tx)
        with pytest.raises(AlreadyStopped, match="amina"):
            switch.stop(tx, reason="once more", by=AMINA)
    with db.transaction() as tx:
        assert made == switch.resume(tx, reason="checked", by=AMINA)
        assert switch.stopped(tx) is None
        acts = tx.execute(sa.text("SELECT action, detail->>'reason' FROM staff_action ORDER BY id"))
        assert [
            ("withdrawals_stopped", "unusual volume"),
            ("withdrawals_resumed", "checked"),
        ] == [tuple(act) for act in acts]


def test_no_withdrawal_is_taken_in(site: Working) -> None:
    stories = site.stories
    stop(stories)
    with stories.db.transaction() as tx:
        wanted = quote(stories, stories.person(), AMOUNT_CENTS)
        answer = intake.request(tx, quote_id=wanted, notice_after_s=120)
    assert NotAccepted(Reason.STOPPED) == answer


def test_what_was_not_sent_waits_and_rings_for_nobody(site: Working) -> None:
    """Neither debited nor called, not in a batch and not alone; then both, within one look."""
    stories = site.stories
    reserved = stories.reserved()
    requested = stories.requested()
    stop(stories)
    assert set() == due(stories)
    site.context.debit.run()
    site.context.debit.alone(requested)
    site.context.pay.run()
    site.context.pay.alone(reserved)
    site.timekeeper.tick()
    assert ["requested", "reserved"] == [stories.state(requested), stories.state(reserved)]
    assert 0 == calls(site)
    with stories.db.transaction() as tx:
        assert Waiting(2, 2 * AMOUNT_CENTS) == switch.waiting(tx)
    resume(stories)
    assert {Step.DEBIT, Step.PAY} == due(stories)
    site.context.debit.run()
    site.context.pay.run()
    site.context.resolve.run()
    assert ["submitted", "submitted"] == [stories.state(requested), stories.state(reserved)]


def test_what_was_sent_is_followed_to_its_end(site: Working) -> None:
    """Asked about, sent again within its window, settled: a stop decides nothing."""
    stories = site.stories
    asked, resent = stories.submitted(), stories.in_doubt()
    stop(stories)
    for timer, reference in (("ask_due_at", asked), ("resend_due_at", resent)):
        stories.write(
            f"UPDATE payout SET {timer} = now() WHERE reference = :reference",  # noqa: S608
            reference,
        )
    assert {Step.ASK, Step.PAY} == due(stories)
    site.context.ask.run()
    site.context.pay.run()
    assert (1, 1) == (calls(site, STATUS_PATH), calls(site))
    stories.pay(asked)
    assert "paid" == stories.state(asked)


def test_a_payout_set_aside_waits_as_well(site: Working) -> None:
    """Its own job would find nothing to do, and would close its dead letter for nothing."""
    reference = site.stories.reserved()
    site.stories.write(
        "UPDATE payout SET failures = 1, failed_step = 'pay', retry_at = now()"
        " WHERE reference = :reference",
        reference,
    )
    stop(site.stories)
    with site.stories.db.transaction() as tx:
        assert [] == overdue.alone(tx)
    resume(site.stories)
    with site.stories.db.transaction() as tx:
        assert [(Step.PAY, reference)] == overdue.alone(tx)


def test_a_stop_waits_for_calls_that_are_being_committed(db: Database) -> None:
    """Once `stop` has come back, no call is committed any more, however the two fell."""
    with ThreadPoolExecutor(1) as pool:
        with db.transaction() as step:
            assert switch.hold(step)

            def stopping() -> None:
                with db.transaction() as tx:
                    switch.stop(tx, reason="now", by=AMINA)

            stopped = pool.submit(stopping)
            let_it_wait(db)
            assert not stopped.done()
        stopped.result(10)
    with db.transaction() as tx:
        assert not switch.hold(tx)


def let_it_wait(db: Database) -> None:
    """Until somebody waits for an advisory lock."""
    waits = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    for _ in range(LOOKS_MAX):
        with db.transaction() as tx:
            if tx.scalar(waits):
                return
    raise AssertionError("nobody waits")


def test_a_step_that_waited_for_a_stop_sees_it(db: Database) -> None:
    with ThreadPoolExecutor(1) as pool:
        with db.transaction() as tx:
            switch.stop(tx, reason="now", by=AMINA)

            def holding() -> bool:
                with db.transaction() as step:
                    return switch.hold(step)

            held = pool.submit(holding)
            let_it_wait(db)
        assert not held.result(10)
