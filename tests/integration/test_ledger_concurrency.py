"""The books under many hands at once."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
import sqlalchemy as sa

from app.db import Database
from app.ledger import chart, entries, posting, sealing, statements, upkeep
from app.ledger.entries import JournalEntry, Kind, Posting
from tests.support.ledger import (
    TODAY,
    assert_coherent,
    let_others_finish,
    member_account,
    new_id,
)

HANDS = 6
Answer = TypeVar("Answer")


@pytest.fixture
def crowd(database_url: str) -> Iterator[Database]:
    """A pool with a connection for every hand."""
    database = Database(database_url, pool_max=HANDS, name="tests")
    yield database
    database.close()


def together(works: list[Callable[[], Answer]]) -> list[Answer]:
    """Run these at the same moment, each in a thread of its own; the first error is raised."""
    start = threading.Barrier(len(works))

    def begin(work: Callable[[], Answer]) -> Answer:
        start.wait(timeout=10)
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return [done.result() for done in [threads.submit(begin, work) for work in works]]


def test_both_ways_between_few_accounts(crowd: Database, owner_db: Database) -> None:
    """Batches in random order between four members never wait in a circle."""
    with crowd.transaction() as tx:
        members = [member_account(tx, cents=1_000_000) for _ in range(4)]

    def hand(seed: int) -> int:
        choice = random.Random(seed)
        posted = 0
        for _ in range(12):
            with crowd.transaction() as tx:
                batch = []
                for _ in range(choice.randint(1, 4)):
                    source, target = choice.sample(members, 2)
                    lines = (Posting(source, 7), Posting(target, -7))
                    batch.append(JournalEntry(new_id(tx), Kind.RETURNED, TODAY, "both ways", lines))
                choice.shuffle(batch)
                posted += len(posting.post_many(tx, batch))
        return posted

    posted = together([lambda seed=seed: hand(seed) for seed in range(HANDS)])
    with crowd.transaction() as tx:
        assert 4_000_000 == sum(posting.lock_available(tx, members).values())
        entries_there = tx.scalar(
            sa.text("SELECT count(*) FROM ledger.journal_entry WHERE reference = 'both ways'")
        )
    assert sum(posted) == entries_there
    assert_coherent(owner_db)


def test_many_hands_on_one_id_post_one_entry(crowd: Database, owner_db: Database) -> None:
    """However often and however simultaneously an entry is posted, it is in the books once."""
    with crowd.transaction() as tx:
        member = member_account(tx, cents=100_000)
        entry = entries.reserve(
            entry_id=new_id(tx), effective_on=TODAY, reference="r", account=member, total_cents=400
        )

    def hand() -> int:
        news = 0
        for _ in range(5):
            with crowd.transaction() as tx:
                news += posting.post(tx, entry)
        return news

    assert 1 == sum(together([hand] * HANDS))
    with crowd.transaction() as tx:
        assert 99_600 == statements.available(tx, member)
    assert_coherent(owner_db)


def test_settle_and_compensate_at_once(crowd: Database, owner_db: Database) -> None:
    """Of two outcomes that race for one payout exactly one is booked."""

    def try_to_post(entry: JournalEntry) -> str:
        try:
            with crowd.transaction() as tx:
                return entry.kind.value if posting.post(tx, entry) else "exists"
        except posting.DuplicateWithDifferentContents:
            return "refused"

    for _ in range(8):
        with crowd.transaction() as tx:
            member = member_account(tx, cents=102_645)
            reserve_id, resolve_id = new_id(tx), new_id(tx)
            about = {"effective_on": TODAY, "reference": "r"}
            posting.post(
                tx,
                entries.reserve(entry_id=reserve_id, account=member, total_cents=102_645, **about),
            )
            settle = entries.settle(
                entry_id=resolve_id, amount_cents=100_000, fee_cents=2_300, duty_cents=345, **about
            )
            give_back = entries.compensate(
                entry_id=resolve_id,
                account=member,
                total_cents=102_645,
                reverses=reserve_id,
                **about,
            )
        outcomes = together(
            [lambda e=entry: try_to_post(e) for entry in (settle, give_back, settle, give_back)]
        )
        # One is booked; its twin finds it there; the other outcome is refused, twice.
        winner = {"settle", "compensate"} & set(outcomes)
        assert 1 == len(winner)
        assert sorted([*winner, "exists", "refused", "refused"]) == sorted(outcomes)
        with crowd.transaction() as tx:
            expected = 102_645 if winner == {"compensate"} else 0
            assert expected == statements.available(tx, member)
            assert 0 == statements.system_balance(tx, chart.IN_TRANSIT)
    assert_coherent(owner_db)


def test_a_race_for_the_last_shilling(crowd: Database, owner_db: Database) -> None:
    """Six withdrawals of 300 from 1,000: three are covered, whichever come first."""
    with crowd.transaction() as tx:
        member = member_account(tx, cents=1_000)

    def hand() -> bool:
        try:
            with crowd.transaction() as tx:
                return posting.post(
                    tx,
                    entries.reserve(
                        entry_id=new_id(tx),
                        effective_on=TODAY,
                        reference="r",
                        account=member,
                        total_cents=300,
                    ),
                )
        except posting.InsufficientFunds:
            return False

    assert 3 == sum(together([hand] * HANDS))
    with crowd.transaction() as tx:
        assert 100 == statements.available(tx, member)
    assert_coherent(owner_db)


def test_the_lock_makes_what_is_available_last(crowd: Database, owner_db: Database) -> None:
    """Hands that lock, look and then take never meet a refusal."""
    with crowd.transaction() as tx:
        members = [member_account(tx, cents=1_000) for _ in range(3)]

    def hand() -> int:
        taken = 0
        for _ in range(4):
            with crowd.transaction() as tx:
                covered = posting.lock_available(tx, list(reversed(members)))
                batch = [
                    entries.reserve(
                        entry_id=new_id(tx),
                        effective_on=TODAY,
                        reference="r",
                        account=account,
                        total_cents=90,
                    )
                    for account, cents in covered.items()
                    if cents >= 90
                ]
                taken += len(posting.post_many(tx, batch))
        return taken

    assert 3 * 11 == sum(together([hand] * HANDS))
    assert_coherent(owner_db)


def test_a_slow_transaction_is_not_passed_by_the_sealer(
    crowd: Database, owner_db: Database
) -> None:
    """What commits late is sealed late; nothing is sealed past it and nothing is left out."""
    with crowd.transaction() as tx:
        member = member_account(tx, cents=10_000)

    def take(tx: sa.Connection) -> None:
        posting.post(
            tx,
            entries.reserve(
                entry_id=new_id(tx),
                effective_on=TODAY,
                reference="r",
                account=member,
                total_cents=10,
            ),
        )

    let_others_finish(crowd)
    with crowd.transaction() as slow:
        posting.post(
            slow,
            entries.float_top_up(
                entry_id=new_id(slow), effective_on=TODAY, reference="slow", cents=5
            ),
        )
        with crowd.transaction() as quick:
            take(quick)
        with crowd.transaction() as sealer:
            assert 1 == sealing.seal(sealer)  # the opening balance, which came before both
        with crowd.transaction() as sealer:
            assert 0 == sealing.seal(sealer)
            assert -10 == statements.system_balance(sealer, chart.IN_TRANSIT)
    let_others_finish(crowd)
    with crowd.transaction() as sealer:
        assert 2 == sealing.seal(sealer)
        assert -10 == statements.system_balance(sealer, chart.IN_TRANSIT)
    assert_coherent(owner_db)


def test_two_sealers_and_posters_at_once(crowd: Database, owner_db: Database) -> None:
    """Sealers beside posters: each entry is in exactly one block."""
    with crowd.transaction() as tx:
        member = member_account(tx, cents=100_000)

    def poster() -> int:
        for _ in range(15):
            with crowd.transaction() as tx:
                posting.post(
                    tx,
                    entries.reserve(
                        entry_id=new_id(tx),
                        effective_on=TODAY,
                        reference="r",
                        account=member,
                        total_cents=10,
                    ),
                )
        return 0

    def sealer() -> int:
        sealed = 0
        for _ in range(15):
            with crowd.transaction() as tx:
                sealed += sealing.seal(tx, entries_max=5)
        return sealed

    sealed = sum(together([poster, poster, sealer, sealer]))
    let_others_finish(crowd)
    with crowd.transaction() as tx:
        sealed += sealing.seal(tx)
    assert 1 + 2 * 15 == sealed
    assert_coherent(owner_db)


def test_timekeepers_make_a_month_once(crowd: Database, owner_db: Database) -> None:
    """Months are made by whoever comes first, and no open posting is in their way."""
    with owner_db.transaction() as tx:
        month = tx.scalar(sa.text("SELECT to_char(now() + interval '3 months', 'YYYYMM')"))
        for table in ("posting", "journal_entry"):
            tx.execute(sa.text(f"DROP TABLE ledger.{table}_{month}"))

    def timekeeper() -> int:
        with crowd.transaction() as tx:
            return upkeep.ensure_months(tx)

    with crowd.transaction() as open_posting:
        member_account(open_posting, cents=10_000)
        assert 1 == sum(together([timekeeper] * 3))
    assert_coherent(owner_db)
