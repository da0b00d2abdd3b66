"""Every builder of entries books exactly this: kind, day, reference, lines, what it undoes."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.ids import uuid7
from app.ledger import chart, entries
from app.ledger.entries import FROM_BOOKS, JournalEntry, Kind, Posting, UnbalancedEntry

DAY = date(2026, 11, 23)
ENTRY = uuid7(datetime(2026, 11, 23, 7, tzinfo=UTC), bytes)
UNDONE = uuid7(datetime(2026, 11, 22, 7, tzinfo=UTC), bytes)
MEMBER = 17
COMMON = {"entry_id": ENTRY, "effective_on": DAY, "reference": "BRZ2345678"}


@dataclass(frozen=True)
class Booked:
    """What a builder is given, and what it must book."""

    builder: str
    kind: Kind
    lines: Mapping[int, int]
    given: Mapping[str, Any] = field(default_factory=dict)
    reverses: object = None


PARTS = {"amount_cents": 1_000, "fee_cents": 40, "duty_cents": 6}
FROM_THE_BOOKS = "from_books"
BOOKED = {
    "reserve": Booked(
        "reserve", Kind.RESERVE, {MEMBER: 1_046, chart.IN_TRANSIT: -1_046},
        {"account": MEMBER, "total_cents": 1_046},
    ),
    "reserve one cent": Booked(
        "reserve", Kind.RESERVE, {MEMBER: 1, chart.IN_TRANSIT: -1},
        {"account": MEMBER, "total_cents": 1},
    ),
    "settle": Booked(
        "settle", Kind.SETTLE,
        {chart.IN_TRANSIT: 1_046, chart.FLOAT: -1_000, chart.FEE_INCOME: -40,
         chart.EXCISE_DUTY: -6},
        PARTS,
    ),
    "settle one cent of each": Booked(
        "settle", Kind.SETTLE,
        {chart.IN_TRANSIT: 3, chart.FLOAT: -1, chart.FEE_INCOME: -1, chart.EXCISE_DUTY: -1},
        {"amount_cents": 1, "fee_cents": 1, "duty_cents": 1},
    ),
    "settle without a fee": Booked(
        "settle", Kind.SETTLE, {chart.IN_TRANSIT: 1_000, chart.FLOAT: -1_000},
        {**PARTS, "fee_cents": 0, "duty_cents": 0},
    ),
    "compensate": Booked(
        "compensate", Kind.COMPENSATE, {chart.IN_TRANSIT: 1_046, MEMBER: -1_046},
        {"account": MEMBER, "total_cents": 1_046, "reverses": UNDONE}, UNDONE,
    ),
    "recover": Booked(
        "recover", Kind.RECOVERY, {chart.DUE_FROM_MEMBERS: 1_000, chart.FLOAT: -1_000},
        {"amount_cents": 1_000},
    ),
    "recovered from savings": Booked(
        "recovered_from_savings", Kind.RECOVERED,
        {MEMBER: 1_000, chart.DUE_FROM_MEMBERS: -1_000},
        {"account": MEMBER, "amount_cents": 1_000},
    ),
    "recovered from M-PESA": Booked(
        "recovered_from_mpesa", Kind.RECOVERED,
        {chart.FLOAT: 1_000, chart.DUE_FROM_MEMBERS: -1_000}, {"amount_cents": 1_000},
    ),
    "written off": Booked(
        "write_off", Kind.WRITTEN_OFF,
        {chart.WRITTEN_OFF: 1_000, chart.DUE_FROM_MEMBERS: -1_000}, {"amount_cents": 1_000},
    ),
    "returned": Booked(
        "returned", Kind.RETURNED,
        {chart.FLOAT: 1_000, chart.FEE_INCOME: 40, chart.EXCISE_DUTY: 6, MEMBER: -1_046},
        {"account": MEMBER, **PARTS},
    ),
    "returned without a fee": Booked(
        "returned", Kind.RETURNED, {chart.FLOAT: 1_000, MEMBER: -1_000},
        {"account": MEMBER, **PARTS, "fee_cents": 0, "duty_cents": 0},
    ),
    "provider's charge": Booked(
        "provider_charge", Kind.PROVIDER_CHARGE,
        {chart.PROVIDER_CHARGES: 500, chart.OWED_TO_SAFARICOM: -500}, {"cents": 500},
    ),
    "opening balance": Booked(
        "opening_balance", Kind.OPENING, {chart.OPENING_BALANCES: 500, MEMBER: -500},
        {"account": MEMBER, "cents": 500},
    ),
    "float top-up": Booked(
        "float_top_up", Kind.FLOAT_TOP_UP, {chart.FLOAT: 500, chart.OPENING_BALANCES: -500},
        {"cents": 500},
    ),
    **{
        f"{kind}, {cents} cents": Booked(
            FROM_THE_BOOKS, kind, {chart.CASH_AND_BANK: cents, MEMBER: -cents},
            {"kind": kind, "account": MEMBER, "cents": cents},
        )
        for kind, cents in (
            (Kind.DEPOSIT, 500), (Kind.SALARY, 1), (Kind.WITHDRAWAL, -500), (Kind.WITHDRAWAL, -1),
            (Kind.CORRECTION, 500), (Kind.CORRECTION, -500),
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", BOOKED)
def test_a_builder_books_exactly_this(name: str) -> None:
    """Another account, sign, day or reference would be another entry."""
    wanted = BOOKED[name]
    entry: JournalEntry = getattr(entries, wanted.builder)(**COMMON, **wanted.given)
    assert wanted.lines == {line.account: line.cents for line in entry.postings}
    assert len(wanted.lines) == len(entry.postings)
    assert (ENTRY, wanted.kind, DAY, "BRZ2345678", wanted.reverses) == (
        entry.id, entry.kind, entry.effective_on, entry.reference, entry.reverses,
    )  # fmt: skip


def test_no_builder_is_missing_here() -> None:
    """A new one must get its row."""
    builders = {
        name
        for name, one in inspect.getmembers(entries, inspect.isfunction)
        if one.__module__ == entries.__name__ and not name.startswith("_")
    }
    assert builders == {booked.builder for booked in BOOKED.values()}


@pytest.mark.parametrize(
    ("postings", "why"),
    [
        ((Posting(1, 500),), "an entry has at least two lines"),
        ((Posting(1, 500), Posting(1, -500)), "an account twice"),
    ],
)
def test_why_lines_are_no_entry(postings: tuple[Posting, ...], why: str) -> None:
    """Whoever reads the traceback must see which rule it was."""
    with pytest.raises(AssertionError, match=f"^{why}$"):
        JournalEntry(ENTRY, Kind.OPENING, DAY, "r", postings)


def test_what_an_entry_that_does_not_net_to_zero_is_called() -> None:
    with pytest.raises(UnbalancedEntry, match=f"^entry {ENTRY} does not net to zero$"):
        JournalEntry(ENTRY, Kind.OPENING, DAY, "r", (Posting(1, 2), Posting(2, -1)))


@pytest.mark.parametrize("part", ["amount_cents", "fee_cents", "duty_cents"])
@pytest.mark.parametrize("builder", ["settle", "returned"])
def test_no_part_of_a_payout_is_below_nothing(builder: str, part: str) -> None:
    account = {"account": MEMBER} if builder == "returned" else {}
    with pytest.raises(AssertionError):
        getattr(entries, builder)(**COMMON, **account, **{**PARTS, part: -1})


def test_a_payout_of_nothing_is_none() -> None:
    """A fee alone is never settled."""
    with pytest.raises(AssertionError):
        entries.settle(**COMMON, **{**PARTS, "amount_cents": 0})


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in FROM_BOOKS])
def test_what_never_comes_from_the_books(kind: Kind) -> None:
    """Nobody may bring in a settlement or an opening balance in a batch."""
    with pytest.raises(AssertionError, match=r"^\w+ does not come from the SACCO's books$"):
        entries.from_books(**COMMON, kind=kind, account=MEMBER, cents=1)


@pytest.mark.parametrize(
    ("kind", "cents"),
    [(Kind.WITHDRAWAL, 1), (Kind.DEPOSIT, -1), (Kind.SALARY, -1), (Kind.WITHDRAWAL, 0)],
)
def test_a_line_of_the_books_with_the_wrong_sign(kind: Kind, cents: int) -> None:
    with pytest.raises(AssertionError, match=r"^the wrong sign$"):
        entries.from_books(**COMMON, kind=kind, account=MEMBER, cents=cents)


@pytest.mark.parametrize("kind", [Kind.DEPOSIT, Kind.CORRECTION])
def test_a_line_of_the_books_that_moves_nothing(kind: Kind) -> None:
    with pytest.raises(AssertionError, match=r"^an entry moves a positive number of cents$"):
        entries.from_books(**COMMON, kind=kind, account=MEMBER, cents=0)


def test_what_no_input_can_cause_names_its_rule() -> None:
    """These stop the step; the text is all that whoever looks at the dead letter has."""
    with pytest.raises(AssertionError, match=r"^an entry without a reference cannot be explained$"):
        JournalEntry(ENTRY, Kind.OPENING, DAY, "", (Posting(1, 1), Posting(2, -1)))
    with pytest.raises(AssertionError, match=r"^an empty line on account 1$"):
        Posting(1, 0)
