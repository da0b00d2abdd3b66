"""Taking a withdrawal back: only what was never sent, everything returned, told once."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.db import Database, Tx
from app.ledger import statements
from app.payouts import cancel, claims, intake
from app.payouts.cancel import Cancelled, NothingOpen, TooLate
from app.payouts.intake import OpenPayout, Requested
from app.payouts.latest import LastPayout, last
from app.payouts.states import State
from app.providers.daraja import PAY_PATH
from tests.integration.test_intake import quote, request, the_member
from tests.support.ledger import assert_coherent
from tests.support.stories import AMOUNT_CENTS, SAVINGS_CENTS, Stories
from tests.support.working import Working, working

LOOKS_MAX = 5_000


@pytest.fixture
def site(
    tmp_path: Path, db: Database, owner_db: Database, database_url: str, redis_url: str
) -> Iterator[Working]:
    """Every test ends with books that agree."""
    with working(tmp_path, db=db, database_url=database_url, redis_url=redis_url) as made:
        yield made
    assert_coherent(owner_db)


@pytest.fixture
def stories(site: Working) -> Stories:
    return site.stories


def savings(stories: Stories) -> int:
    """Of the only member."""
    with stories.db.transaction() as tx:
        account = tx.scalar(sa.text("SELECT account_id FROM member_account"))
        assert account is not None
        return statements.available(tx, account)


def kinds(stories: Stories) -> list[str]:
    """The SMS so far."""
    with stories.db.transaction() as tx:
        return list(tx.scalars(sa.text("SELECT kind FROM message ORDER BY queued_at, id")))


@pytest.mark.parametrize("state", ["requested", "reserved"])
def test_what_was_never_sent_can_be_taken_back(stories: Stories, state: str) -> None:
    """The whole total is hers again, fee and duty too, and she may withdraw at once."""
    reference = getattr(stories, state)()
    assert Cancelled(reference) == stories.cancel(reference)
    assert "cancelled" == stories.state(reference)
    assert SAVINGS_CENTS == savings(stories)
    assert ["cancelled"] == kinds(stories)
    again = request(stories, quote(stories, the_member(stories), AMOUNT_CENTS))
    assert isinstance(again, Requested)


def test_a_repeat_finds_it_cancelled(stories: Stories) -> None:
    reference = stories.reserved()
    answers = [stories.cancel(reference) for _ in range(3)]
    assert 3 * [Cancelled(reference)] == answers
    assert ["cancelled"] == kinds(stories)
    assert SAVINGS_CENTS == savings(stories)


@pytest.mark.parametrize("state", ["called", "submitted", "in_doubt"])
def test_what_may_be_at_mpesa_is_not_taken_back(stories: Stories, state: str) -> None:
    """Not even when the only call has no outcome yet: a timeout is never a no."""
    reference = getattr(stories, state)()
    before = stories.state(reference)
    assert TooLate(reference) == stories.cancel(reference)
    assert before == stories.state(reference)
    assert [] == kinds(stories)


@pytest.mark.parametrize("state", ["paid", "reversed", "declined", "recovery"])
def test_what_has_ended_is_not_cancelled(stories: Stories, state: str) -> None:
    reference = getattr(stories, state)()
    before = savings(stories)
    assert NothingOpen() == stories.cancel(reference)
    assert (state, before) == (stories.state(reference), savings(stories))


def test_a_frozen_payout_is_left_to_a_person(stories: Stories) -> None:
    """Somebody spoke of a payout that we never sent."""
    reference = stories.reserved()
    stories.told(reference, "callback", "success", receipt="SGH7K2M9QX")
    assert TooLate(reference) == stories.cancel(reference)
    assert "reserved" == stories.state(reference)


def test_nobody_cancels_for_another(stories: Stories) -> None:
    reference = stories.reserved()
    other = stories.person()
    with stories.db.transaction() as tx:
        answer = cancel.by_member(tx, member_id=other.id, reference=reference)
        unknown = cancel.by_member(tx, member_id=other.id, reference="BRZ2222222")
    assert (NothingOpen(), NothingOpen(), "reserved") == (answer, unknown, stories.state(reference))


def test_a_payout_with_a_call_row_cannot_be_cancelled_by_any_code(stories: Stories) -> None:
    """The database holds the proof against whoever forgets to ask for it."""
    reference = stories.reserved()
    stories.write(
        "INSERT INTO attempt (payout_id, n, body_hash)"
        " SELECT id, 1, 'body' FROM payout WHERE reference = :reference",
        reference,
    )
    refused = pytest.raises(sa.exc.DBAPIError, match="may not go from reserved to cancelled")
    with refused, stories.db.transaction() as tx:
        payout = claims.take_one(tx, reference)
        assert payout is not None
        cancel.unsent(tx, payout, cause="a mistake", reason="us")
    assert "reserved" == stories.state(reference)


def test_cancelled_by_us_after_it_failed_closes_its_dead_letter(stories: Stories) -> None:
    """Nobody needs to look at it any more."""
    reference = stories.reserved()
    stories.write(
        "UPDATE payout SET failures = 5, failed_step = 'pay' WHERE reference = :reference",
        reference,
    )
    stories.write(
        "INSERT INTO dead_letter (payout_id, step, reason)"
        " SELECT id, 'pay', 'KeyError' FROM payout WHERE reference = :reference",
        reference,
    )
    stories.cancel(reference)
    with stories.db.transaction() as tx:
        assert 0 == tx.scalar(sa.text("SELECT count(*) FROM dead_letter WHERE closed_at IS NULL"))


def test_what_is_said_of_a_cancelled_payout_freezes_it(stories: Stories) -> None:
    """It was never sent, so a lie or a fault of ours: a person looks, and no money moves."""
    reference = stories.cancelled()
    stories.told(reference, "callback", "success", receipt="SGH7K2M9QX")
    with stories.db.transaction() as tx:
        assert tx.scalar(sa.text("SELECT frozen FROM payout"))
    assert SAVINGS_CENTS == savings(stories)


# -- against the pay step, at the same moment ------------------------------------------------------


def waits(db: Database) -> None:
    """Until a database session waits for a lock that another holds."""
    query = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )
    for _ in range(LOOKS_MAX):
        with db.transaction() as tx:
            if tx.scalar(query):
                return
    raise AssertionError("nobody waits")


def test_pay_was_faster(site: Working, owner_db: Database) -> None:
    """The cancel waits for the step's commit, then sees its call and takes nothing back."""
    stories, reference = site.stories, site.stories.reserved()
    with ThreadPoolExecutor(1) as pool:
        with site.context.db.transaction() as tx:
            payout = claims.take_one(tx, reference)
            assert payout is not None
            assert 1 == len(site.context.pay.intend(tx, [payout]))
            answer: Future[object] = pool.submit(stories.cancel, reference)
            waits(owner_db)
        assert TooLate(reference) == answer.result(10)
    assert "submitting" == stories.state(reference)
    assert savings(stories) < SAVINGS_CENTS


def test_the_cancel_was_faster(site: Working, owner_db: Database) -> None:
    """A batch passes over it, a job of its own waits for it; neither ever calls."""
    stories, reference = site.stories, site.stories.reserved()
    with ThreadPoolExecutor(1) as pool:
        with stories.db.transaction() as tx:
            member = tx.scalar(sa.text("SELECT member_id FROM payout"))
            assert member is not None
            assert Cancelled(reference) == cancel.by_member(
                tx, member_id=member, reference=reference
            )
            assert 0 == site.context.pay.run().done
            alone = pool.submit(site.context.pay.alone, reference)
            waits(owner_db)
        assert 0 == alone.result(10).done
    assert "cancelled" == stories.state(reference)
    assert [] == site.safaricom.seen(PAY_PATH)


def test_the_debit_against_a_cancel(site: Working, owner_db: Database) -> None:
    """Whoever comes first, what was taken is what is given back."""
    stories, reference = site.stories, site.stories.requested()
    with ThreadPoolExecutor(1) as pool:
        with stories.db.transaction() as tx:
            member = tx.scalar(sa.text("SELECT member_id FROM payout"))
            assert member is not None
            cancel.by_member(tx, member_id=member, reference=reference)
            alone = pool.submit(site.context.debit.alone, reference)
            waits(owner_db)
        alone.result(10)
    assert ("cancelled", SAVINGS_CENTS) == (stories.state(reference), savings(stories))


def test_many_races_have_one_winner_each(site: Working) -> None:
    """Pay and cancel let loose on the same payouts: called or cancelled, never both."""
    stories = site.stories
    references = [stories.requested() for _ in range(12)]
    stories.debit()
    gate = threading.Barrier(2)

    def loose(act: Callable[[], object]) -> object:
        gate.wait(10)
        return act()

    def cancel_all() -> list[object]:
        return [stories.cancel(reference) for reference in reversed(references)]

    with ThreadPoolExecutor(2) as pool:
        paying = pool.submit(loose, site.context.pay.run)
        answers = pool.submit(loose, cancel_all).result(20)
        paying.result(20)
    assert isinstance(answers, list)
    cancelled = {a.reference for a in answers if isinstance(a, Cancelled)}
    with stories.db.transaction() as tx:
        called = set(
            tx.scalars(
                sa.text("SELECT reference FROM payout p JOIN attempt a ON a.payout_id = p.id")
            )
        )
    assert set() == cancelled & called
    assert cancelled == {r for r in references if stories.state(r) == "cancelled"}
    assert len(called) == len(site.safaricom.seen(PAY_PATH))


# -- what the member sees of it --------------------------------------------------------------------


def open_payout(tx: Tx) -> OpenPayout | None:
    member = tx.scalar(sa.text("SELECT id FROM member"))
    assert member is not None
    return intake.open_payout(tx, member)


def test_a_screen_offers_to_cancel_only_what_can_be(stories: Stories) -> None:
    reference = stories.requested()
    offered = []
    for state in ("requested", "reserved", "submitting"):
        with stories.db.transaction() as tx:
            found = open_payout(tx)
        assert found is not None
        assert state == found.state
        offered.append(found.can_cancel)
        if state == "requested":
            stories.debit()
        else:
            stories.write(
                "UPDATE payout SET state = 'submitting' WHERE reference = :reference", reference
            )
    assert [True, True, False] == offered


def test_the_last_withdrawal_is_the_newest(stories: Stories) -> None:
    """Whatever became of it, and nothing for who never made one."""
    nobody = stories.person()
    stories.reversed()
    with stories.db.transaction() as tx:
        assert last(tx, nobody.id) is None
        member = tx.scalar(sa.text("SELECT member_id FROM payout"))
        assert member is not None
        found = last(tx, member)
        row = tx.execute(sa.text("SELECT reference, requested_at FROM payout")).one()
    assert found is not None
    assert (
        LastPayout(row.reference, State.REVERSED, "our_side", AMOUNT_CENTS, row.requested_at, None)
        == found
    )
