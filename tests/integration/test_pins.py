"""PINs: counted, locked, forgotten, and never readable."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from app.db import Database
from app.errors import Refused
from app.members import demo, directory, pins
from app.members.directory import NumberTaken
from app.members.pins import PinLocked, PinRight, Pins, PinWrong, Verdict, WeakPin, lock_length
from tests.support.ledger import assert_coherent

RIGHT, WRONG = "4071", "9999"


@dataclass
class Typist:
    """Types PINs for one member, each in a hop of its own."""

    db: Database
    pins: Pins
    member: int
    hops: int = 0

    def types(self, pin: str, *, again: bool = False) -> Verdict:
        """Type a PIN; `again` repeats the hop before."""
        self.hops += not again
        with self.db.transaction() as tx:
            return self.pins.check(
                tx,
                member_id=self.member,
                pin=pin,
                session_id="s",
                transcript_mac=str(self.hops).encode(),
            )

    def waits(self, span: timedelta) -> None:
        """Let time pass for the member's lock."""
        with self.db.transaction() as tx:
            tx.execute(
                sa.text("UPDATE member SET pin_locked_until = pin_locked_until - :span"),
                {"span": span},
            )

    def counted(self) -> tuple[int, int]:
        """Wrong tries and lock-outs as they are stored."""
        with self.db.transaction() as tx:
            row = tx.execute(sa.text("SELECT pin_failures, pin_lockouts FROM member")).one()
        return row.pin_failures, row.pin_lockouts


@pytest.fixture
def member(db: Database) -> Typist:
    keeper = Pins("pepper")
    with db.transaction() as tx:
        member_id = directory.add(
            tx, member_no="M1", name="Wanjiru", msisdn="+254712345678", language="en"
        )
        keeper.set(tx, member_id, RIGHT)
    return Typist(db, keeper, member_id)


def test_the_right_pin_is_right_and_forgets_wrong_tries(member: Typist) -> None:
    assert member.types(WRONG) == PinWrong(2)
    assert member.types(WRONG) == PinWrong(1)
    assert member.types(RIGHT) == PinRight()
    assert member.types(WRONG) == PinWrong(2)


def test_the_third_wrong_pin_locks_for_half_an_hour(member: Typist) -> None:
    """The right PIN does not open the lock, and costs nothing while it is closed."""
    member.types(WRONG)
    member.types(WRONG)
    locked = member.types(WRONG)
    assert isinstance(locked, PinLocked)
    assert locked.newly
    assert member.types(RIGHT) == PinLocked(locked.until)
    assert member.counted() == (0, 1)
    with member.db.transaction() as tx:
        left = tx.scalar(sa.text("SELECT pin_locked_until - now() FROM member"))
    assert left is not None
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    member.waits(timedelta(minutes=31))
    assert member.types(RIGHT) == PinRight()


def test_locks_double_up_to_a_day() -> None:
    minutes = [lock_length(before) / timedelta(minutes=1) for before in (0, 1, 2, 5, 6, 32_767)]
    assert minutes == [30, 60, 120, 960, 1_440, 1_440]


def test_the_next_lock_is_twice_as_long(member: Typist) -> None:
    """A right PIN between two locks does not make the second one short again, a calm day does."""
    for expected_minutes, calm in ((30, 0), (60, 0), (120, 25), (30, 0)):
        member.types(WRONG)
        member.types(WRONG)
        locked = member.types(WRONG)
        assert isinstance(locked, PinLocked)
        with member.db.transaction() as tx:
            at = tx.scalar(sa.text("SELECT now()"))
        assert at is not None
        assert timedelta(0) <= at + timedelta(minutes=expected_minutes) - locked.until
        assert at + timedelta(minutes=expected_minutes) - locked.until < timedelta(seconds=5)
        member.waits(timedelta(minutes=expected_minutes + 1, hours=calm))
        assert member.types(RIGHT) == PinRight()


def test_a_repeated_hop_is_answered_alike_and_counts_nothing(member: Typist) -> None:
    assert member.types(WRONG) == member.types(WRONG, again=True) == PinWrong(2)
    assert member.types(RIGHT) == member.types(RIGHT, again=True) == PinRight()
    member.types(WRONG)
    member.types(WRONG)
    locked = member.types(WRONG)
    assert isinstance(locked, PinLocked)
    assert member.types(WRONG, again=True) == PinLocked(locked.until)
    assert member.counted() == (0, 1)


def test_wrong_pins_from_many_phones_at_once_get_three_tries_together(member: Typist) -> None:
    """Tries wait for each other on the member's row: twelve at once are still three."""
    gate = threading.Barrier(4)
    database = Database(
        member.db.engine.url.render_as_string(hide_password=False), pool_max=4, name="thieves"
    )

    def thief(number: int) -> list[Verdict]:
        gate.wait()
        verdicts = []
        for attempt in range(3):
            with database.transaction() as tx:
                verdicts.append(
                    member.pins.check(
                        tx,
                        member_id=member.member,
                        pin=f"{number}00{attempt}",
                        session_id=f"thief {number}",
                        transcript_mac=bytes([attempt]),
                    )
                )
        return verdicts

    with ThreadPoolExecutor(4) as pool:
        verdicts = [verdict for found in pool.map(thief, range(4)) for verdict in found]
    database.close()
    wrong = [v for v in verdicts if isinstance(v, PinWrong)]
    newly = [v for v in verdicts if isinstance(v, PinLocked) and v.newly]
    assert (len(wrong), len(newly), len(verdicts)) == (2, 1, 12)


def test_a_member_without_a_pin_has_only_wrong_ones(member: Typist) -> None:
    """Not even the empty one."""
    with member.db.transaction() as tx:
        tx.execute(sa.text("UPDATE member SET pin_hash = NULL"))
    assert member.types("") == PinWrong(2)


def test_a_new_pin_opens_the_lock(member: Typist) -> None:
    for _ in range(3):
        member.types(WRONG)
    with member.db.transaction() as tx:
        member.pins.set(tx, member.member, "2580")
    assert isinstance(member.types(RIGHT), PinWrong)
    assert member.types("2580") == PinRight()


def test_without_the_pepper_or_in_another_row_a_hash_fits_nothing(member: Typist) -> None:
    """A copied table tells nothing, and a hash moved to another member opens nothing."""
    assert isinstance(Typist(member.db, Pins("other"), member.member).types(RIGHT), PinWrong)
    with member.db.transaction() as tx:
        other = directory.add(
            tx, member_no="M2", name="Juma", msisdn="+254722345679", language="sw"
        )
        tx.execute(
            sa.text(
                "UPDATE member SET pin_hash = (SELECT pin_hash FROM member WHERE id = :from_id)"
            ),
            {"from_id": member.member},
        )
        moved = member.pins.check(
            tx, member_id=other, pin=RIGHT, session_id="other", transcript_mac=b""
        )
        assert moved == PinWrong(2)


def test_a_hash_of_older_settings_is_renewed_by_the_right_pin(member: Typist) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    digest = member.pins._digest(member.member, RIGHT)
    with member.db.transaction() as tx:
        tx.execute(sa.text("UPDATE member SET pin_hash = :hash"), {"hash": weak.hash(digest)})
    assert member.types(RIGHT) == PinRight()
    with member.db.transaction() as tx:
        assert "m=19456,t=2,p=1" in str(tx.scalar(sa.text("SELECT pin_hash FROM member")))
    assert member.types(RIGHT) == PinRight()


@pytest.mark.parametrize(
    "pin",
    ["", "407", "40711", "12a4", "\u0664\u0660\u0667\u0661", "0000", "7777", "1234", "4321", "7890",
     "0987", "8901"],
)  # fmt: skip
def test_what_a_thief_tries_first_is_no_pin(pin: str) -> None:
    """Repeats and runs up or down are refused, by a message that does not repeat them."""
    with pytest.raises(WeakPin) as refused:
        pins.refuse_weak(pin)
    assert not pin or pin not in str(refused.value)


@pytest.mark.parametrize("pin", ["4071", "5193", "1235", "1010", "2580"])
def test_other_pins_are_accepted(pin: str) -> None:
    pins.refuse_weak(pin)


def test_numbers_belong_to_one_member(member: Typist) -> None:
    for msisdn, number in (("+254712345678", "M9"), ("+254712345000", "M1")):
        with member.db.transaction() as tx, pytest.raises(NumberTaken):
            directory.add(tx, member_no=number, name="Thief", msisdn=msisdn, language="en")


def test_a_member_is_found_with_her_accounts(member: Typist) -> None:
    with member.db.transaction() as tx:
        account = directory.open_savings(tx, member.member)
        found = directory.by_msisdn(tx, "+254712345678")
        assert found == directory.Member(
            member.member, "Wanjiru", "+254712345678", "en", "active", has_pin=True
        )
        directory.set_language(tx, member.member, "sw")
        changed = directory.by_msisdn(tx, "+254712345678")
        assert changed is not None
        assert changed.language == "sw"
        assert directory.accounts(tx, member.member) == [
            directory.MemberAccount(account, "savings", withdrawable=True)
        ]
        assert directory.by_msisdn(tx, "+254700000000") is None


@pytest.fixture
def seeded(db: Database, owner_db: Database) -> Iterator[Pins]:
    keeper = Pins("pepper")
    with db.transaction() as tx:
        demo.seed(tx, keeper, production=False)
    yield keeper
    assert_coherent(owner_db)


def test_the_demo_has_its_two_named_members(db: Database, seeded: Pins) -> None:
    """Other programs rely on their numbers, PINs, languages and savings."""
    with db.transaction() as tx:
        assert tx.scalar(sa.text("SELECT count(*) FROM member")) == 200
        named = tx.execute(
            sa.text(
                "SELECT m.id, m.msisdn, m.language, b.credit_cents - b.debit_cents AS cents"
                " FROM member m JOIN member_account a ON a.member_id = m.id"
                " JOIN ledger.account_balance b USING (account_id) ORDER BY m.id LIMIT 2"
            )
        ).all()
        assert tuple(named[0])[1:] == ("+254712345678", "en", 50_000_00)
        assert tuple(named[1])[1:3] == ("+254722345679", "sw")
        for row, pin in zip(named, ("4071", "5193"), strict=True):
            verdict = seeded.check(
                tx, member_id=row.id, pin=pin, session_id="s", transcript_mac=pin.encode()
            )
            assert verdict == PinRight()


def test_demo_data_is_refused_where_it_could_hurt(db: Database, seeded: Pins) -> None:
    """Neither in production nor beside real members."""
    with db.transaction() as tx:
        assert not demo.is_empty(tx)
        for production in (True, False):
            with pytest.raises(Refused):
                demo.seed(tx, seeded, production=production)
        assert tx.scalar(sa.text("SELECT count(*) FROM member")) == 200
