"""How long the float lasts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.operations.float_forecast import HOURS, Forecast, forecast

AN_HOUR = 1_000_00
EVEN = [AN_HOUR] * HOURS
QUIET = [0] * HOURS


@pytest.mark.parametrize(
    ("spendable", "last_day", "hours", "sign"),
    [
        (10 * AN_HOUR, EVEN, 10.0, "good"),
        (25 * AN_HOUR, EVEN, None, "good"),
        (4 * AN_HOUR, EVEN, 4.0, "good"),
        (3 * AN_HOUR, EVEN, 3.0, "amber"),
        (AN_HOUR // 2, EVEN, 0.5, "red"),
        (AN_HOUR, QUIET, None, "good"),
        (0, EVEN, 0.0, "red"),
        (0, QUIET, 0.0, "red"),
        (-AN_HOUR, QUIET, 0.0, "red"),
        (2 * AN_HOUR, [*QUIET[:-1], 8 * AN_HOUR], 0.2, "red"),
    ],
)
def test_it_lasts_as_long_as_yesterday_says(
    spendable: int, last_day: list[int], hours: float | None, sign: str
) -> None:
    """The last row: nothing at this hour yesterday, but a rush just now."""
    found = forecast(spendable, last_day=last_day)
    assert (found.hours, found.sign) == (hours, sign)


def test_the_reserve_ends_it_sooner() -> None:
    """What may not be begun with is not there for payouts."""
    found = forecast(10 * AN_HOUR, last_day=EVEN, reserve_cents=9 * AN_HOUR)
    assert (found.hours, found.sign) == (1.0, "amber")
    assert forecast(AN_HOUR, last_day=QUIET, reserve_cents=AN_HOUR).hours == 0.0
    assert found.left_cents[0] == 9 * AN_HOUR, "the curve itself does not change"


@given(
    st.integers(-(10**12), 10**12),
    st.lists(st.integers(0, 10**10), min_size=HOURS, max_size=HOURS),
)
def test_the_curve_and_the_hours_agree(spendable: int, last_day: list[int]) -> None:
    """It only falls; and it is above zero for as long as is said, and not longer."""
    found: Forecast = forecast(spendable, last_day=last_day)
    steps = [spendable, *found.left_cents]
    assert steps == sorted(steps, reverse=True)
    if found.hours is None:
        assert found.left_cents[-1] > 0
    else:
        ends = next(i for i, left in enumerate(steps) if left <= 0)
        assert ends - 1 <= found.hours <= ends


def test_a_day_has_24_hours() -> None:
    with pytest.raises(AssertionError):
        forecast(1, last_day=[1])
