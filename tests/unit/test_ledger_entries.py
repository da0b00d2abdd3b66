"""The builders of journal entries."""

from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest

from app.errors import Broken
from app.ids import uuid7
from app.ledger import chart, entries
from app.ledger.entries import JournalEntry, Kind, Posting, UnbalancedEntry

DAY = date(2026, 11, 23)
ENTRY = uuid7(datetime(2026, 11, 23, 7, tzinfo=UTC), bytes)
OTHER = uuid7(datetime(2026, 11, 23, 8, tzinfo=UTC), bytes)
MEMBER = 17


def lines(entry: JournalEntry) -> dict[int, int]:
    return {posting.account: posting.cents for posting in entry.postings}


def test_reserve_takes_the_whole_total_into_transit() -> None:
    """Fee and duty wait in transit with the amount: a reversed payout never touches income."""
    entry = entries.reserve(
        entry_id=ENTRY,
        effective_on=DAY,
        reference="BRZ2345678",
        account=MEMBER,
        total_cents=102_645,
    )
    assert {MEMBER: 102_645, chart.IN_TRANSIT: -102_645} == lines(entry)
    assert (ENTRY, Kind.RESERVE, DAY, "BRZ2345678", None) == (
        entry.id,
        entry.kind,
        entry.effective_on,
        entry.reference,
        entry.reverses,
    )


def test_settle_books_amount_fee_and_duty() -> None:
    """At settlement the total leaves transit: amount to float, fee to income, duty owed."""
    entry = entries.settle(
        entry_id=ENTRY,
        effective_on=DAY,
        reference="BRZ2345678",
        amount_cents=100_000,
        fee_cents=2_300,
        duty_cents=345,
    )
    expected = {
        chart.IN_TRANSIT: 102_645,
        chart.FLOAT: -100_000,
        chart.FEE_INCOME: -2_300,
        chart.EXCISE_DUTY: -345,
    }
    assert expected == lines(entry)
    assert Kind.SETTLE is entry.kind


def test_settle_without_a_fee_has_no_empty_lines() -> None:
    """A free withdrawal has two lines; the books refuse lines of nothing."""
    entry = entries.settle(
        entry_id=ENTRY,
        effective_on=DAY,
        reference="BRZ2345678",
        amount_cents=5_000,
        fee_cents=0,
        duty_cents=0,
    )
    assert {chart.IN_TRANSIT: 5_000, chart.FLOAT: -5_000} == lines(entry)


def test_compensate_undoes_the_reserve_exactly() -> None:
    """The lines of a compensation are those of the reserve with their signs turned."""
    reserved = entries.reserve(
        entry_id=ENTRY, effective_on=DAY, reference="BRZ2345678", account=MEMBER, total_cents=999
    )
    given_back = entries.compensate(
        entry_id=OTHER,
        effective_on=DAY,
        reference="BRZ2345678",
        account=MEMBER,
        total_cents=999,
        reverses=ENTRY,
    )
    assert {account: -cents for account, cents in lines(reserved).items()} == lines(given_back)
    assert ENTRY == given_back.reverses


@pytest.mark.parametrize(
    ("entry", "debit", "credit", "kind"),
    [
        (
            entries.recover(entry_id=ENTRY, effective_on=DAY, reference="r", amount_cents=500),
            chart.DUE_FROM_MEMBERS,
            chart.FLOAT,
            Kind.RECOVERY,
        ),
        (
            entries.provider_charge(entry_id=ENTRY, effective_on=DAY, reference="r", cents=500),
            chart.PROVIDER_CHARGES,
            chart.OWED_TO_SAFARICOM,
            Kind.PROVIDER_CHARGE,
        ),
        (
            entries.opening_balance(
                entry_id=ENTRY, effective_on=DAY, reference="r", account=MEMBER, cents=500
            ),
            chart.OPENING_BALANCES,
            MEMBER,
            Kind.OPENING,
        ),
        (
            entries.float_top_up(entry_id=ENTRY, effective_on=DAY, reference="r", cents=500),
            chart.FLOAT,
            chart.OPENING_BALANCES,
            Kind.FLOAT_TOP_UP,
        ),
        (
            entries.from_books(
                entry_id=ENTRY,
                kind=Kind.SALARY,
                effective_on=DAY,
                reference="r",
                account=MEMBER,
                cents=500,
            ),
            chart.CASH_AND_BANK,
            MEMBER,
            Kind.SALARY,
        ),
        (
            entries.from_books(
                entry_id=ENTRY,
                kind=Kind.WITHDRAWAL,
                effective_on=DAY,
                reference="r",
                account=MEMBER,
                cents=-500,
            ),
            MEMBER,
            chart.CASH_AND_BANK,
            Kind.WITHDRAWAL,
        ),
    ],
    ids=["recover", "provider charge", "opening balance", "float top-up", "salary", "counter"],
)
def test_two_line_entries(entry: JournalEntry, debit: int, credit: int, kind: Kind) -> None:
    """Each names the account that is debited and the one that is credited."""
    assert {debit: 500, credit: -500} == lines(entry)
    assert kind is entry.kind


def test_an_entry_off_by_a_cent_cannot_be_made() -> None:
    """An unbalanced entry is refused before it meets the database."""
    with pytest.raises(UnbalancedEntry) as refused:
        JournalEntry(ENTRY, Kind.OPENING, DAY, "r", (Posting(1, 500), Posting(2, -499)))
    assert isinstance(refused.value, Broken)
    assert "LED-01" == refused.value.code


@pytest.mark.parametrize(
    ("entry_id", "reference", "accounts"),
    [
        (uuid4(), "r", (1, 2)),
        (ENTRY, "", (1, 2)),
        (ENTRY, "r", (1, 1)),
        (ENTRY, "r", ()),
    ],
    ids=["not version 7", "no reference", "an account twice", "no lines"],
)
def test_programming_errors_stop_at_once(
    entry_id: UUID, reference: str, accounts: tuple[int, ...]
) -> None:
    """What no input can cause is an assertion."""
    signed = tuple(Posting(a, 500 * (-1) ** n) for n, a in enumerate(accounts))
    with pytest.raises(AssertionError):
        JournalEntry(entry_id, Kind.OPENING, DAY, reference, signed)


@pytest.mark.parametrize("cents", [0, -1])
def test_nothing_can_be_moved_backwards(cents: int) -> None:
    """The direction is in the builder's name, never in the sign."""
    with pytest.raises(AssertionError):
        entries.float_top_up(entry_id=ENTRY, effective_on=DAY, reference="r", cents=cents)


def test_a_line_of_nothing_cannot_be_made() -> None:
    """Zero cents on an account is a mistake."""
    with pytest.raises(AssertionError):
        Posting(1, 0)
