"""Bringing many members in at once: themselves, their accounts, their opening balances.

Everything is written with statements for many rows, in the caller's one database transaction, so a
file is taken as a whole or not at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from app import ids
from app.clock import NAIROBI
from app.db import Tx
from app.ledger import entries, posting
from app.members.directory import NumberTaken
from app.members.import_plan import Plan, batches
from app.members.pins import Pins, issue_starts
from app.members.row_checks import Person, Row

Advance = Callable[[int], None]
"""Told how many more rows have been written."""

_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('members import', 0))")
# The ids first: the digest of an ID number has its member's id in it.
_IDS = sa.text(
    "SELECT nextval(pg_get_serial_sequence('member', 'id')) FROM generate_series(1, :count)"
)
_ADD = sa.text(
    "INSERT INTO member"
    " (id, member_no, name, msisdn, language, status, mandate, receipt_balance, id_check)"
    " SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:numbers AS text[]),"
    " CAST(:names AS text[]), CAST(:phones AS text[]), CAST(:languages AS text[]),"
    " CAST(:statuses AS text[]), CAST(:mandates AS text[]), CAST(:receipts AS boolean[]),"
    " CAST(:proofs AS bytea[])) ON CONFLICT DO NOTHING"
)
_OPEN = sa.text(
    "INSERT INTO member_account (account_id, member_id, name, withdrawable)"
    " SELECT * FROM unnest(CAST(:accounts AS bigint[]), CAST(:members AS bigint[]),"
    " CAST(:names AS text[]), CAST(:withdrawable AS boolean[]))"
)
_START_PINS_UNTIL = sa.text("SELECT min(start_pin_until) FROM member WHERE id = ANY(:members)")


@dataclass(frozen=True, slots=True)
class NewMember:
    """A member who was brought in and is active: she may be told a start PIN."""

    id: int
    msisdn: str
    language: str


def one_at_a_time(tx: Tx) -> None:
    """Let no other import plan or write until this database transaction ends."""
    tx.execute(_ONE_AT_A_TIME)


def now(tx: Tx) -> datetime:
    """When this database transaction began."""
    at = tx.scalar(sa.select(sa.func.now()))
    assert isinstance(at, datetime)
    return at


def write(tx: Tx, pins: Pins, plan: Plan, *, advance: Advance) -> list[NewMember]:
    """Add what is new in a plan that was made in this very database transaction.

    Args:
        tx: Committed by the caller, who thereby keeps all of it or nothing.
        pins: Makes the digests of ID numbers.
        plan: Without faults.
        advance: For a progress bar.

    Returns:
        The new members who are active.

    Raises:
        NumberTaken: somebody registered a member or changed a phone meanwhile.
    """
    assert not plan.faults, "a plan with faults is not written"
    members = dict(plan.members)
    active: list[NewMember] = []
    for people in batches(plan.new_people):
        new = _add(tx, pins, people)
        members |= new
        active.extend(
            NewMember(new[person.member_no], person.phone, person.language)
            for person in people
            if person.status == "active"
        )
    at = now(tx)
    today = at.astimezone(NAIROBI).date()
    for rows in batches(plan.new_accounts, posting.BATCH_MAX):
        _open(tx, rows, members, at=at, today=today)
        advance(len(rows))
    return active


def let_start_pins_out(tx: Tx, members: Sequence[NewMember], *, valid_h: int) -> datetime:
    """A start PIN for each of these members. Returns until when all of them hold."""
    assert members, "nobody to give a start PIN"
    for some in batches(members):
        issue_starts(tx, [member.id for member in some], valid_h=valid_h)
    until = tx.scalar(_START_PINS_UNTIL, {"members": [member.id for member in members]})
    assert isinstance(until, datetime)
    return until


def _add(tx: Tx, pins: Pins, people: Sequence[Person]) -> dict[str, int]:
    """Register members. Returns their ids by member number."""
    new = dict(
        zip(
            (person.member_no for person in people),
            tx.scalars(_IDS, {"count": len(people)}),
            strict=True,
        )
    )
    columns = {
        "ids": list(new.values()),
        "numbers": list(new),
        "names": [person.name for person in people],
        "phones": [person.phone for person in people],
        "languages": [person.language for person in people],
        "statuses": [person.status for person in people],
        "mandates": [person.mandate for person in people],
        "receipts": [person.receipts for person in people],
        "proofs": [pins.id_check(new[p.member_no], p.id_number) for p in people],
    }
    if tx.execute(_ADD, columns).rowcount != len(people):
        raise NumberTaken("the members on file changed meanwhile; nothing was written, try again")
    return new


def _open(
    tx: Tx, rows: Sequence[Row], members: Mapping[str, int], *, at: datetime, today: date
) -> None:
    """Open the accounts of these rows and post their opening balances."""
    accounts = posting.open_accounts(tx, len(rows))
    columns = {
        "accounts": accounts,
        "members": [members[row.person.member_no] for row in rows],
        "names": [row.account for row in rows],
        "withdrawable": [row.withdrawable for row in rows],
    }
    tx.execute(_OPEN, columns)
    brought = [
        entries.opening_balance(
            entry_id=ids.uuid7(at),
            effective_on=today,
            reference=f"opening {row.person.member_no}/{row.account}",
            account=account,
            cents=row.opening_cents,
        )
        for account, row in zip(accounts, rows, strict=True)
        if row.opening_cents
    ]
    posting.post_many(tx, brought)
