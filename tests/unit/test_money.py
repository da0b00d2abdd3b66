import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.money import kes, kes_short, rate_bp, shillings, whole_shillings


@pytest.mark.parametrize(
    ("cents", "written"),
    [
        (0, "KES 0.00"),
        (5, "KES 0.05"),
        (500_000, "KES 5,000.00"),
        (-130_500, "-KES 1,305.00"),
        (999_999_999, "KES 9,999,999.99"),
    ],
)
def test_money_is_written_with_thousands_and_two_decimals(cents: int, written: str) -> None:
    assert kes(cents) == written


def test_screens_leave_out_cents_that_are_not_there() -> None:
    assert kes_short(150_000) == "KES 1,500"
    assert kes_short(150_345) == "KES 1,503.45"


@given(st.integers(min_value=0, max_value=10**9))
def test_whole_shillings_come_back_and_nothing_else_passes(whole: int) -> None:
    assert whole_shillings(shillings(whole)) == whole
    with pytest.raises(ValueError, match="not whole shillings"):
        whole_shillings(shillings(whole) + 1)


@pytest.mark.parametrize(("fee", "duty"), [(2_300, 345), (1_000, 150), (1, 0), (10, 2), (0, 0)])
def test_duty_of_fifteen_percent_rounds_half_a_cent_up(fee: int, duty: int) -> None:
    assert rate_bp(fee, basis_points=1_500) == duty
