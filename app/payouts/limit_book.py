"""The book of limits: what was and will be in force, and adding the next entry."""

from collections.abc import Sequence
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


def add(tx: Tx, new: Limits, *, since: date) -> None:
    """Add limits. Only the database's owner may.

    Raises:
        BadLimits: they contradict each other, or the tariff of that day does not price all that
            they allow; every fault is named.
    """
    wrong = faults(new)
    tariff = tariffs.in_force(tx, since)
    gap = tariffs.unpriced(tariff.bands, new) if tariff is not None else None
    if gap is not None:
        wrong.append(gap)
    if wrong:
        raise BadLimits("; ".join(wrong))
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


def faults(new: Limits) -> list[str]:
    """What is wrong with limits in themselves, in the words of the command's options."""
    order = (
        ("maximum", new.maximum_cents, "minimum", new.minimum_cents),
        ("daily", new.daily_cents, "maximum", new.maximum_cents),
        ("quiet-maximum", new.quiet_maximum_cents, "minimum", new.minimum_cents),
        ("maximum", new.maximum_cents, "quiet-maximum", new.quiet_maximum_cents),
        ("sacco-hourly", new.sacco_hourly_cents, "maximum", new.maximum_cents),
        ("sacco-daily", new.sacco_daily_cents, "sacco-hourly", new.sacco_hourly_cents),
        ("sacco-daily", new.sacco_daily_cents, "maximum", new.maximum_cents),
        ("sacco-hourly", new.sacco_hourly_cents, "quiet-sacco-hourly",
         new.quiet_sacco_hourly_cents),
        ("after-change-maximum", new.after_change_maximum_cents, "minimum", new.minimum_cents),
        ("after-change-daily", new.after_change_daily_cents, "after-change-maximum",
         new.after_change_maximum_cents),
        ("after-change-low", new.after_change_low_hours or None, "after-change-wait",
         new.after_change_wait_hours),
    )  # fmt: skip
    wrong = [
        f"{big} must not be less than {small}"
        for big, high, small, low in order
        if high is not None and low is not None and high < low
    ]
    if not _has_quiet_hours(new.quiet) and _differs_when_quiet(new):
        wrong.append("limits for quiet hours need night, holidays or before-long-weekend")
    if (new.after_change_maximum_cents or new.after_change_daily_cents) and not (
        new.after_change_low_hours
    ):
        wrong.append("low limits after a change need after-change-low hours")
    return wrong


def _has_quiet_hours(hours: QuietHours) -> bool:
    return bool(hours.night_from is not None or hours.holidays or hours.before_long_weekend_hours)


def _differs_when_quiet(new: Limits) -> bool:
    return new.quiet_maximum_cents is not None or new.quiet_sacco_hourly_cents is not None
