"""What a row of the SACCO's own books says, checked cell by cell. Pure: no IO, no clock."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from app.csv_rows import Columns, Fault, Record
from app.ledger.entries import FROM_BOOKS, Kind
from app.money import CENTS_PER_SHILLING

COLUMNS = Columns(
    required=("date", "member_no", "kind", "amount", "reference"),
    defaults={"account": "Savings", "narration": ""},
)
SHILLINGS_MAX = 100_000_000
"""Of one row. More is a slip of the hand."""

_AMOUNT = re.compile(r"(-?)([0-9]{1,9})(?:\.([0-9]{2}))?", re.ASCII)
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9/._-]{0,39}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_NARRATION_LETTERS_MAX = 80
_PAYOUT_PREFIX = "BRZ"


@dataclass(frozen=True, slots=True)
class Row:
    """One line on one member's savings."""

    line: int
    effective_on: date
    member_no: str
    account: str
    """The account's name, such as `Savings`."""
    kind: Kind
    cents: int
    """+ to the member, - from her, never 0."""
    reference: str
    narration: str


class _Wrong(Exception):
    """A cell that cannot be taken: its column, what is the matter, how to mend it."""


def check(records: Iterable[Record], *, today: date) -> tuple[list[Row], list[Fault]]:
    """The rows that can be taken, and a fault for each of the others. `today` is Nairobi's."""
    rows: list[Row] = []
    faults: list[Fault] = []
    first_line: dict[str, int] = {}
    for record in records:
        try:
            row = _understood(record, today)
        except _Wrong as wrong:
            faults.append(Fault(record.line, *wrong.args))
            continue
        earlier = first_line.setdefault(row.reference, row.line)
        if earlier == row.line:
            rows.append(row)
        else:
            cure = "give every row a reference of its own"
            faults.append(Fault(row.line, "reference", f"is that of line {earlier} too", cure))
    return rows, faults


def _understood(record: Record, today: date) -> Row:
    cells = record.cells
    kind = _kind(cells["kind"])
    if not cells["member_no"]:
        raise _Wrong("member_no", "is empty", "whose money is it?")
    if len(cells["narration"]) > _NARRATION_LETTERS_MAX or not cells["narration"].isprintable():
        cure = f"at most {_NARRATION_LETTERS_MAX} printable letters"
        raise _Wrong("narration", "is too long or has control codes", cure)
    return Row(
        record.line,
        _day(cells["date"], today),
        cells["member_no"],
        cells["account"],
        kind,
        _signed(cells["amount"], kind),
        _reference(cells["reference"]),
        cells["narration"],
    )


def _kind(cell: str) -> Kind:
    if cell.lower() not in FROM_BOOKS:
        raise _Wrong("kind", "is not one that is known", f"one of {', '.join(FROM_BOOKS)}")
    return Kind(cell.lower())


def _day(cell: str, today: date) -> date:
    try:
        day = date.fromisoformat(cell) if _DAY.fullmatch(cell) else None
    except ValueError:
        day = None
    if day is None:
        raise _Wrong("date", "is no date", "such as 2026-11-23")
    if day > today:
        raise _Wrong("date", "is still to come", "post it on its day")
    return day


def _signed(cell: str, kind: Kind) -> int:
    found = _AMOUNT.fullmatch(cell)
    if found is None:
        cure = "such as 1234 or 1234.50, without commas"
        raise _Wrong("amount", "is no amount in shillings", cure)
    sign, shillings, rest = found.groups(default="00")
    cents = int(shillings) * CENTS_PER_SHILLING + int(rest)
    if not 0 < cents <= SHILLINGS_MAX * CENTS_PER_SHILLING:
        cure = f"more than 0, and {SHILLINGS_MAX:,} shillings at most"
        raise _Wrong("amount", "is nothing, or too much", cure)
    if sign and kind is not Kind.CORRECTION:
        cure = "without a sign; a withdrawal takes by itself, and only a correction may be negative"
        raise _Wrong("amount", "is negative", cure)
    return -cents if sign or kind is Kind.WITHDRAWAL else cents


def _reference(cell: str) -> str:
    if not _REFERENCE.fullmatch(cell):
        cure = "1 to 40 letters, digits and / . _ - that no other row has"
        raise _Wrong("reference", "is no reference", cure)
    if cell.upper().startswith(_PAYOUT_PREFIX):
        raise _Wrong("reference", "looks like a payout's", f"do not begin with {_PAYOUT_PREFIX}")
    return cell
