"""M-PESA's statement of an organisation's account, as its portal exports it in CSV. Pure.

The file begins with a heading (`Short Code:`, `Time Period:`, balances), then a line that names the
columns, then a line for each movement, the newest first or last. Times are East Africa Time, the
day first. The columns are found by name; an unknown one is refused, because it may change what the
others mean.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from app.clock import NAIROBI
from app.csv_rows import Fault, UnreadableFile, rows
from app.providers.daraja_values import to_cents

REQUIRED = (
    "receipt no.",
    "completion time",
    "details",
    "transaction status",
    "paid in",
    "withdrawn",
    "balance",
)
KNOWN = (
    *REQUIRED,
    "initiation time",
    "balance confirmed",
    "reason type",
    "transaction type",
    "other party info",
    "linked transaction id",
    "a/c no.",
    "currency",
)
COMPLETED = "completed"
"""The only status in which a line moved money."""
HEADING_LINES_MAX = 30
FORMS = ("%d-%m-%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S")
_PERIOD = re.compile(r"(?:from\s+)?(.+?)\s+to\s+(.+)", re.IGNORECASE)
_RECEIPT = re.compile(r"[A-Z0-9]{10}")
_OUR_ID = re.compile(
    r"original conversation id is\s+([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE
)
_PARTY = re.compile(r"\bto\s+(\+?[0-9*•xX]{9,15})")
_REVERSAL = re.compile(r"\brevers", re.IGNORECASE)
_PAYMENT = re.compile(r"\b(business|salary|promotion) payment\b|\bb2c\b", re.IGNORECASE)
_CHARGE = re.compile(r"\bcharges?\b(?! paid)", re.IGNORECASE)


class Movement(StrEnum):
    """What a line is about."""

    PAYMENT = "payment"
    """To a customer."""
    TAKEN_BACK = "taken_back"
    """A payment to a customer that M-PESA took back."""
    CHARGE = "charge"
    MONEY_IN = "money_in"
    MONEY_OUT = "money_out"
    """Anything else that left the account."""


@dataclass(frozen=True, slots=True)
class Line:
    """One movement."""

    line: int
    """Of the file, as editors count."""
    receipt: str
    completed_at: datetime
    kind: Movement
    details: str
    status: str
    paid_in_cents: int
    withdrawn_cents: int
    """Without a sign."""
    balance_cents: int
    """Of the account, after it."""
    party: str | None
    """Whom it was paid to, as M-PESA writes it: a number, perhaps masked, and a name."""
    our_id: UUID | None
    """The payout's id, where M-PESA names it."""
    undoes: tuple[str, ...]
    """What may be the receipt of the payment that was taken back: M-PESA writes it in a column of
    its own or somewhere in the text. Empty for any other kind of line."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What M-PESA says moved on one account in one period."""

    shortcode: str
    covers_from: datetime
    covers_to: datetime
    opening_cents: int
    closing_cents: int
    lines: tuple[Line, ...]
    """The oldest first."""


def read(data: bytes) -> tuple[Statement, list[Fault]]:
    """The statement in a file, and what is the matter with its lines.

    Raises:
        UnreadableFile: not such a file; the message names what is missing and the cure.
    """
    found = rows(data)
    heading, header = _heading(found)
    lines: list[Line] = []
    faults: list[Fault] = []
    for number, cells in found:
        if len(cells) != len(header):
            problem = f"has {len(cells)} cells where the header has {len(header)}"
            faults.append(Fault(number, "(row)", problem, "export the statement again"))
            continue
        one = _line(number, dict(zip(header, cells, strict=True)))
        if isinstance(one, Line):
            lines.append(one)
        else:
            faults.append(one)
    if len(lines) > 1 and _is_newest_first(lines):
        lines.reverse()
    statement = _statement(heading, lines)
    return statement, faults or list(_gaps(statement))


def _heading(found: Iterator[tuple[int, list[str]]]) -> tuple[dict[str, str], list[str]]:
    """What stands above the columns, by its name, and the columns' names."""
    heading: dict[str, str] = {}
    for number, cells in found:
        names = [cell.lower() for cell in cells]
        if REQUIRED[0] in names:
            _require(names)
            return heading, names
        if number > HEADING_LINES_MAX:
            break
        filled = [cell for cell in cells if cell]
        name, _, value = filled[0].partition(":")
        heading[name.strip().lower()] = value.strip() or " ".join(filled[1:])
    raise UnreadableFile(
        "there is no line that names the columns; export the statement from M-PESA's portal as CSV"
    )


def _require(names: Sequence[str]) -> None:
    unknown = [ascii(name[:30]) for name in names if name and name not in KNOWN]
    missing = [name for name in REQUIRED if name not in names]
    if unknown:
        raise UnreadableFile(
            f"unknown columns: {', '.join(unknown[:10])}. Known: {', '.join(KNOWN)}"
        )
    if missing:
        raise UnreadableFile(f"missing columns: {', '.join(missing)}; export it with all columns")
    if len(set(names)) < len(names):
        raise UnreadableFile("a column is there twice; export the statement again")


def _line(number: int, row: Mapping[str, str]) -> Line | Fault:
    """A row that can be understood, or the first thing that is the matter with it."""
    receipt = row["receipt no."].upper()
    if not _RECEIPT.fullmatch(receipt):
        return Fault(number, "receipt no.", "is no receipt", "ten capital letters and digits")
    at = _moment(row["completion time"])
    if at is None:
        return Fault(number, "completion time", "is no time", "write 23-11-2026 14:05:52")
    amounts = {name: _cents(row[name]) for name in ("paid in", "withdrawn", "balance")}
    for name, cents in amounts.items():
        if cents is None:
            return Fault(number, name, "is no amount", "write 1500.00")
    paid_in, withdrawn = abs(amounts["paid in"] or 0), abs(amounts["withdrawn"] or 0)
    if (paid_in == 0) == (withdrawn == 0):
        return Fault(number, "withdrawn", "or paid in, one of them, must be filled", "look at it")
    details = row["details"]
    said = f"{details} {row.get('reason type', '')} {row.get('transaction type', '')}"
    kind = _kind(said, is_in=paid_in > 0)
    ours = _OUR_ID.search(details)
    return Line(
        line=number,
        receipt=receipt,
        completed_at=at,
        kind=kind,
        details=details,
        status=row["transaction status"].lower(),
        paid_in_cents=paid_in,
        withdrawn_cents=withdrawn,
        balance_cents=amounts["balance"] or 0,
        party=row.get("other party info") or _party(details),
        our_id=UUID(ours[1]) if ours else None,
        undoes=_undone(row) if kind is Movement.TAKEN_BACK else (),
    )


def _kind(said: str, *, is_in: bool) -> Movement:
    if is_in:
        return Movement.TAKEN_BACK if _REVERSAL.search(said) else Movement.MONEY_IN
    if _CHARGE.search(said) and not _PAYMENT.search(said):
        return Movement.CHARGE
    return Movement.PAYMENT if _PAYMENT.search(said) else Movement.MONEY_OUT


def _party(details: str) -> str | None:
    found = _PARTY.search(details)
    return found[1] if found else None


def _undone(row: Mapping[str, str]) -> tuple[str, ...]:
    """The linked receipt, or else every word that could be one: some receipts have no digit."""
    linked = row.get("linked transaction id", "").upper()
    if _RECEIPT.fullmatch(linked):
        return (linked,)
    return tuple(re.findall(rf"\b{_RECEIPT.pattern}\b", row["details"]))


def _is_newest_first(lines: Sequence[Line]) -> bool:
    first, last = lines[0], lines[-1]
    if first.completed_at != last.completed_at:
        return first.completed_at > last.completed_at
    return _follows(lines[0], after=lines[1])


def _follows(one: Line, *, after: Line) -> bool:
    """Whether this line's balance is the other's and what this one moved."""
    return one.balance_cents == after.balance_cents + one.paid_in_cents - one.withdrawn_cents


def _statement(heading: Mapping[str, str], lines: Sequence[Line]) -> Statement:
    shortcode = heading.get("short code", "").split(" ")[0]
    period = _PERIOD.fullmatch(heading.get("time period", ""))
    begins, ends = (_moment(period[1]), _moment(period[2])) if period else (None, None)
    opening, closing = (
        _cents(heading.get(f"{which} balance", "none")) for which in ("opening", "closing")
    )
    missing = [
        name
        for name, value in {
            "Short Code": shortcode or None,
            "Time Period (From ... to ...)": begins and ends,
            "Opening Balance": opening,
            "Closing Balance": closing,
        }.items()
        if value is None
    ]
    if missing or begins is None or ends is None or opening is None or closing is None:
        raise UnreadableFile(
            f"the heading has no {', '.join(missing)}; export the statement with its heading"
        )
    if ends <= begins:
        raise UnreadableFile("the time period ends before it begins; export the statement again")
    return Statement(shortcode, begins, ends, opening, closing, tuple(lines))


def _gaps(statement: Statement) -> Iterator[Fault]:
    """Lines whose balance does not follow from the one before, or lie outside the period."""
    balance = statement.opening_cents
    cure = "a line was left out or changed; export the statement again, without any filter"
    for one in statement.lines:
        if not statement.covers_from <= one.completed_at <= statement.covers_to:
            yield Fault(one.line, "completion time", "is outside the time period", cure)
        if one.status != COMPLETED:
            continue
        if one.balance_cents != balance + one.paid_in_cents - one.withdrawn_cents:
            yield Fault(one.line, "balance", "does not follow from the line before", cure)
        balance = one.balance_cents
    if balance != statement.closing_cents:
        last = statement.lines[-1].line if statement.lines else 1
        yield Fault(last, "balance", "is not the closing balance of the heading", cure)


def _moment(text: str) -> datetime | None:
    for form in FORMS:
        try:
            return datetime.strptime(text.strip(), form).replace(tzinfo=NAIROBI).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _cents(text: str) -> int | None:
    """`1,500.00`, `-1500`, or nothing at all, in cents. None if it is no amount."""
    bare = text.replace(",", "").removeprefix("KES").removeprefix("Ksh").strip()
    return to_cents(bare) if bare else (0 if not text.strip() else None)
