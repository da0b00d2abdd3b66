"""Quiet hours: nights, public holidays, and the hours before a long weekend. Pure.

Thieves like the hours when nobody at the SACCO looks, so other limits may hold in them.
All times here are those of Nairobi.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

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


@dataclass(frozen=True, slots=True)
class Span:
    """Quiet from its first moment up to, but without, its last."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class LongWeekend:
    """Free days in a row that make a weekend long."""

    first: date
    days: int


def spans(
    since: datetime, *, days: int, hours: QuietHours, holidays: AbstractSet[date]
) -> list[Span]:
    """The quiet hours of so many days from a moment on Nairobi's clock, in order.

    The first one may have begun before that moment, but begins with it here; the last one may go
    on. `holidays` must reach beyond those days as far as `is_quiet` needs it.
    """
    until = since + days * _DAY
    edges = sorted({since, until, *(e for e in _edges(since, days, hours) if since < e < until)})
    found: list[Span] = []
    for begins, ends in pairwise(edges):
        if not is_quiet(begins, hours, holidays):
            continue
        if found and found[-1].ends == begins:
            found[-1] = Span(found[-1].begins, ends)
        else:
            found.append(Span(begins, ends))
    return found


def long_weekend(day: date, holidays: AbstractSet[date]) -> LongWeekend | None:
    """The long weekend that a free day belongs to, if it belongs to one."""
    first = day
    while _is_free(first - _DAY, holidays):
        first -= _DAY
    days = 0
    while _is_free(first + days * _DAY, holidays):
        days += 1
    return LongWeekend(first, days) if _is_long(first, holidays) else None


def _edges(since: datetime, days: int, hours: QuietHours) -> Iterator[datetime]:
    """Every moment at which quiet hours can begin or end."""
    before = timedelta(hours=hours.before_long_weekend_hours)
    for n in range(-1, days + 2 + before // _DAY + 1):
        midnight = datetime.combine(since.date() + n * _DAY, time.min, since.tzinfo)
        yield midnight
        yield midnight - before
        for at in (hours.night_from, hours.night_to):
            if at is not None:
                yield datetime.combine(midnight.date(), at, since.tzinfo)


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
