"""Reading a tariff: what would leave a fee to chance is refused by name."""

import re
from typing import Any

import pytest

from app.money import shillings
from app.payouts.limits import Limits
from app.payouts.quiet import QuietHours
from app.payouts.tariffs import BANDS_MAX, BadTariff, Band, cost_cents, parse, unpriced

GOOD = "from,to,fee\n50,500,11\n501,1000,15\n1001,250000,25\n"


def bands(*lines: str) -> tuple[Band, ...]:
    return parse(["from,to,fee", *lines])


def limits(**cents: Any) -> Limits:
    """Limits that allow a range."""
    return Limits(
        **{"minimum_cents": 50_00, "maximum_cents": 250_000_00, "daily_cents": 500_000_00, **cents},
        sacco_hourly_cents=None,
        sacco_daily_cents=None,
        quiet=QuietHours(),
        quiet_maximum_cents=None,
        quiet_sacco_hourly_cents=None,
        after_change_wait_hours=0,
        after_change_low_hours=0,
        after_change_maximum_cents=None,
        after_change_daily_cents=None,
    )


def test_a_table_is_read_in_whole_shillings() -> None:
    """As a spreadsheet writes it: spaces and capitals in the header do no harm."""
    expected = (
        Band(50_00, 500_00, 11_00),
        Band(501_00, 1_000_00, 15_00),
        Band(1_001_00, 250_000_00, 25_00),
    )
    assert expected == parse(GOOD.splitlines())
    assert expected == parse(GOOD.replace("from,to,fee", " From, To,FEE").splitlines())


def test_a_fee_of_nothing_is_a_fee() -> None:
    assert (Band(1_00, 100_00, 0),) == bands("1,100,0")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["50,500,11", "502,1000,15"], "between KES 500 and KES 502"),
        (["50,500,11", "500,1000,15"], "from KES 50 and KES 500 overlap"),
        (["501,1000,15", "50,500,11"], "from KES 501 and KES 50 overlap"),
        (["500,50,11"], "line 2: `from` must be"),
        (["0,50,11"], "line 2: `from` must be"),
        (["50,500,11.50"], "line 2: three numbers"),
        (["50,500,-1"], "line 2: three numbers"),
        (["50,500"], "line 2: three numbers"),
        (["50,\u0665\u0660\u0660,11"], "line 2: three numbers"),
        (["50,500,11", "501,x,11"], "line 3: three numbers"),
        (["50,99999999,11"], "line 2: three numbers"),
        ([], "this has 0"),
        ([f"{i},{i},1" for i in range(1, BANDS_MAX + 2)], f"this has {BANDS_MAX + 1}"),
    ],
)
def test_what_cannot_be_a_tariff_is_refused_by_name(lines: list[str], told: str) -> None:
    with pytest.raises(BadTariff, match=re.escape(told)):
        bands(*lines)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(BadTariff) as refused:
        bands("x,1,1", "50,500,11", "600,y,1")
    assert "line 2" in str(refused.value)
    assert "line 4" in str(refused.value)


@pytest.mark.parametrize("header", ["", "from;to;fee", "low,high,fee", "from,to,fee,note"])
def test_another_header_is_refused(header: str) -> None:
    with pytest.raises(BadTariff, match="from,to,fee"):
        parse([header, "50,500,11"])


@pytest.mark.parametrize(
    ("low", "high", "covered"),
    [(50, 250_000, True), (60, 1_000, True), (49, 1_000, False), (50, 250_001, False)],
)
def test_all_that_members_may_draw_must_have_a_price(low: int, high: int, *, covered: bool) -> None:
    allowed = limits(minimum_cents=shillings(low), maximum_cents=shillings(high))
    gap = unpriced(parse(GOOD.splitlines()), allowed)
    assert covered == (gap is None)
    assert covered or "KES 50 to KES 250,000" in str(gap)


@pytest.mark.parametrize(
    ("cents", "rate", "cost"),
    [
        (500_00, 1500, 12_65),
        (501_00, 1500, 17_25),
        (250_000_00, 0, 25_00),
        (250_001_00, 1500, None),
        (500_00, None, None),
    ],
)
def test_a_cost_is_the_fee_with_its_duty(cents: int, rate: int | None, cost: int | None) -> None:
    assert cost == cost_cents(parse(GOOD.splitlines()), rate, cents)
