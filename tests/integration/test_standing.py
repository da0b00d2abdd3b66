"""What staff decide about a member: who did it and why, what it changes, which phone is told."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from app.audit import Actor
from app.db import Database, Tx
from app.members import directory, pins, standing
from app.members.directory import Member, NumberTaken
from app.members.pins import PinLocked, PinRight, Pins, PinUsedBefore, PinWrong, StartExpired
from app.members.standing import NoSuchMember, NotEligible, NothingToDo, Notice

STAFF = Actor("10.0.0.7", name="Amina")
WHY: dict[str, Any] = {"reason": "ID seen at the branch", "by": STAFF}
OLD, NEW = "+254712345678", "+254733000111"
ID, OWN = "3344", "4071"
Act = Callable[[Tx, int], list[Notice]]


class Branch:
    """A member with a PIN of her own, and somebody who decides about her."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.pins = Pins("pepper")
        self._hops = 0
        with db.transaction() as tx:
            self.member = directory.add(
                tx, member_no="M1", name="Wanjiru", msisdn=OLD, language="en"
            )
            self.pins.set(tx, self.member, OWN)
        self.does(standing.set_id, self.pins.id_check(self.member, ID))

    def does(self, act: Callable[..., list[Notice]], *what: object, **how: object) -> list[Notice]:
        """Staff act on her, in a database transaction of its own."""
        with self.db.transaction() as tx:
            return act(tx, self.member, *what, **WHY, **how)

    def resets(self) -> str:
        """Staff reset her PIN. The start PIN of the SMS."""
        self.does(standing.reset_pin, valid_h=72)
        return self.start_pin()

    def start_pin(self) -> str:
        """The one that is out."""
        with self.db.transaction() as tx:
            nonce = tx.scalar(sa.text("SELECT start_pin_nonce FROM member WHERE member_no = 'M1'"))
        assert nonce is not None
        return self.pins.start_pin(self.member, bytes(nonce))

    def types(self, pin: str) -> object:
        """She types her PIN."""
        self._hops += 1
        with self.db.transaction() as tx:
            return self.pins.check(
                tx, member_id=self.member, pin=pin,
                session_id="s", transcript_mac=str(self._hops).encode(),
            )  # fmt: skip

    def starts(self, pin: str, id_digits: str) -> object:
        """She types a start PIN and the end of an ID."""
        self._hops += 1
        with self.db.transaction() as tx:
            return self.pins.check_start(
                tx, member_id=self.member, pin=pin, id_digits=id_digits,
                session_id="s", transcript_mac=str(self._hops).encode(),
            )  # fmt: skip

    def chooses(self, pin: str) -> None:
        """She sets a PIN of her own."""
        with self.db.transaction() as tx:
            self.pins.change(tx, member_id=self.member, new=pin)

    def now(self) -> Member:
        """What is on file."""
        with self.db.transaction() as tx:
            found = directory.by_number(tx, "M1")
        assert found is not None
        return found

    def record(self) -> list[tuple[str, dict[str, Any]]]:
        """What was done and is on record, the setting up left out."""
        with self.db.transaction() as tx:
            rows = tx.execute(
                sa.text("SELECT action, detail, source FROM staff_action ORDER BY id")
            )
            found = rows.all()[1:]
        assert all(row.source == STAFF.source for row in found)
        return [(row.action, row.detail) for row in found]


@pytest.fixture
def branch(db: Database) -> Branch:
    return Branch(db)


ACTS: dict[str, tuple[Act, list[tuple[str, str]]]] = {
    "phone_locked": (
        lambda tx, m: standing.lock_phone(tx, m, **WHY),
        [("phone_locked", OLD)],
    ),
    "pin_reset": (
        lambda tx, m: standing.reset_pin(tx, m, valid_h=72, **WHY),
        [("pin_reset", OLD), ("start_pin", OLD)],
    ),
    "number_changed": (
        lambda tx, m: standing.change_number(tx, m, NEW, **WHY),
        [("number_changed", OLD), ("number_changed", NEW)],
    ),
    "status_changed": (lambda tx, m: standing.set_status(tx, m, "dormant", **WHY), []),
    "mandate_changed": (lambda tx, m: standing.set_mandate(tx, m, "joint", **WHY), []),
    "id_on_file": (lambda tx, m: standing.set_id(tx, m, b"proof", **WHY), []),
}


@pytest.mark.parametrize("action", ACTS)
def test_every_act_is_on_record_and_told_to_the_phone(branch: Branch, action: str) -> None:
    """Who, whom, why; and no phone number, PIN or ID in it."""
    act, told = ACTS[action]
    notices = branch.does(lambda tx, member, **_: act(tx, member))
    assert [(notice.kind, notice.msisdn) for notice in notices] == told
    ((recorded, detail),) = branch.record()
    assert recorded == action
    assert detail.items() >= {"by": "Amina", "member_no": "M1", "reason": WHY["reason"]}.items()
    for secret in (OLD[4:], NEW[4:], OWN, ID):
        assert secret not in str(detail)


@pytest.mark.parametrize(
    "act",
    [
        lambda tx, m: standing.unlock(tx, m, **WHY),
        lambda tx, m: standing.set_status(tx, m, "active", **WHY),
        lambda tx, m: standing.set_mandate(tx, m, "sole", **WHY),
        lambda tx, m: standing.change_number(tx, m, OLD, **WHY),
    ],
)
def test_what_is_so_already_is_not_done_again(branch: Branch, act: Act) -> None:
    with pytest.raises(NothingToDo):
        branch.does(lambda tx, member, **_: act(tx, member))
    assert branch.record() == []


@pytest.mark.parametrize("action", ACTS)
def test_nobody_is_refused_by_name(db: Database, action: str) -> None:
    with db.transaction() as tx, pytest.raises(NoSuchMember):
        ACTS[action][0](tx, 404)


def test_unlock_opens_what_five_wrong_pins_closed_and_forgets_them(branch: Branch) -> None:
    for _ in range(3):
        branch.types("9999")
    branch.does(standing.unlock)
    assert branch.types("9999") == PinWrong(2)
    branch.does(standing.lock_phone)
    assert branch.types(OWN) == PinLocked(None)
    branch.does(standing.unlock)
    assert branch.types(OWN) == PinRight()


def test_a_reset_takes_the_pin_and_leaves_a_start_pin(branch: Branch) -> None:
    start = branch.resets()
    assert branch.now().pin == "start"
    assert branch.types(OWN) == PinWrong(2)
    assert branch.types(start) == PinWrong(1)
    assert branch.starts(start, ID) == PinRight()


def test_a_start_pin_has_its_own_three_tries(branch: Branch) -> None:
    """Whoever comes to the branch because her PIN is locked must not be closed by one slip more."""
    for _ in range(3):
        branch.types("9999")
    start = branch.resets()
    assert branch.starts(start, "0000") == PinWrong(2)
    assert branch.starts(start, "0000") == PinWrong(1)
    assert branch.starts(start, ID) == PinRight()


def test_a_reset_forgets_no_earlier_pin(branch: Branch) -> None:
    """The PIN that somebody may have seen must not come back, nor the two before it."""
    branch.chooses("5193")
    branch.chooses("6284")
    branch.resets()
    for used in (OWN, "5193", "6284"):
        with pytest.raises(PinUsedBefore):
            branch.chooses(used)
    branch.chooses("7395")
    for used in ("7395", "6284", "5193"):
        with pytest.raises(PinUsedBefore):
            branch.chooses(used)
    branch.chooses(OWN)


def test_many_resets_keep_no_more_than_three_pins(branch: Branch, db: Database) -> None:
    for pin in ("5193", "6284", "7395", "8406"):
        branch.resets()
        branch.chooses(pin)
    with db.transaction() as tx:
        assert tx.scalar(sa.text("SELECT count(*) FROM pin_history")) == pins.DIFFERENT_FROM_LAST


@pytest.mark.parametrize(
    ("first", "what"),
    [
        (standing.lock_phone, ()),
        (standing.set_status, ("deceased",)),
        (standing.set_status, ("exited",)),
        (standing.set_status, ("dormant",)),
        (standing.set_status, ("minor",)),
    ],
)
def test_no_start_pin_goes_out_that_would_open_nothing(
    branch: Branch, first: Callable[..., list[Notice]], what: tuple[str, ...]
) -> None:
    """Least of all to a phone that was reported stolen. Her own PIN stays as it was."""
    branch.does(first, *what)
    with pytest.raises(NotEligible, match="baraza members"):
        branch.does(standing.reset_pin, valid_h=72)
    assert branch.now().pin == "own"
    assert "pin_reset" not in dict(branch.record())


def test_under_a_courts_lien_a_start_pin_opens_the_rest_of_the_menu(branch: Branch) -> None:
    branch.does(standing.set_status, "court_lien")
    assert branch.starts(branch.resets(), ID) == PinRight()


def test_whoever_gets_the_old_number_cannot_become_the_member(branch: Branch, db: Database) -> None:
    """The start PIN that waits in the old phone is void, and the number leads to nobody."""
    start = branch.resets()
    branch.does(standing.change_number, NEW)
    assert branch.starts(start, ID) == StartExpired()
    with db.transaction() as tx:
        assert directory.by_msisdn(tx, OLD) is None
        stranger = directory.add(tx, member_no="M2", name="Juma", msisdn=OLD, language="sw")
        found = directory.by_msisdn(tx, OLD)
    assert found is not None
    assert (found.id, found.pin) == (stranger, "none")


def test_the_number_of_another_member_is_refused_and_the_transaction_goes_on(
    branch: Branch, db: Database
) -> None:
    with db.transaction() as tx:
        directory.add(tx, member_no="M2", name="Juma", msisdn=NEW, language="sw")
    with db.transaction() as tx:
        with pytest.raises(NumberTaken) as refused:
            standing.change_number(tx, branch.member, NEW, **WHY)
        standing.lock_phone(tx, branch.member, **WHY)
    assert NEW not in str(refused.value)
    assert (branch.now().msisdn, branch.now().phone_locked) == (OLD, True)
    assert [action for action, _ in branch.record()] == ["phone_locked"]


def test_of_two_who_lock_at_once_one_does_it(branch: Branch) -> None:
    """The other hears that it is done: one act on record, one SMS."""
    database = Database(
        branch.db.engine.url.render_as_string(hide_password=False), pool_max=2, name="staff"
    )
    gate = threading.Barrier(2)

    def lock(_: int) -> int:
        gate.wait()
        try:
            with database.transaction() as tx:
                return len(standing.lock_phone(tx, branch.member, **WHY))
        except NothingToDo:
            return 0

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lock, range(2)))
    database.close()
    assert sorted(told) == [0, 1]
    assert [action for action, _ in branch.record()] == ["phone_locked"]


def test_an_act_that_is_rolled_back_leaves_no_record(branch: Branch, db: Database) -> None:
    with db.transaction() as tx:
        standing.lock_phone(tx, branch.member, **WHY)
        tx.rollback()
    assert branch.record() == []
    assert not branch.now().phone_locked
