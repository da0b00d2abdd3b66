"""The table of result codes says what `daraja` facts say, and never more."""

import pytest

from app.payouts.evidence import Class
from app.providers.result_codes import (
    NOT_KNOWN_NOW,
    TABLE,
    MemberReason,
    Source,
    Verdict,
    lookup,
    normalised,
)

DEFINITE_NO = {
    "1", "2", "3", "4", "5", "6", "7", "8", "11", "12", "13", "14", "18", "20", "21", "22", "24",
    "25", "29", "2001", "2006", "2020", "2028", "2040", "2051", "8006", "SFC_IC0003", "R002",
    "R003", "100000005", "100000010",
}  # fmt: skip
DOUBT = {
    "15", "17", "19", "26", "1001", "2007", "2029", "2043", "2202", "100000000", "100000001",
    "100000002", "100000004", "100000007", "100000009", "100000011", "00.002.1001",
}  # fmt: skip


def test_only_zero_is_success() -> None:
    """No other code settles a payout."""
    assert {c for c, row in TABLE.items() if row.verdict is Verdict.SUCCESS} == {"0"}


def test_the_codes_that_refuse_and_the_codes_that_prove_nothing() -> None:
    """Moving a code from doubt to refusal gives money back that may have been paid."""
    refusing = {c for c, row in TABLE.items() if row.verdict is Verdict.DEFINITE_NO}
    doubtful = {c for c, row in TABLE.items() if row.verdict is Verdict.DOUBT}
    assert (refusing, doubtful) == (DEFINITE_NO, DOUBT)


@pytest.mark.parametrize("code", [0, "0", " 0 ", "00000000", "000"])
def test_zeros_of_any_form_are_success(code: object) -> None:
    """M-PESA sends integers, text, and eight zeros."""
    assert lookup(code).verdict is Verdict.SUCCESS


@pytest.mark.parametrize(
    ("code", "same"), [(2001, "2001"), ("2001 ", "2001"), (" SFC_IC0003\n", "SFC_IC0003")]
)
def test_a_code_means_the_same_as_number_and_as_text(code: object, same: str) -> None:
    assert TABLE[same] == lookup(code)


@pytest.mark.parametrize(
    "code",
    [None, "", True, False, 0.0, [], {"0": 0}, "0.0", "-0", "\u0660", "O", 2032, 9999, "sfc_ic0003",
     pytest.param(10**5000, id="huge"), pytest.param("9" * 5000, id="long")],
)  # fmt: skip
def test_what_is_not_in_the_table_is_a_doubt(code: object) -> None:
    """A meaning is never guessed; `False` is no zero and an Arabic zero is no zero."""
    found = lookup(code)
    assert found.verdict is Verdict.DOUBT
    assert found.source is None
    assert len(found.code) <= 40


def test_duplicate_says_nothing_about_the_first_request() -> None:
    """Code 15: refunding on it would refund a member who was paid."""
    assert lookup(15).verdict is Verdict.DOUBT


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (2, MemberReason.MINIMUM), (3, MemberReason.MAXIMUM), (4, MemberReason.DAILY_LIMIT),
        (8, MemberReason.WALLET_FULL), (2040, MemberReason.NOT_REGISTERED),
        ("SFC_IC0003", MemberReason.NOT_REGISTERED), (1, MemberReason.OUR_SIDE),
        (2001, MemberReason.OUR_SIDE), ("never seen", MemberReason.OUR_SIDE),
    ],
)  # fmt: skip
def test_what_the_member_is_told(code: object, reason: MemberReason) -> None:
    """Our own troubles are never put on the member."""
    assert reason is lookup(code).member_reason


@pytest.mark.parametrize("code", [1, 11, 18, 20, 21, 22, 2001, 2006, 2028, 8006])
def test_what_would_hit_everybody_opens_the_breaker(code: int) -> None:
    """Repeats of 2001 lock our API user; without float every payout fails."""
    assert lookup(code).breaker


@pytest.mark.parametrize("code", [2, 3, 4, 8, 2040, "SFC_IC0003", 15])
def test_one_members_trouble_stops_nobody_else(code: object) -> None:
    assert not lookup(code).breaker


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 8, 11, 2006])
def test_a_declined_transaction_must_be_found_by_a_status_query(code: int) -> None:
    """Limit and balance rules decline what exists, so "does not exist" is no proof."""
    assert not lookup(code).refused_before_transaction


def test_only_refusals_can_come_before_a_transaction() -> None:
    marked = [row for row in TABLE.values() if row.refused_before_transaction]
    assert {Verdict.DEFINITE_NO} == {row.verdict for row in marked}


def test_every_row_names_its_source_and_meaning() -> None:
    assert all(isinstance(row.source, Source) and row.meaning for row in TABLE.values())


def test_not_known_now_is_no_result_of_a_payout() -> None:
    """2032 answers a question; as a payout's result it would be a doubt."""
    assert {Verdict.DOUBT} == {lookup(code).verdict for code in NOT_KNOWN_NOW}


def test_verdicts_are_evidence_classes() -> None:
    """The saga turns one into the other by name."""
    assert {Class.SUCCESS, Class.DEFINITE_NO, Class.DOUBT} == {Class(v) for v in Verdict}


def test_normalised_codes_are_what_the_table_is_keyed_by() -> None:
    assert set(TABLE) == {normalised(code) for code in TABLE}
