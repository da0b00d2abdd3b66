"""What a file of members would change, beside what is on file. Reads, and writes nothing.

An import adds; it never changes. So a row is new, or says what is on file already, or is a fault.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import sqlalchemy as sa

from app.csv_rows import Fault
from app.db import Tx
from app.members.pins import Pins
from app.members.row_checks import Person, Row, differences

BATCH = 5_000
"""Rows for one statement, so that none comes near the statement timeout."""
_MEND = {
    "phone": "use `baraza members number`",
    "id_number": "use `baraza members id`",
    "status": "use `baraza members status`",
    "mandate": "use `baraza members mandate`",
}
_MEND_FILE = "an import changes nothing that is on file; correct the row"
_Item = TypeVar("_Item")

_PEOPLE = sa.text(
    "SELECT id, member_no, name, msisdn, status, mandate, id_check, language, receipt_balance"
    " FROM member WHERE member_no = ANY(:numbers)"
)
_PHONES = sa.text("SELECT msisdn, member_no FROM member WHERE msisdn = ANY(:phones)")
_ACCOUNTS = sa.text(
    "SELECT account_id, member_id, name, withdrawable FROM member_account"
    " WHERE member_id = ANY(:members)"
)
# An opening balance is the first posting of its account. A join, so that PostgreSQL may choose how:
# right after a large import it knows nothing about the new rows yet.
_OPENINGS = sa.text("""
    SELECT p.account_id, -p.cents AS cents FROM ledger.posting p
      JOIN ledger.journal_entry e ON e.id = p.entry_id AND e.posted_on = p.posted_on
     WHERE p.account_id = ANY(:accounts) AND p.account_version = 1 AND e.kind = 'opening'
""")


@dataclass(frozen=True, slots=True)
class Totals:
    """What a person compares with the books that the file came from, and what would be added."""

    rows: int
    members: int
    opening_cents: int
    """The opening balances of all rows."""
    new_members: int
    new_accounts: int
    new_opening_cents: int
    """The opening balances that would be posted."""
    unchanged_rows: int
    start_pins: int
    """How many of the new members are active: those get a start PIN."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be written. With faults, nothing is."""

    rows: tuple[Row, ...]
    new_people: tuple[Person, ...]
    new_accounts: tuple[Row, ...]
    members: Mapping[str, int]
    """Ids of the members of the file who are on file, by member number."""
    faults: tuple[Fault, ...]

    @property
    def totals(self) -> Totals:
        """The sums of it."""
        return Totals(
            rows=len(self.rows),
            members=len({row.person.member_no for row in self.rows}),
            opening_cents=sum(row.opening_cents for row in self.rows),
            new_members=len(self.new_people),
            new_accounts=len(self.new_accounts),
            new_opening_cents=sum(row.opening_cents for row in self.new_accounts),
            unchanged_rows=len(self.rows) - len(self.new_accounts),
            start_pins=sum(person.status == "active" for person in self.new_people),
        )


@dataclass(frozen=True, slots=True)
class _Account:
    name: str
    withdrawable: bool
    opening_cents: int


def make(tx: Tx, pins: Pins, rows: Sequence[Row]) -> Plan:
    """Compare the rows with what is on file.

    Args:
        tx: Only read in.
        pins: To tell whether an ID is the one on file, which is kept as a digest.
        rows: Checked by themselves and beside each other.
    """
    people = {row.person.member_no: row for row in reversed(rows)}
    on_file = _people(tx, list(people))
    owners = _owners(tx, [row.person.phone for row in people.values()])
    accounts = _accounts(tx, [found.id for found in on_file.values()])
    faults: list[Fault] = []
    for number, row in people.items():
        faults.extend(_about_person(pins, row, on_file.get(number), owners))
    new = []
    for row in rows:
        found = on_file.get(row.person.member_no)
        account = None if found is None else accounts.get((found.id, row.account_key))
        if account is None:
            new.append(row)
        else:
            faults.extend(_about_account(row, account))
    return Plan(
        rows=tuple(rows),
        new_people=tuple(r.person for r in rows if people[r.person.member_no] is r
                         and r.person.member_no not in on_file),
        new_accounts=tuple(new),
        members={number: found.id for number, found in on_file.items()},
        faults=tuple(sorted(faults)),
    )  # fmt: skip


def batches(items: Sequence[_Item], size: int = BATCH) -> Iterator[list[_Item]]:
    """The items in lists of this size; the last may be shorter."""
    for begin in range(0, len(items), size):
        yield list(items[begin : begin + size])


def _about_person(
    pins: Pins, row: Row, found: sa.Row[Any] | None, owners: Mapping[str, str]
) -> Iterator[Fault]:
    person = row.person
    owner = owners.get(person.phone, person.member_no)
    if owner != person.member_no:
        problem = f"is the phone of member {owner} on file"
        yield Fault(row.line, "phone", problem, "a phone belongs to one member")
    if found is None:
        return
    # Language and receipts are the file's on purpose: members choose those by phone, and what
    # they chose stands.
    kept = replace(
        person,
        name=found.name,
        phone=found.msisdn,
        status=found.status,
        mandate=found.mandate,
        id_number=_same_id(pins, person, found),
    )
    for column in differences(kept, person):
        yield _differs(row, column)


def _same_id(pins: Pins, person: Person, found: sa.Row[Any]) -> str:
    """The digits of the row when they are those on file, and otherwise nothing."""
    proof = pins.id_check(found.id, person.id_number)
    return person.id_number if found.id_check == proof else ""


def _about_account(row: Row, found: _Account) -> Iterator[Fault]:
    if found.name != row.account:
        yield _differs(row, "account")
    if found.withdrawable != row.withdrawable:
        yield _differs(row, "withdrawable")
    if found.opening_cents != row.opening_cents:
        yield _differs(row, "opening_balance")


def _differs(row: Row, column: str) -> Fault:
    cure = _MEND.get(column, _MEND_FILE)
    return Fault(row.line, column, "differs from what is on file", cure)


def _people(tx: Tx, numbers: Sequence[str]) -> dict[str, sa.Row[Any]]:
    found: dict[str, sa.Row[Any]] = {}
    for some in batches(numbers):
        rows = tx.execute(_PEOPLE, {"numbers": some})
        found |= {row.member_no: row for row in rows}
    return found


def _owners(tx: Tx, phones: Sequence[str]) -> dict[str, str]:
    """Member numbers by phone, of the phones that are on file."""
    found: dict[str, str] = {}
    for some in batches(phones):
        rows = tx.execute(_PHONES, {"phones": some})
        found |= {row.msisdn: row.member_no for row in rows}
    return found


def _accounts(tx: Tx, members: Sequence[int]) -> dict[tuple[int, str], _Account]:
    found: dict[tuple[int, str], _Account] = {}
    for some in batches(members):
        rows = tx.execute(_ACCOUNTS, {"members": some}).all()
        openings = tx.execute(_OPENINGS, {"accounts": [row.account_id for row in rows]})
        cents = {row.account_id: row.cents for row in openings}
        for row in rows:
            account = _Account(row.name, row.withdrawable, cents.get(row.account_id, 0))
            found[row.member_id, row.name.casefold()] = account
    return found
