"""M-PESA's statement as a file: what is read from it, and what is refused."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.csv_rows import UnreadableFile
from app.providers.mpesa_statement import Movement, read
from tests.support.statement import HEADER, Moved, written

BEGINS = datetime(2026, 11, 22, 21, tzinfo=UTC)
ENDS = BEGINS + timedelta(days=1)
AT = datetime(2026, 11, 23, 7, 15, tzinfo=UTC)
OCID = "01a20a30-9a30-79f1-968c-f7ea555776c4"
PAID = Moved(
    "SKL61MQ8WL",
    AT,
    -150_000,
    f"Business Payment to 2547***678 via API. Original conversation ID is {OCID}.",
    party="254712***678 - WANJIKU",
)


def statement(*moved: Moved, opening_cents: int = 100_000_00) -> bytes:
    return written(moved, begins=BEGINS, ends=ENDS, opening_cents=opening_cents)


def test_a_payment_is_read_with_all_that_it_tells() -> None:
    """Cents without a sign, time in UTC, our own id, the party with its mask."""
    found, faults = read(statement(PAID))
    assert [] == faults
    (line,) = found.lines
    assert ("SKL61MQ8WL", AT, Movement.PAYMENT, "completed", 0, 150_000, 98_500_00) == (
        line.receipt, line.completed_at, line.kind, line.status, line.paid_in_cents,
        line.withdrawn_cents, line.balance_cents,
    )  # fmt: skip
    assert UUID(OCID) == line.our_id
    assert "254712***678 - WANJIKU" == line.party
    assert ("600000", BEGINS, ENDS, 100_000_00, 98_500_00) == (
        found.shortcode, found.covers_from, found.covers_to, found.opening_cents,
        found.closing_cents,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cents", "details", "kind"),
    [
        (-100, "Business Payment with Withdrawal Charges Paid to 2547", Movement.PAYMENT),
        (-100, "Salary Payment to 2547", Movement.PAYMENT),
        (-100, "B2C payment", Movement.PAYMENT),
        (-100, "Pay merchant Charge", Movement.CHARGE),
        (-100, "Organization Settlement to the bank", Movement.MONEY_OUT),
        (100, "Reversal of SKL61MQ8WL", Movement.TAKEN_BACK),
        (100, "Organization Settlement from the working account", Movement.MONEY_IN),
    ],
)
def test_what_a_line_is_about(cents: int, details: str, kind: Movement) -> None:
    """By its words and its direction; what is not known for a payment is other money."""
    found, _ = read(statement(Moved("SKL99MQ8WL", AT, cents, details)))
    assert kind is found.lines[0].kind


def test_a_reversal_names_the_payment_that_it_undoes() -> None:
    """In a column of its own, or in words."""
    by_column = Moved("SKL99MQ8WL", AT, 100, "Reversal", undoes="SKL61MQ8WL")
    by_words = Moved("SKL98MQ8WL", AT, 100, "Reversal of SKL61MQ8WL by Safaricom")
    found, _ = read(statement(by_column, by_words))
    assert [("SKL61MQ8WL",), ("SKL61MQ8WL",)] == [one.undoes for one in found.lines]


def test_a_receipt_may_have_no_digit() -> None:
    """Every word that can be one is kept; which is one, only the payouts tell."""
    back = Moved("SKL99MQ8WL", AT, 100, "Reversal of QWERTYUIOP by SAFARICOMS for 0712345678")
    (line,) = read(statement(back))[0].lines
    assert ("QWERTYUIOP", "SAFARICOMS", "0712345678") == line.undoes


def test_only_a_reversal_undoes() -> None:
    """A payment whose text holds another's receipt is about itself."""
    paid = Moved("SKL99MQ8WL", AT, -100, "Business Payment after SKL61MQ8WL", undoes="SKL61MQ8WL")
    (line,) = read(statement(paid))[0].lines
    assert () == line.undoes


def test_the_oldest_line_comes_first_whatever_the_file_does() -> None:
    """The newest may be first or last in it."""
    later = Moved("SKL62MQ8WL", AT + timedelta(seconds=1), -100)
    newest_first = statement(PAID, later)
    head, _, lines = newest_first.decode().partition(HEADER + "\n")
    oldest_first = head + HEADER + "\n" + "\n".join(reversed(lines.strip().split("\n")))
    for file in (newest_first, oldest_first.encode()):
        found, faults = read(file)
        assert [] == faults
        assert ["SKL61MQ8WL", "SKL62MQ8WL"] == [one.receipt for one in found.lines]


def test_a_line_that_is_not_completed_moves_no_balance() -> None:
    failed = Moved("SKL63MQ8WL", AT, -100, status="Failed")
    found, faults = read(statement(failed, PAID))
    assert [] == faults
    assert {"failed", "completed"} == {one.status for one in found.lines}


def test_a_day_without_movements_is_a_statement_too() -> None:
    found, faults = read(statement())
    assert ((), []) == (found.lines, faults)


def test_a_line_that_was_taken_out_is_missed() -> None:
    """Its balance does not follow any more; a changed closing balance is seen as well."""
    file = statement(PAID, Moved("SKL62MQ8WL", AT + timedelta(1 / 24), -100)).decode()
    without = "\n".join(line for line in file.split("\n") if "SKL61MQ8WL" not in line)
    _, faults = read(without.encode())
    assert ["does not follow from the line before"] == [one.problem for one in faults]
    _, faults = read(file.replace('Closing Balance:,"98', 'Closing Balance:,"97').encode())
    assert ["is not the closing balance of the heading"] == [one.problem for one in faults]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Short Code:,600000\n", "", "Short Code"),
        ("Time Period:", "Period:", "Time Period"),
        ("Opening Balance:", "Balance:", "Opening Balance"),
        ("Withdrawn,", "Taken,", "unknown columns: 'taken'"),
        (",Withdrawn,Balance,", ",Balance,", "missing columns: withdrawn"),
        ("Receipt No.", "Receipt", "no line that names the columns"),
    ],
)
def test_what_is_no_statement_is_refused_with_the_cure(old: str, new: str, words: str) -> None:
    file = statement(PAID).decode()
    assert old in file
    with pytest.raises(UnreadableFile, match=words):
        read(file.replace(old, new).encode())


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("SKL61MQ8WL,", "=cmd(),", "receipt no."),
        ("23-11-2026 10:15:00", "11/23/2026 10:15", "completion time"),
        ('"-1,500.00"', "lots", "withdrawn"),
        (',"-1,500.00",', ",,", "withdrawn"),
    ],
)
def test_a_line_that_cannot_be_understood_is_named(old: str, new: str, column: str) -> None:
    """By its line and column, without repeating what it says."""
    file = statement(PAID).decode()
    assert file.count(old) == 1
    _, faults = read(file.replace(old, new).encode())
    assert [(6, column)] == [(one.line, one.column) for one in faults]


@given(
    st.lists(
        st.tuples(st.integers(1, 10**9), st.booleans(), st.integers(0, 86_000)),
        max_size=20,
    ),
    st.integers(0, 10**12),
)
def test_what_is_written_is_read(moves: list[tuple[int, bool, int]], opening: int) -> None:
    """Any movements in any amounts, to the cent."""
    moved = [
        Moved(f"SKL{n:06d}A", BEGINS + timedelta(seconds=at), cents if is_in else -cents)
        for n, (cents, is_in, at) in enumerate(sorted(moves, key=lambda one: one[2]))
    ]
    found, faults = read(statement(*moved, opening_cents=opening))
    assert [] == faults
    assert [one.cents for one in moved] == [
        one.paid_in_cents - one.withdrawn_cents for one in found.lines
    ]
    assert opening + sum(one.cents for one in moved) == found.closing_cents


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_junk_is_refused_and_never_a_crash(data: bytes) -> None:
    with pytest.raises(UnreadableFile):
        read(data)
