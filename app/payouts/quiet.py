"""Quiet hours: nights, public holidays, and the hours before a long weekend. Pure.

Thieves like the hours when nobody at the SACCO looks, so other limits may hold in them.
All times here are those of Nairobi.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

LONG_WEEKEND_DAYS = 3
"""Free days in a row, at least one of them a holiday, that make a weekend long."""
SATURDAY = 5
"""As `date.weekday` counts."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When it is quiet. Without anything set it never is."""

    night_from: time | None = None
    """The night begins at this time and lasts, over midnight where need be, up to `night_to`.
    Equal times make a night of all day long."""
    night_to: time | None = None
    holidays: bool = False
    """Whether public holidays are quiet from midnight to midnight."""
    before_long_weekend_hours: int = 0
    """So many hours before the first free day of a long weekend are quiet."""


def is_quiet(local: datetime, hours: QuietHours, holidays: AbstractSet[date]) -> bool:
    """Whether a moment, on Nairobi's clock, lies in quiet hours.

    `holidays` must reach far enough ahead of it: the hours before a long weekend and its days.
    """
    if _is_night(local.time(), hours):
        return True
    if hours.holidays and local.date() in holidays:
        return True
    return _is_before_long_weekend(local, hours.before_long_weekend_hours, holidays)


def _is_night(at: time, hours: QuietHours) -> bool:
    if hours.night_from is None or hours.night_to is None:
        return False
    if hours.night_from < hours.night_to:
        return hours.night_from <= at < hours.night_to
    return at >= hours.night_from or at < hours.night_to


def _is_before_long_weekend(local: datetime, hours: int, holidays: AbstractSet[date]) -> bool:
    """Whether the first day of a long weekend begins within so many hours."""
    soon = local + timedelta(hours=hours)
    day = local.date() + _DAY
    while datetime.combine(day, time.min, local.tzinfo) <= soon and hours:
        if not _is_free(day - _DAY, holidays) and _is_long(day, holidays):
            return True
        day += _DAY
    return False


def _is_long(first: date, holidays: AbstractSet[date]) -> bool:
    days = 0
    with_holiday = False
    while _is_free(first + days * _DAY, holidays):
        with_holiday |= first + days * _DAY in holidays
        days += 1
    return with_holiday and days >= LONG_WEEKEND_DAYS


def _is_free(day: date, holidays: AbstractSet[date]) -> bool:
    return day.weekday() >= SATURDAY or day in holidays
