"""The book of limits: what was and will be in force, and adding the next entry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from app.db import Tx
from app.errors import Refused
from app.payouts import limits, tariffs
from app.payouts.limits import COLUMNS, Limits
from app.payouts.quiet import QuietHours
from app.payouts.tariffs import BadTariff, Band


class BadLimits(Refused):
    """Limits that contradict each other, or amounts that no tariff prices."""

    code = "LM-02"


@dataclass(frozen=True, slots=True)
class Entry:
    """Limits, and from when they hold."""

    effective_from: date
    made_at: datetime
    limits: Limits


def history(tx: Tx) -> list[Entry]:
    """Everything that ever was or will be in force, newest first."""
    rows = tx.execute(
        sa.text(
            f"SELECT effective_from, made_at, {', '.join(COLUMNS)} FROM withdrawal_limit"  # noqa: S608 - constants
            " ORDER BY effective_from DESC, id DESC"
        )
    )
    return [
        Entry(row["effective_from"], row["made_at"], limits.from_columns(dict(row)))
        for row in rows.mappings()
    ]


def in_force(tx: Tx, day: date) -> Limits | None:
    """The limits of a day, if there are any."""
    try:
        return limits.in_force(tx, day=day)
    except limits.NoLimits:
        return None


def option(column: str) -> str:
    """What the command's option for a column is called: `sacco-hourly`."""
    return column.removesuffix("_cents").removesuffix("_hours").replace("_", "-")


def check(tx: Tx, new: Limits, *, since: date, called: Callable[[str], str] = option) -> None:
    """Check limits in themselves, and against the tariffs in force while they will be.

    Raises:
        BadLimits: they contradict each other, or a tariff does not price all that they allow;
            every fault is named, with the limits `called` by their columns.
    """
    wrong = faults(new, called)
    until = min((e.effective_from for e in history(tx) if e.effective_from > since), default=None)
    later = sorted({one.effective_from for one in tariffs.history(tx)})
    days = [day for day in later if day > since and (until is None or day < until)]
    for day in [since, *days]:
        tariff = tariffs.in_force(tx, day)
        gap = tariffs.unpriced(tariff.bands, new) if tariff is not None else None
        if gap is not None:
            wrong.append(gap if day == since else f"from {day} {gap}")
    if wrong:
        raise BadLimits("; ".join(wrong))


def add(tx: Tx, new: Limits, *, since: date) -> None:
    """Add limits. Only the database's owner may.

    Raises:
        BadLimits: as `check` says.
    """
    check(tx, new, since=since)
    names = ", ".join(COLUMNS)
    values = ", ".join(f":{name}" for name in COLUMNS)
    tx.execute(
        sa.text(
            f"INSERT INTO withdrawal_limit (effective_from, {names})"  # noqa: S608 - constants
            f" VALUES (:since, {values})"
        ),
        {"since": since, **limits.columns(new)},
    )


def must_price(tx: Tx, bands: Sequence[Band], *, since: date) -> None:
    """Check a tariff against what members may draw while it will be in force.

    Raises:
        BadTariff: some amount between the minimum and the maximum of a day has no price in it.
    """
    until = tx.scalar(
        sa.text("SELECT min(effective_from) FROM tariff WHERE effective_from > :since"),
        {"since": since},
    )
    later = (entry.effective_from for entry in history(tx) if entry.effective_from > since)
    for day in [since, *(day for day in later if until is None or day < until)]:
        allowed = in_force(tx, day)
        gap = tariffs.unpriced(bands, allowed) if allowed is not None else None
        if gap is not None:
            raise BadTariff(f"on {day} {gap}")


_AT_LEAST = (
    ("maximum_cents", "minimum_cents"),
    ("daily_cents", "maximum_cents"),
    ("quiet_maximum_cents", "minimum_cents"),
    ("maximum_cents", "quiet_maximum_cents"),
    ("sacco_hourly_cents", "maximum_cents"),
    ("sacco_daily_cents", "sacco_hourly_cents"),
    ("sacco_daily_cents", "maximum_cents"),
    ("sacco_hourly_cents", "quiet_sacco_hourly_cents"),
    ("after_change_maximum_cents", "minimum_cents"),
    ("after_change_daily_cents", "after_change_maximum_cents"),
    ("after_change_low_hours", "after_change_wait_hours"),
)
"""The first must not be less than the second, where there are both. No low hours are none."""


def faults(new: Limits, called: Callable[[str], str] = option) -> list[str]:
    """What is wrong with limits in themselves, with the limits `called` by their columns."""
    has = limits.columns(new)
    has["after_change_low_hours"] = has["after_change_low_hours"] or None
    wrong = [
        f"{called(big)} must not be less than {called(small)}"
        for big, small in _AT_LEAST
        if has[big] is not None and has[small] is not None and has[big] < has[small]
    ]
    if not has_quiet_hours(new.quiet) and _differs_when_quiet(new):
        wrong.append("limits for quiet hours need night, holidays or before-long-weekend")
    if (new.after_change_maximum_cents or new.after_change_daily_cents) and not (
        new.after_change_low_hours
    ):
        wrong.append("low limits after a change need after-change-low hours")
    return wrong


def has_quiet_hours(hours: QuietHours) -> bool:
    """Whether there are any at all."""
    return bool(hours.night_from is not None or hours.holidays or hours.before_long_weekend_hours)


def _differs_when_quiet(new: Limits) -> bool:
    return new.quiet_maximum_cents is not None or new.quiet_sacco_hourly_cents is not None
