"""The only builders of journal entries. Pure: no IO, no clock.

Cents carry a sign: + debit, - credit. Every builder takes the entry's id, which its caller made
and stored before acting, so that a retry is the same entry.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from app.errors import Broken
from app.ledger import chart

UUID_VERSION = 7
"""The month inside the id chooses the partition."""


class UnbalancedEntry(Broken):
    """The postings of an entry do not net to zero."""

    code = "LED-01"


class Kind(StrEnum):
    """What happened. The values are those of the database's `ledger.entry_kind`."""

    OPENING = "opening"
    FLOAT_TOP_UP = "float_top_up"
    RESERVE = "reserve"
    SETTLE = "settle"
    COMPENSATE = "compensate"
    PROVIDER_CHARGE = "provider_charge"
    RECOVERY = "recovery"
    RECOVERED = "recovered"
    WRITTEN_OFF = "written_off"
    RETURNED = "returned"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    """At the counter, never by phone."""
    SALARY = "salary"
    CORRECTION = "correction"


FROM_BOOKS = (Kind.DEPOSIT, Kind.WITHDRAWAL, Kind.SALARY, Kind.CORRECTION)
"""What the SACCO's own books bring in, in batches that two people agree on."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One line on one account."""

    account: int
    cents: int
    """+ debit, - credit, never 0."""

    def __post_init__(self) -> None:
        assert self.cents != 0, f"an empty line on account {self.account}"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One business event: postings that net to zero, each account once.

    Raises:
        UnbalancedEntry: they do not net to zero.
    """

    id: UUID
    kind: Kind
    effective_on: date
    """The business day in Nairobi."""
    reference: str
    """What people know it by: the payout's reference, a statement's number."""
    postings: tuple[Posting, ...]
    reverses: UUID | None = None
    """The entry that this one undoes."""

    def __post_init__(self) -> None:
        assert self.id.version == UUID_VERSION, f"{self.id} is not a version 7 UUID"
        assert self.reference, "an entry without a reference cannot be explained"
        assert len(self.postings) > 1, "an entry has at least two lines"
        assert len({p.account for p in self.postings}) == len(self.postings), "an account twice"
        if sum(p.cents for p in self.postings) != 0:
            raise UnbalancedEntry(f"entry {self.id} does not net to zero")


def reserve(
    *, entry_id: UUID, effective_on: date, reference: str, account: int, total_cents: int
) -> JournalEntry:
    """Take the whole total (amount, fee and duty) from the member into payouts in transit."""
    lines = _move(debit=account, credit=chart.IN_TRANSIT, cents=total_cents)
    return JournalEntry(entry_id, Kind.RESERVE, effective_on, reference, lines)


def settle(
    *,
    entry_id: UUID,
    effective_on: date,
    reference: str,
    amount_cents: int,
    fee_cents: int,
    duty_cents: int,
) -> JournalEntry:
    """M-PESA paid: the amount leaves the float; only now are fee and duty earned and owed.

    Nothing here depends on how we learned of it, so that a callback, a status answer and a
    statement line all mean the same entry.
    """
    lines = _paid_out(amount_cents=amount_cents, fee_cents=fee_cents, duty_cents=duty_cents)
    total = Posting(chart.IN_TRANSIT, -sum(line.cents for line in lines))
    return JournalEntry(entry_id, Kind.SETTLE, effective_on, reference, (total, *lines))


def compensate(
    *,
    entry_id: UUID,
    effective_on: date,
    reference: str,
    account: int,
    total_cents: int,
    reverses: UUID,
) -> JournalEntry:
    """Give the whole total back to the member. Posted under the id that settle would have used."""
    lines = _move(debit=chart.IN_TRANSIT, credit=account, cents=total_cents)
    return JournalEntry(entry_id, Kind.COMPENSATE, effective_on, reference, lines, reverses)


def recover(
    *, entry_id: UUID, effective_on: date, reference: str, amount_cents: int
) -> JournalEntry:
    """M-PESA paid what had been given back: the float is less, and the member owes the amount."""
    lines = _move(debit=chart.DUE_FROM_MEMBERS, credit=chart.FLOAT, cents=amount_cents)
    return JournalEntry(entry_id, Kind.RECOVERY, effective_on, reference, lines)


def recovered_from_savings(
    *, entry_id: UUID, effective_on: date, reference: str, account: int, amount_cents: int
) -> JournalEntry:
    """The member's savings pay back what M-PESA had paid after all."""
    lines = _move(debit=account, credit=chart.DUE_FROM_MEMBERS, cents=amount_cents)
    return JournalEntry(entry_id, Kind.RECOVERED, effective_on, reference, lines)


def recovered_from_mpesa(
    *, entry_id: UUID, effective_on: date, reference: str, amount_cents: int
) -> JournalEntry:
    """M-PESA took back what it had paid after all: the float has it again."""
    lines = _move(debit=chart.FLOAT, credit=chart.DUE_FROM_MEMBERS, cents=amount_cents)
    return JournalEntry(entry_id, Kind.RECOVERED, effective_on, reference, lines)


def write_off(
    *, entry_id: UUID, effective_on: date, reference: str, amount_cents: int
) -> JournalEntry:
    """The SACCO gives up what a member owes it."""
    lines = _move(debit=chart.WRITTEN_OFF, credit=chart.DUE_FROM_MEMBERS, cents=amount_cents)
    return JournalEntry(entry_id, Kind.WRITTEN_OFF, effective_on, reference, lines)


def returned(
    *,
    entry_id: UUID,
    effective_on: date,
    reference: str,
    account: int,
    amount_cents: int,
    fee_cents: int,
    duty_cents: int,
) -> JournalEntry:
    """M-PESA took a payment back: all that was settled goes to the member, fee and duty too."""
    gone = _paid_out(amount_cents=amount_cents, fee_cents=fee_cents, duty_cents=duty_cents)
    lines = tuple(Posting(line.account, -line.cents) for line in gone)
    total = Posting(account, -sum(line.cents for line in lines))
    return JournalEntry(entry_id, Kind.RETURNED, effective_on, reference, (*lines, total))


def provider_charge(
    *, entry_id: UUID, effective_on: date, reference: str, cents: int
) -> JournalEntry:
    """What M-PESA charges us for a payout. An entry of its own, never part of settle."""
    lines = _move(debit=chart.PROVIDER_CHARGES, credit=chart.OWED_TO_SAFARICOM, cents=cents)
    return JournalEntry(entry_id, Kind.PROVIDER_CHARGE, effective_on, reference, lines)


def opening_balance(
    *, entry_id: UUID, effective_on: date, reference: str, account: int, cents: int
) -> JournalEntry:
    """Savings that a member brings over from the books before."""
    lines = _move(debit=chart.OPENING_BALANCES, credit=account, cents=cents)
    return JournalEntry(entry_id, Kind.OPENING, effective_on, reference, lines)


def float_top_up(*, entry_id: UUID, effective_on: date, reference: str, cents: int) -> JournalEntry:
    """The SACCO's own money put into the float."""
    lines = _move(debit=chart.FLOAT, credit=chart.OPENING_BALANCES, cents=cents)
    return JournalEntry(entry_id, Kind.FLOAT_TOP_UP, effective_on, reference, lines)


def from_books(
    *, entry_id: UUID, kind: Kind, effective_on: date, reference: str, account: int, cents: int
) -> JournalEntry:
    """A line of the SACCO's own books: + cents to the member, - cents from her.

    A withdrawal takes, a correction may do either, the others give.
    """
    assert kind in FROM_BOOKS, f"{kind} does not come from the SACCO's books"
    assert kind is Kind.CORRECTION or (cents < 0) == (kind is Kind.WITHDRAWAL), "the wrong sign"
    if cents > 0:
        lines = _move(debit=chart.CASH_AND_BANK, credit=account, cents=cents)
    else:
        lines = _move(debit=account, credit=chart.CASH_AND_BANK, cents=-cents)
    return JournalEntry(entry_id, kind, effective_on, reference, lines)


def _paid_out(*, amount_cents: int, fee_cents: int, duty_cents: int) -> tuple[Posting, ...]:
    """Where the total of a payout that M-PESA made goes to."""
    assert amount_cents > 0
    assert fee_cents >= 0
    assert duty_cents >= 0
    goes_to = {
        chart.FLOAT: amount_cents,
        chart.FEE_INCOME: fee_cents,
        chart.EXCISE_DUTY: duty_cents,
    }
    return tuple(Posting(account, -cents) for account, cents in goes_to.items() if cents)


def _move(*, debit: int, credit: int, cents: int) -> tuple[Posting, Posting]:
    assert cents > 0, "an entry moves a positive number of cents"
    return Posting(debit, cents), Posting(credit, -cents)
