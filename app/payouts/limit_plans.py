"""Limits that somebody wants to set: what would change, in words and as they are put on record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from app.db import Tx
from app.errors import Refused
from app.payouts import dated, limit_book, limits
from app.payouts.limits import COLUMNS, Limits, Range

WORDS = {
    "minimum_cents": "one withdrawal, at least",
    "maximum_cents": "one withdrawal, at most",
    "daily_cents": "one member a day",
    "sacco_hourly_cents": "all members in an hour",
    "sacco_daily_cents": "all members a day",
    "night_from": "the night begins",
    "night_to": "the night ends",
    "quiet_holidays": "public holidays are quiet",
    "before_long_weekend_hours": "quiet hours before a long weekend",
    "quiet_maximum_cents": "one withdrawal in quiet hours",
    "quiet_sacco_hourly_cents": "all members in a quiet hour",
    "after_change_wait_hours": "hours of nothing after a PIN reset or new number",
    "after_change_low_hours": "hours of little after it",
    "after_change_maximum_cents": "one withdrawal in those",
    "after_change_daily_cents": "one member a day in those",
}
"""What each limit is called, by its column."""
NEEDED = ("minimum_cents", "maximum_cents", "daily_cents")
"""What the very first limits must say."""
NO_OTHERS: Mapping[str, Any] = {
    **dict.fromkeys(COLUMNS),
    "quiet_holidays": False,
    "before_long_weekend_hours": 0,
    "after_change_wait_hours": 0,
    "after_change_low_hours": 0,
}
"""What holds where nothing was ever said."""
SHILLINGS_MAX = 1_000_000_000
HOURS_MAX = {
    "before_long_weekend_hours": 72,
    "after_change_wait_hours": 720,
    "after_change_low_hours": 2160,
}
_TIMES = ("night_from", "night_to")


class NothingNew(Refused):
    """These limits hold on that day already."""

    code = "LM-03"


@dataclass(frozen=True, slots=True)
class Plan:
    """Limits that somebody wants to set."""

    day: date
    """From which they shall hold."""
    before: Limits | None
    after: Limits
    changed: dict[str, tuple[Any, Any]]
    """What it was and what it will be, by column."""
    until: date | None
    """From which other limits are set already."""

    @property
    def ordinary(self) -> Range:
        """What the amount screen will show in ordinary hours."""
        return Range(self.after.minimum_cents, self.after.maximum_cents)

    @property
    def quiet(self) -> Range | None:
        """What it will show in quiet hours; None where there are none."""
        if not limit_book.has_quiet_hours(self.after.quiet):
            return None
        quiet = self.after.quiet_maximum_cents or self.after.maximum_cents
        return Range(self.after.minimum_cents, min(quiet, self.after.maximum_cents))


def plan(tx: Tx, after: Limits, *, day: date) -> Plan:
    """What would change on a day, whether or not these limits are sound."""
    before = limit_book.in_force(tx, day)
    was = columns_or_none(before)
    changed = {n: (was[n], new) for n, new in limits.columns(after).items() if new != was[n]}
    later = [e.effective_from for e in limit_book.history(tx) if e.effective_from > day]
    return Plan(day, before, after, changed, min(later, default=None))


def sound(tx: Tx, after: Limits, *, day: date) -> Plan:
    """The same for limits that could be set now.

    Raises:
        InThePast: the day has passed.
        BadLimits: they contradict each other or the tariff; every fault is named.
        NothingNew: they hold on that day already.
    """
    found = plan(tx, after, day=dated.not_past(tx, day))
    limit_book.check(tx, after, since=day, called=lambda name: f'"{WORDS[name]}"')
    if not found.changed:
        raise NothingNew(f"These limits hold on {day} already.")
    return found


def columns_or_none(known: Limits | None) -> Mapping[str, Any]:
    """The columns of limits, or of none at all."""
    return NO_OTHERS if known is None else limits.columns(known)


def recorded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns as they are kept on record: times as `20:00`, money in cents."""
    return {n: f"{v:%H:%M}" if isinstance(v, time) else v for n, v in values.items()}


def from_record(values: Mapping[str, Any]) -> Limits:
    """The way back, for all columns."""
    times = {n: time.fromisoformat(values[n]) for n in _TIMES if values[n] is not None}
    return limits.from_columns({**values, **times})
