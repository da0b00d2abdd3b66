"""What a row about a member may say, and what rows may say together. Pure.

Every fault of every row is found, since who has to mend ten thousand rows wants one list.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from app import msisdn
from app.csv_rows import Columns, Fault, Record
from app.members.directory import Language
from app.members.standing import MANDATES, STATUSES, Mandate, Status
from app.money import CENTS_PER_SHILLING
from app.pin_rules import ID_DIGITS, is_digits
from ussd_menus import gsm7

NAME_MAX = 100
COLUMNS = Columns(
    required=("member_no", "name", "phone", "id_number", "opening_balance"),
    defaults={
        "language": "en",
        "status": "active",
        "mandate": "sole",
        "account": "Savings",
        "withdrawable": "yes",
        "receipts": "balance",
    },
)
"""Of a file of members."""
ACCOUNT_NAME_MAX = 16
"""Septets: what a screen's line has room for beside an amount."""
BALANCE_SHILLINGS_MAX = 1_000_000_000

_MEMBER_NO = re.compile(r"[A-Za-z0-9][A-Za-z0-9/._-]{0,19}", re.ASCII)
_PHONE_LIKE = re.compile(r"(254|0)[17][0-9]{8}", re.ASCII)
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{8,19}", re.ASCII)
_ID_NUMBER = re.compile(r"[A-Za-z0-9/-]{0,16}[0-9]{4}", re.ASCII)
_BALANCE = re.compile(r"([0-9]{1,10})(?:\.([0-9]{2}))?", re.ASCII)
_FORMULA = "=+-@"
"""A spreadsheet runs a cell that begins so."""


@dataclass(frozen=True, slots=True)
class Person:
    """What rows of one member must agree about."""

    member_no: str
    name: str
    phone: str
    """E.164."""
    id_number: str
    """Its last digits; the rest is forgotten here."""
    language: Language
    status: Status
    mandate: Mandate
    receipts: bool
    """Whether receipts by SMS name the balance."""


_OF_PERSON = frozenset(field.name for field in fields(Person))


@dataclass(frozen=True, slots=True)
class Row:
    """One account of a member, as the file has it."""

    line: int
    person: Person
    account: str
    withdrawable: bool
    opening_cents: int

    @property
    def account_key(self) -> str:
        """Names that differ in case only would be one account on a screen."""
        return self.account.casefold()


class _Wrong(Exception):
    """A cell's problem and its cure."""


def check(records: Iterable[Record]) -> tuple[list[Row], list[Fault]]:
    """The rows that are right by themselves and beside each other, and every fault of the others.

    One row of a member is enough for new members; each more is one more account.
    """
    rows: list[Row] = []
    faults: list[Fault] = []
    beside = _Beside()
    for record in records:
        values, wrong = _understood(record)
        wrong += beside.faults(record.line, values)
        if not wrong:
            rows.append(_row(record.line, values))
        faults.extend(wrong)
    return rows, faults


class _Beside:
    """The rows before, by what no two members and no two accounts share.

    Rows with faults count too, by the cells that are right: else mending those would bring up new
    faults in rows that had passed.
    """

    def __init__(self) -> None:
        self._people: dict[tuple[str, str], tuple[int, object]] = {}
        self._phones: dict[str, tuple[int, str]] = {}
        self._accounts: dict[tuple[str, str], int] = {}

    def faults(self, at: int, values: Mapping[str, Any]) -> list[Fault]:
        """What is the matter with the row on this line beside those before it."""
        number = values.get("member_no")
        if number is None:
            return []
        found = []
        for column in _OF_PERSON & values.keys():
            line, before = self._people.setdefault((number, column), (at, values[column]))
            if before != values[column]:
                problem = f"differs from line {line}, which is the same member"
                found.append(Fault(at, column, problem, "give one"))
        if "phone" in values:
            line, owner = self._phones.setdefault(values["phone"], (at, number))
            if owner != number:
                problem = f"line {line} has this phone for another member"
                found.append(Fault(at, "phone", problem, "a phone belongs to one member"))
        if "account" in values:
            line = self._accounts.setdefault((number, values["account"].casefold()), at)
            if line != at:
                problem = f"line {line} has this account already"
                found.append(Fault(at, "account", problem, "remove one, or name it otherwise"))
        return found


def differences(one: Person, other: Person) -> list[str]:
    """The columns in which they differ."""
    return [name for name in sorted(_OF_PERSON) if getattr(one, name) != getattr(other, name)]


def _understood(record: Record) -> tuple[dict[str, Any], list[Fault]]:
    """What the cells mean that are right by themselves, and a fault for each other one."""
    values: dict[str, Any] = {}
    faults = []
    for column, understand in _UNDERSTAND.items():
        try:
            values[column] = understand(record.cells[column])
        except _Wrong as wrong:
            faults.append(Fault(record.line, column, *wrong.args))
    return values, faults


def _row(line: int, values: Mapping[str, Any]) -> Row:
    person = Person(**{column: values[column] for column in _OF_PERSON})
    account, withdrawable = values["account"], values["withdrawable"]
    return Row(line, person, account, withdrawable, values["opening_balance"])


def _member_no(cell: str) -> str:
    if not _MEMBER_NO.fullmatch(cell):
        raise _Wrong("is no member number", "1 to 20 of A-Z, a-z, 0-9, / . _ -, such as M00001")
    if _PHONE_LIKE.fullmatch(cell):
        raise _Wrong("reads as a phone number", "give the member's number in your books")
    return cell


def _name(cell: str) -> str:
    if not cell:
        raise _Wrong("is empty", "give the member's name")
    if len(cell) > NAME_MAX:
        raise _Wrong(f"has {len(cell)} letters", f"{NAME_MAX} at most")
    return _visible(cell)


def _account(cell: str) -> str:
    _visible(cell)
    try:
        room = gsm7.septets(cell)
    except ValueError:
        raise _Wrong("has a letter that phones cannot show", "plain letters only") from None
    if room > ACCOUNT_NAME_MAX:
        raise _Wrong(f"takes {room} letters", f"{ACCOUNT_NAME_MAX} at most, to fit on a screen")
    return cell


def _visible(cell: str) -> str:
    if not cell.isprintable():
        raise _Wrong("has a character that cannot be seen", "type it anew, without line breaks")
    if cell[0] in _FORMULA:
        raise _Wrong("begins like a formula", "it must not begin with = + - or @")
    return cell


def _phone(cell: str) -> str:
    try:
        if _PHONE.fullmatch(cell):
            return msisdn.parse(cell)
    except ValueError:
        pass  # its message repeats the number
    raise _Wrong("is no Kenyan mobile number", "such as 0712345678 or +254712345678")


def _id_number(cell: str) -> str:
    if not _ID_NUMBER.fullmatch(cell):
        cure = f"letters and digits, the last {ID_DIGITS} digits; format the column as text"
        raise _Wrong("is no ID number", cure)
    last = cell[-ID_DIGITS:]
    assert is_digits(last, ID_DIGITS)
    return last


def _opening(cell: str) -> int:
    found = _BALANCE.fullmatch(cell)
    if found is None:
        raise _Wrong("is no amount in shillings", "such as 1234 or 1234.50, without commas; or 0")
    shillings, cents = found.groups(default="00")
    if int(shillings) > BALANCE_SHILLINGS_MAX:
        raise _Wrong("is too large", f"{BALANCE_SHILLINGS_MAX:,} shillings at most")
    return int(shillings) * CENTS_PER_SHILLING + int(cents)


def _one_of(**meanings: object) -> Callable[[str], object]:
    def understand(cell: str) -> object:
        if cell.lower() not in meanings:
            raise _Wrong("is not one of those that are known", f"one of {', '.join(meanings)}")
        return meanings[cell.lower()]

    return understand


_UNDERSTAND: dict[str, Callable[[str], object]] = {
    "member_no": _member_no,
    "name": _name,
    "phone": _phone,
    "id_number": _id_number,
    "language": _one_of(en="en", sw="sw"),
    "status": _one_of(**{status: status for status in STATUSES}),
    "mandate": _one_of(**{mandate: mandate for mandate in MANDATES}),
    "account": _account,
    "withdrawable": _one_of(yes=True, no=False),
    "opening_balance": _opening,
    "receipts": _one_of(balance=True, plain=False),
}
