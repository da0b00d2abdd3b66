"""PINs: counted, locked, forgotten, and never readable."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from app.db import Database, Tx
from app.errors import Refused
from app.members import demo, directory, pins, start_pins
from app.members.directory import NumberTaken
from app.members.pins import (
    PinLocked,
    PinRight,
    Pins,
    PinUsedBefore,
    PinWrong,
    StartExpired,
    Verdict,
    lock_length,
)
from app.operations import numbers
from app.pin_rules import is_weak
from tests.support.ledger import assert_coherent

RIGHT, WRONG = "4071", "9999"
MSISDN, ID = "+254712345678", "3344"


@dataclass
class Typist:
    """Types PINs for one member, each in a hop of its own."""

    db: Database
    pins: Pins
    member: int
    owner: Database
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

    def starts(self, pin: str, id_digits: str, *, again: bool = False) -> Verdict | StartExpired:
        """Type a start PIN and the last digits of the ID."""
        self.hops += not again
        with self.db.transaction() as tx:
            return self.pins.check_start(
                tx,
                member_id=self.member,
                pin=pin,
                id_digits=id_digits,
                session_id="s",
                transcript_mac=str(self.hops).encode(),
            )

    def is_sent_a_start_pin(self, *, id_digits: str | None = ID) -> str:
        """Staff issue a start PIN; the PIN in the SMS."""
        with self.db.transaction() as tx:
            proof = None if id_digits is None else self.pins.id_check(self.member, id_digits)
            tx.execute(
                sa.text("UPDATE member SET pin_hash = NULL, id_check = :proof"), {"proof": proof}
            )
            pins.issue_starts(tx, [self.member], valid_h=72)
            return start_pins.out(self.pins, tx, {self.member: MSISDN})[self.member]

    def waits(self, span: timedelta) -> None:
        """Let time pass for the member's lock and for what is counted by the day."""
        with self.owner.transaction() as tx:
            for statement in (
                (
                    "UPDATE member SET pin_locked_until = pin_locked_until - :span,"
                    " start_pin_until = start_pin_until - :span,"
                    " pin_counted_from = pin_counted_from - :span"
                ),
                "UPDATE pin_attempt SET at = at - :span",
            ):
                tx.execute(sa.text(statement), {"span": span})

    def counted(self) -> tuple[int, int]:
        """Wrong tries and lock-outs as they are stored."""
        with self.db.transaction() as tx:
            row = tx.execute(sa.text("SELECT pin_failures, pin_lockouts FROM member")).one()
        return row.pin_failures, row.pin_lockouts


@pytest.fixture
def member(db: Database, owner_db: Database) -> Typist:
    keeper = Pins("pepper")
    with db.transaction() as tx:
        member_id = directory.add(tx, member_no="M1", name="Wanjiru", msisdn=MSISDN, language="en")
        keeper.set(tx, member_id, RIGHT)
    return Typist(db, keeper, member_id, owner_db)


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
        # Wrong PINs of another day, or the day's count would close the service for good.
        with member.owner.transaction() as tx:
            tx.execute(sa.text("UPDATE pin_attempt SET at = at - interval '1 day'"))
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


def test_five_wrong_pins_in_a_day_close_the_phone_service(member: Typist) -> None:
    """Whoever guesses slowly waits for each lock, and is stopped all the same, until staff look."""
    for _ in range(3):
        member.types(WRONG)
    member.waits(timedelta(minutes=31))
    assert member.types(RIGHT) == PinRight()
    member.types(WRONG)
    assert member.types(WRONG) == PinLocked(None, newly=True)
    assert member.types(WRONG, again=True) == PinLocked(None)
    assert member.types(RIGHT) == PinLocked(None)
    with member.db.transaction() as tx:
        found = directory.by_msisdn(tx, MSISDN)
        assert found is not None
        assert found.phone_locked
        assert pins.lock_of(tx, member.member) == PinLocked(None)
        kept = tx.execute(sa.text("SELECT action, detail FROM staff_action")).one()
    assert kept.action == "phone_locked"
    assert kept.detail == {
        "by": "member",
        "member_no": found.member_no,
        "reason": pins.LOCKED_BY_TRIES,
    }


def test_wrong_pins_of_another_day_do_not_count_with_todays(member: Typist) -> None:
    for _ in range(3):
        for _ in range(2):
            member.types(WRONG)
        assert member.types(RIGHT) == PinRight()
        member.waits(timedelta(hours=25))
    with member.db.transaction() as tx:
        assert pins.wrong_tries(tx, minutes=60) == 0
        assert pins.wrong_tries(tx, minutes=26 * 60) == 2


def test_a_start_pin_opens_only_beside_the_id(member: Typist) -> None:
    """The number may belong to somebody else by now, who has the SMS and not the ID."""
    pin = member.is_sent_a_start_pin()
    assert member.starts(pin, "9999") == PinWrong(2)
    assert member.starts("0000", ID) == PinWrong(1)
    assert member.starts(pin, ID) == PinRight()
    assert member.starts(pin, ID, again=True) == PinRight()


def test_a_start_pin_cannot_transact(member: Typist) -> None:
    assert member.types(member.is_sent_a_start_pin()) == PinWrong(2)


def test_three_wrong_tries_void_it(member: Typist) -> None:
    pin = member.is_sent_a_start_pin()
    for digits in ("1111", "2222", "4444"):
        verdict = member.starts(pin, digits)
    assert isinstance(verdict, PinLocked)
    member.waits(timedelta(minutes=31))
    assert member.starts(pin, ID) == StartExpired()
    with member.db.transaction() as tx:
        found = directory.by_msisdn(tx, MSISDN)
        assert found is not None
        assert found.pin == "none"


def test_a_start_pin_runs_out(member: Typist) -> None:
    pin = member.is_sent_a_start_pin()
    member.waits(timedelta(hours=73))
    assert member.starts(pin, ID) == StartExpired()
    with member.db.transaction() as tx:
        found = directory.by_msisdn(tx, MSISDN)
        assert found is not None
        assert found.pin == "expired"
        assert start_pins.out(member.pins, tx, {member.member: MSISDN}) == {}


def test_without_an_id_on_file_a_start_pin_opens_nothing(member: Typist) -> None:
    pin = member.is_sent_a_start_pin(id_digits=None)
    assert member.starts(pin, "") == StartExpired()


def test_a_start_pin_is_used_up_by_the_pin_that_it_sets(member: Typist) -> None:
    pin = member.is_sent_a_start_pin()
    with member.db.transaction() as tx:
        member.pins.change(tx, member_id=member.member, new="5193")
    assert member.starts(pin, ID) == StartExpired()
    assert member.types("5193") == PinRight()


def test_a_new_start_pin_voids_the_old(member: Typist) -> None:
    old, new = member.is_sent_a_start_pin(), member.is_sent_a_start_pin()
    assert member.starts(new, ID) == PinRight()
    if old != new:
        assert member.starts(old, ID) == PinWrong(2)


def test_a_start_pin_goes_to_the_number_on_file_only(member: Typist) -> None:
    member.is_sent_a_start_pin()
    with member.db.transaction() as tx:
        assert start_pins.out(member.pins, tx, {member.member: "+254700000000"}) == {}


def test_without_the_pepper_the_table_tells_no_start_pin(member: Typist) -> None:
    """Start PINs of many members, derived with another pepper, are right by chance only."""
    other = Pins("another pepper")
    pairs = [
        (member.pins.start_pin(n, b"nonce"), other.start_pin(n, b"nonce")) for n in range(3000)
    ]
    assert sum(mine == others for mine, others in pairs) < 10
    assert len({mine for mine, _ in pairs}) > 2000
    assert not any(is_weak(mine) for mine, _ in pairs)


def test_none_of_the_last_three_pins_comes_back(member: Typist) -> None:
    def change(new: str) -> None:
        with member.db.transaction() as tx:
            member.pins.change(tx, member_id=member.member, new=new)

    for new in ("5193", "6284"):
        change(new)
    for used in (RIGHT, "5193", "6284"):
        with pytest.raises(PinUsedBefore):
            change(used)
    change("7395")
    change(RIGHT)
    assert member.types(RIGHT) == PinRight()
    with member.db.transaction() as tx:
        assert tx.scalar(sa.text("SELECT count(*) FROM pin_history")) == 2


def test_a_repeated_hop_is_answered_alike_and_counts_nothing(member: Typist) -> None:
    assert member.types(WRONG) == member.types(WRONG, again=True) == PinWrong(2)
    assert member.types(RIGHT) == member.types(RIGHT, again=True) == PinRight()
    member.types(WRONG)
    member.types(WRONG)
    locked = member.types(WRONG)
    assert isinstance(locked, PinLocked)
    assert member.types(WRONG, again=True) == PinLocked(locked.until)
    assert member.counted() == (0, 1)


@pytest.mark.parametrize("typed", ["PIN", "start PIN"])
def test_wrong_pins_from_many_phones_at_once_get_three_tries_together(
    member: Typist, typed: str
) -> None:
    """Tries wait for each other on the member's row: twelve at once are still three."""
    if typed == "start PIN":
        member.is_sent_a_start_pin()
    gate = threading.Barrier(4)
    database = Database(
        member.db.engine.url.render_as_string(hide_password=False), pool_max=4, name="thieves"
    )

    def tries(tx: Tx, number: int, attempt: int) -> Verdict | StartExpired:
        if typed == "start PIN":
            return member.pins.check_start(
                tx,
                member_id=member.member,
                pin=f"{number}00{attempt}",
                id_digits="9999",
                session_id=f"thief {number}",
                transcript_mac=bytes([attempt]),
            )
        return member.pins.check(
            tx,
            member_id=member.member,
            pin=f"{number}00{attempt}",
            session_id=f"thief {number}",
            transcript_mac=bytes([attempt]),
        )

    def thief(number: int) -> list[Verdict | StartExpired]:
        gate.wait()
        verdicts = []
        for attempt in range(3):
            with database.transaction() as tx:
                verdicts.append(tries(tx, number, attempt))
        return verdicts

    with ThreadPoolExecutor(4) as pool:
        verdicts = [verdict for found in pool.map(thief, range(4)) for verdict in found]
    database.close()
    wrong = [v for v in verdicts if isinstance(v, PinWrong)]
    newly = [v for v in verdicts if isinstance(v, PinLocked) and v.newly]
    assert (len(wrong), len(newly), len(verdicts)) == (2, 1, 12)


def test_one_pin_tried_on_many_numbers_shows_in_the_numbers(member: Typist) -> None:
    """It locks nobody."""
    with member.db.transaction() as tx:
        for n in range(4):
            other = directory.add(
                tx, member_no=f"N{n}", name="Juma", msisdn=f"+25472200000{n}", language="sw"
            )
            verdict = member.pins.check(
                tx, member_id=other, pin=WRONG, session_id=str(n), transcript_mac=b""
            )
            assert verdict == PinWrong(2)
        assert numbers.read(tx).wrong_pins_last_hour == 4


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
    assert isinstance(
        Typist(member.db, Pins("other"), member.member, member.owner).types(RIGHT), PinWrong
    )
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


def test_numbers_belong_to_one_member(member: Typist) -> None:
    for msisdn, number in (("+254712345678", "M9"), ("+254712345000", "M1")):
        with member.db.transaction() as tx, pytest.raises(NumberTaken):
            directory.add(tx, member_no=number, name="Thief", msisdn=msisdn, language="en")


def test_a_member_is_found_with_her_accounts(member: Typist) -> None:
    with member.db.transaction() as tx:
        account = directory.open_savings(tx, member.member)
        found = directory.by_msisdn(tx, MSISDN)
        assert found == directory.by_number(tx, "M1")
        assert found == directory.Member(
            member.member, "M1", "Wanjiru", MSISDN, "en", "active", "sole", "own",
            receipt_balance=True, phone_locked=False, pin_locked_until=None,
        )  # fmt: skip
        directory.set_language(tx, member.member, "sw")
        changed = directory.by_msisdn(tx, "+254712345678")
        assert changed is not None
        assert changed.language == "sw"
        assert directory.accounts(tx, member.member) == [
            directory.MemberAccount(account, "savings", withdrawable=True, name="Savings")
        ]
        assert directory.by_msisdn(tx, "+254700000000") is None


@pytest.fixture
def seeded(owner_db: Database) -> Iterator[Pins]:
    keeper = Pins("pepper")
    with owner_db.transaction() as tx:
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
