"""When it is quiet: nights, holidays and the hours before a long weekend, at every edge."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest

from app.clock import NAIROBI
from app.payouts.quiet import LongWeekend, QuietHours, is_quiet, long_weekend, spans

NONE: frozenset[date] = frozenset()
FRIDAY = date(2026, 4, 3)
MONDAY = date(2026, 4, 6)
EASTER = frozenset({FRIDAY, MONDAY})
"""Good Friday and Easter Monday: with the weekend four free days in a row."""
MOMENT = timedelta(microseconds=1)


def at(day: date, clock: str) -> datetime:
    """A moment on Nairobi's clock."""
    return datetime.combine(day, time.fromisoformat(clock), NAIROBI)


def quiet(moment: datetime, hours: QuietHours, holidays: frozenset[date] = NONE) -> bool:
    return is_quiet(moment, hours, holidays)


@pytest.mark.parametrize(
    ("night", "clock", "expected"),
    [
        # Over midnight.
        ("20:00-06:00", "19:59:59.999999", False),
        ("20:00-06:00", "20:00", True),
        ("20:00-06:00", "23:59:59.999999", True),
        ("20:00-06:00", "00:00", True),
        ("20:00-06:00", "05:59:59.999999", True),
        ("20:00-06:00", "06:00", False),
        # Within one day.
        ("00:00-05:00", "00:00", True),
        ("00:00-05:00", "04:59", True),
        ("00:00-05:00", "05:00", False),
        ("00:00-05:00", "23:59:59", False),
        ("12:00-13:00", "12:30", True),
        # All day long.
        ("08:00-08:00", "07:59", True),
        ("08:00-08:00", "08:00", True),
    ],
)
def test_a_night_begins_and_ends_on_the_minute(night: str, clock: str, *, expected: bool) -> None:
    """Its first moment is quiet, the moment it ends is not."""
    begin, _, end = night.partition("-")
    hours = QuietHours(time.fromisoformat(begin), time.fromisoformat(end))
    assert expected == quiet(at(date(2026, 6, 10), clock), hours)


def test_without_anything_set_it_is_never_quiet() -> None:
    for hour in range(24):
        assert not quiet(at(FRIDAY, f"{hour:02}:00"), QuietHours(), EASTER)


def test_a_holiday_is_quiet_from_midnight_to_midnight() -> None:
    """A Wednesday by itself."""
    day = date(2026, 10, 21)
    hours = QuietHours(holidays=True)
    midnight = at(day, "00:00")
    moments = (midnight - MOMENT, midnight, at(day, "23:59:59.999999"), midnight + timedelta(1))
    assert [quiet(m, hours, frozenset({day})) for m in moments] == [False, True, True, False]
    assert not quiet(at(day, "12:00"), hours)


def test_an_ordinary_weekend_is_not_quiet() -> None:
    hours = QuietHours(holidays=True, before_long_weekend_hours=72)
    friday = date(2026, 6, 12)
    for day in range(3):
        assert not quiet(at(friday + timedelta(day), "12:00"), hours)


@pytest.mark.parametrize(
    ("holidays", "first"),
    [
        ({FRIDAY}, FRIDAY),
        ({MONDAY}, date(2026, 4, 4)),
        (EASTER, FRIDAY),
        ({date(2026, 4, 2), FRIDAY}, date(2026, 4, 2)),
        # Not at a weekend, but as long: three holidays in a row.
        ({date(2026, 4, 7), date(2026, 4, 8), date(2026, 4, 9)}, date(2026, 4, 7)),
    ],
)
def test_the_hours_before_a_long_weekend_are_quiet(holidays: set[date], first: date) -> None:
    """Twelve of them, up to its first day."""
    hours = QuietHours(before_long_weekend_hours=12)
    begins = at(first, "00:00")
    early = begins - timedelta(hours=12)
    known = frozenset(holidays)
    assert not quiet(early - MOMENT, hours, known)
    assert quiet(early, hours, known)
    assert quiet(begins - MOMENT, hours, known)
    # The free days themselves are quiet only where holidays are.
    assert not quiet(begins, hours, known)


@pytest.mark.parametrize(
    "holidays",
    [
        {date(2026, 4, 4)},  # a Saturday: no day longer than any weekend
        {date(2026, 4, 2)},  # a Thursday: Friday is worked
        {date(2026, 4, 7), date(2026, 4, 8)},  # two in the middle of the week
    ],
)
def test_two_free_days_are_no_long_weekend(holidays: set[date]) -> None:
    hours = QuietHours(before_long_weekend_hours=24)
    start = at(date(2026, 3, 30), "00:00")
    moments = [start + timedelta(hours=hour) for hour in range(10 * 24)]
    assert not any(quiet(moment, hours, frozenset(holidays)) for moment in moments)


def test_more_hours_than_a_day_reach_back_over_worked_days() -> None:
    """Seventy-two hours before Good Friday: from Tuesday on."""
    hours = QuietHours(before_long_weekend_hours=72)
    tuesday = at(date(2026, 3, 31), "00:00")
    assert not quiet(tuesday - MOMENT, hours, EASTER)
    assert quiet(tuesday, hours, EASTER)


def test_within_a_long_weekend_the_next_is_not_before() -> None:
    """Saturday of Easter is free itself: what counts is how the weekend began."""
    hours = QuietHours(before_long_weekend_hours=24)
    assert not quiet(at(date(2026, 4, 4), "12:00"), hours, EASTER)


def test_the_end_of_a_year_joins() -> None:
    """Christmas 2026 is a Friday; New Year's Day too."""
    holidays = frozenset({date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1)})
    hours = QuietHours(before_long_weekend_hours=6)
    assert quiet(at(date(2026, 12, 31), "18:00"), hours, holidays)
    assert not quiet(at(date(2026, 12, 31), "17:59"), hours, holidays)


# -- the quiet hours ahead -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hours",
    [
        QuietHours(),
        QuietHours(time(20), time(6)),
        QuietHours(time(1), time(5, 30), holidays=True),
        QuietHours(holidays=True, before_long_weekend_hours=12),
        QuietHours(time(22, 15), time(4), holidays=True, before_long_weekend_hours=72),
        QuietHours(time(8), time(8)),
    ],
)
@pytest.mark.parametrize(
    "since", [at(MONDAY - 9 * timedelta(days=1), "13:20"), at(FRIDAY, "00:00")]
)
def test_spans_are_just_the_quiet_minutes(hours: QuietHours, since: datetime) -> None:
    """Found by their edges, they hold what asking about every minute finds."""
    days = 12
    minutes = [since + timedelta(minutes=n) for n in range(days * 24 * 60)]
    expected = {one for one in minutes if is_quiet(one, hours, EASTER)}
    found = spans(since, days=days, hours=hours, holidays=EASTER)
    assert expected == {one for one in minutes if any(s.begins <= one < s.ends for s in found)}
    assert all(one.ends < other.begins for one, other in pairwise(found))
    assert all(one.begins < one.ends for one in found)


def test_a_holiday_knows_the_long_weekend_that_it_makes() -> None:
    easter = LongWeekend(FRIDAY, 4)
    assert [easter] * 2 == [long_weekend(day, EASTER) for day in (FRIDAY, MONDAY)]
    wednesday = date(2026, 6, 10)
    assert long_weekend(wednesday, frozenset({wednesday})) is None
    assert long_weekend(date(2026, 6, 6), NONE) is None
