"""Money, numbers and moments as M-PESA writes them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.providers.daraja_values import PhoneMatch, charge_cents, moment, same_phone, to_cents

ASKED = "+254712345678"


@pytest.mark.parametrize(
    ("told", "cents"),
    [
        (1500, 150_000), (1500.0, 150_000), ("1500", 150_000), ("1500.00", 150_000),
        (" 1500.5 ", 150_050), ("1500.5000", 150_050), (482310.5, 48_231_050), (0.1, 10),
        (-1305.0, -130_500), ("-0.50", -50), (0, 0), (1e11, 10_000_000_000_000),
    ],
)  # fmt: skip
def test_amounts_become_cents_exactly(told: Any, cents: int) -> None:
    assert cents == to_cents(told)


@pytest.mark.parametrize(
    "told",
    [None, True, "", "KES 1500", "1,500", "1500.005", 0.1 + 0.2, "1e3", "1e999999999", 1e30,
     float("nan"), float("inf"), float("-inf"), 10**400, "\u0661", [], {}, "--1", "1.", ".5"],
)  # fmt: skip
def test_what_is_no_amount_is_none_and_never_rounded(told: Any) -> None:
    """Half a cent is not money, and text from outside must not cost time or memory."""
    assert to_cents(told) is None


@pytest.mark.parametrize(
    ("told", "match"),
    [
        ("254712345678 - AMINA WANJIRU OTIENO", PhoneMatch.EQUAL),
        ("+254712345678", PhoneMatch.EQUAL),
        ("254 712 345 678 - N'GANG'A", PhoneMatch.EQUAL),
        ("0712345678 - AMINA", PhoneMatch.EQUAL),
        ("712345678", PhoneMatch.EQUAL),
        ("254712345678 XAVIER", PhoneMatch.EQUAL),
        ("2547***678 - AMINA", PhoneMatch.COMPATIBLE),
        ("2547 ***** 678", PhoneMatch.COMPATIBLE),
        ("0712***678", PhoneMatch.COMPATIBLE),
        ("254712xxxxxx", PhoneMatch.COMPATIBLE),
        ("25471****5678", PhoneMatch.COMPATIBLE),
        ("2547***679", PhoneMatch.DIFFERENT),
        ("2541***678", PhoneMatch.DIFFERENT),
        ("254712345678*345678", PhoneMatch.DIFFERENT),
        ("254712345679 - AMINA", PhoneMatch.DIFFERENT),
        ("2547123456789", PhoneMatch.DIFFERENT),
        ("600999 - BARAZA SACCO", PhoneMatch.DIFFERENT),
        ("AMINA WANJIRU OTIENO", PhoneMatch.ABSENT),
        ("**********", PhoneMatch.ABSENT),
        ("", PhoneMatch.ABSENT),
        (None, PhoneMatch.ABSENT),
    ],
)
def test_only_a_number_that_disagrees_is_different(told: str | None, match: PhoneMatch) -> None:
    """A masked number that agrees is compatible; a name without a number says nothing."""
    assert match is same_phone(ASKED, told)


def test_a_mask_made_to_be_slow_is_not_slow() -> None:
    """Numbers in callbacks are written by others."""
    assert same_phone(ASKED, "2*5*4*7*1*2*3*4*5*6*7*9*" * 100) is PhoneMatch.DIFFERENT


@pytest.mark.parametrize(
    "told", ["23.11.2026 14:05:52", 20261123140552, "20261123140552", " 20261123140552 "]
)
def test_moments_are_east_africa_time(told: Any) -> None:
    assert datetime(2026, 11, 23, 11, 5, 52, tzinfo=UTC) == moment(told)


@pytest.mark.parametrize(
    "told", [None, "", "yesterday", 0, -1, "31.02.2026 10:00:00", "01.01.0001 00:00:00", 1e20, []]
)
def test_what_is_no_moment_is_none(told: Any) -> None:
    assert moment(told) is None


@pytest.mark.parametrize(
    ("told", "cents"),
    [("Fee For B2C Payment|KES|5.00", 500), ("5.00", None), ("a|b|c|5", None), (None, None)],
)
def test_safaricoms_fee_is_read_from_its_own_form(told: str | None, cents: int | None) -> None:
    assert cents == charge_cents(told)
