"""What members may draw: the limits in force, and why a withdrawal would break one.

The amount screen shows `shown` only, which is the same for every member; whatever depends on her
is said after the PIN. All of it is checked once, where a withdrawal is taken in.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.clock import NAIROBI
from app.db import Tx
from app.errors import Refused
from app.payouts.quiet import QuietHours, is_quiet
from app.payouts.reasons import Reason

HOLIDAYS_AHEAD = timedelta(days=14)
"""Further than the hours before a long weekend and its days can reach."""
_GIVEN_BACK = "('declined', 'reversed', 'cancelled', 'returned')"
"""What ended in these left nobody's savings."""


class NoLimits(Refused):
    """No withdrawal limits are in force: nothing may be drawn, since there is no safe default."""

    code = "LM-01"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in force, in cents. `None`: there is no such limit."""

    minimum_cents: int
    """Of one withdrawal."""
    maximum_cents: int
    """Of one withdrawal."""
    daily_cents: int
    """Of one member, from midnight to midnight in Nairobi."""
    sacco_hourly_cents: int | None
    """Of all members, in any sixty minutes."""
    sacco_daily_cents: int | None
    """Of all members, from midnight to midnight in Nairobi."""
    quiet: QuietHours
    quiet_maximum_cents: int | None
    quiet_sacco_hourly_cents: int | None
    after_change_wait_hours: int
    """After a PIN reset or a change of number: nothing for so long …"""
    after_change_low_hours: int
    """… and little until so long after it."""
    after_change_maximum_cents: int | None
    after_change_daily_cents: int | None


@dataclass(frozen=True, slots=True)
class Range:
    """What one withdrawal may be at this hour, in cents, ends included."""

    minimum_cents: int
    maximum_cents: int


@dataclass(frozen=True, slots=True)
class _Now:
    """The limits in force at a moment, in day or quiet profile."""

    limits: Limits
    maximum_cents: int
    sacco_hourly_cents: int | None


COLUMNS = (
    "minimum_cents", "maximum_cents", "daily_cents", "sacco_hourly_cents", "sacco_daily_cents",
    "night_from", "night_to", "quiet_holidays", "before_long_weekend_hours",
    "quiet_maximum_cents", "quiet_sacco_hourly_cents", "after_change_wait_hours",
    "after_change_low_hours", "after_change_maximum_cents", "after_change_daily_cents",
)  # fmt: skip
_IN_FORCE = sa.text(
    f"SELECT {', '.join(COLUMNS)} FROM withdrawal_limit"  # noqa: S608 - constants
    " WHERE effective_from <= coalesce(cast(:day AS date),"
    "  (now() AT TIME ZONE 'Africa/Nairobi')::date)"
    " ORDER BY effective_from DESC, id DESC LIMIT 1"
)


def _in_force_at(moment: str) -> str:
    """SQL for the columns of the limits in force at a moment, with it and the holidays near it."""
    day = f"({moment} AT TIME ZONE 'Africa/Nairobi')::date"
    return (
        f"SELECT {', '.join(COLUMNS)}, {moment} AS at,"  # noqa: S608 - constants
        f" ARRAY(SELECT day FROM public_holiday WHERE day BETWEEN {day} AND {day} +"
        f" {HOLIDAYS_AHEAD.days}) AS holidays FROM withdrawal_limit"
        f" WHERE effective_from <= {day} ORDER BY effective_from DESC, id DESC LIMIT 1"
    )


SHOWN = _in_force_at("statement_timestamp()")
"""SQL for a row of which `range_shown` makes what the amount screen shows; none without limits."""
_SHOWN = sa.text(SHOWN)
_AT = sa.text(_in_force_at("cast(:at AS timestamptz)"))
_HOLIDAYS = sa.text("SELECT day FROM public_holiday WHERE day BETWEEN :since AND :until")
_OF_MEMBER = sa.text(
    "SELECT coalesce(sum(amount_cents), 0) FROM payout WHERE member_id = :member"  # noqa: S608 - a constant
    f" AND state NOT IN {_GIVEN_BACK} AND requested_at >= :since"
)
_OF_ALL = sa.text(
    "SELECT coalesce(sum(amount_cents), 0) FROM payout"  # noqa: S608 - a constant
    f" WHERE state NOT IN {_GIVEN_BACK} AND requested_at >= :since"
)
# One withdrawal after the other is held against the SACCO's ceilings: each transaction sees those
# before it, so that two cannot both fit into room for one. Held until the commit, so it is taken
# last, and only where there is such a ceiling.
_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('sacco ceilings', 0))")


def in_force(tx: Tx, *, day: date | None = None) -> Limits:
    """The limits in force today in Nairobi, or on another day.

    Raises:
        NoLimits: none are configured.
    """
    return _of_row(_one(tx.execute(_IN_FORCE, {"day": day}).one_or_none()))


def from_columns(given: Mapping[str, Any]) -> Limits:
    """Limits from values by the names of their `COLUMNS`; others are passed over."""
    facts = {name: given[name] for name in COLUMNS}
    quiet = QuietHours(
        facts.pop("night_from"),
        facts.pop("night_to"),
        facts.pop("quiet_holidays"),
        facts.pop("before_long_weekend_hours"),
    )
    return Limits(**facts, quiet=quiet)


def _of_row(row: sa.Row[Any]) -> Limits:
    return from_columns(dict(row._mapping))  # noqa: SLF001 - SQLAlchemy's documented way to a mapping


def columns(limits: Limits) -> dict[str, Any]:
    """The same way back."""
    facts = asdict(limits)
    quiet = facts.pop("quiet")
    return {
        **facts,
        "night_from": quiet["night_from"],
        "night_to": quiet["night_to"],
        "quiet_holidays": quiet["holidays"],
        "before_long_weekend_hours": quiet["before_long_weekend_hours"],
    }


def shown(tx: Tx) -> Range:
    """What the amount screen shows: by the hour, never by the member.

    Raises:
        NoLimits: none are configured.
    """
    return range_shown(_one(tx.execute(_SHOWN).one_or_none()))


def range_shown(row: sa.Row[Any]) -> Range:
    """What the amount screen shows where these limits, columns of `SHOWN`, are in force."""
    now = _profile(row)
    return Range(now.limits.minimum_cents, now.maximum_cents)


def refusal(tx: Tx, *, member_id: int, amount_cents: int, at: datetime) -> Reason | None:
    """The first limit that a withdrawal would break, if it would break one.

    Takes the lock of the SACCO's ceilings, so that no two withdrawals fit into room for one; the
    caller holds the member's row and commits soon.

    Raises:
        NoLimits: none are configured.
    """
    now = _profile(_one(tx.execute(_AT, {"at": at}).one_or_none()))
    return (
        _after_change(tx, now.limits, member_id, amount_cents, at)
        or _of_one(tx, now, member_id, amount_cents, at)
        or _of_all(tx, now, amount_cents, at)
    )


def fits_after_change(tx: Tx, *, member_id: int, amount_cents: int, at: datetime) -> bool:
    """Whether a payout that is booked already keeps to the limits after a change.

    For whoever cannot tell whether there was one. Without such limits nothing is little enough.

    Raises:
        NoLimits: none are configured.
    """
    limits = in_force(tx, day=at.astimezone(NAIROBI).date())
    most, daily = limits.after_change_maximum_cents, limits.after_change_daily_cents
    if most is None or amount_cents > most:
        return False
    return not _exceeds(_drawn(tx, _OF_MEMBER, _midnight(at), member=member_id), daily)


def quiet_at(tx: Tx, limits: Limits, at: datetime) -> bool:
    """Whether a moment lies in the quiet hours of these limits."""
    local = at.astimezone(NAIROBI)
    reach = {"since": local.date(), "until": local.date() + HOLIDAYS_AHEAD}
    return is_quiet(local, limits.quiet, frozenset(tx.scalars(_HOLIDAYS, reach)))


def _one(row: sa.Row[Any] | None) -> sa.Row[Any]:
    """The limits that were found.

    Raises:
        NoLimits: none were.
    """
    if row is None:
        raise NoLimits("no withdrawal limits are in force; `baraza limits set` makes them")
    return row


def _profile(row: sa.Row[Any]) -> _Now:
    """The limits of this row, for the hour that it was read for."""
    limits = _of_row(row)
    if not is_quiet(row.at.astimezone(NAIROBI), limits.quiet, frozenset(row.holidays)):
        return _Now(limits, limits.maximum_cents, limits.sacco_hourly_cents)
    maximum = _lower(limits.maximum_cents, limits.quiet_maximum_cents)
    assert maximum is not None
    hourly = _lower(limits.sacco_hourly_cents, limits.quiet_sacco_hourly_cents)
    return _Now(limits, maximum, hourly)


def _lower(one: int | None, other: int | None) -> int | None:
    """The lower of two limits, of which either may not exist."""
    return min((limit for limit in (one, other) if limit is not None), default=None)


def _after_change(
    tx: Tx, limits: Limits, member_id: int, amount_cents: int, at: datetime
) -> Reason | None:
    """Whoever can reset a PIN or move a number can steal: for a while little can be stolen."""
    changed = tx.scalar(
        sa.text("SELECT greatest(pin_reset_at, number_changed_at) FROM member WHERE id = :member"),
        {"member": member_id},
    )
    if changed is None:
        return None
    if at < changed + timedelta(hours=limits.after_change_wait_hours):
        return Reason.COOLING_OFF
    if at >= changed + timedelta(hours=limits.after_change_low_hours):
        return None
    drawn = _drawn(tx, _OF_MEMBER, _midnight(at), member=member_id)
    if _exceeds(amount_cents, limits.after_change_maximum_cents) or _exceeds(
        drawn + amount_cents, limits.after_change_daily_cents
    ):
        return Reason.LOW_LIMIT
    return None


def _of_one(tx: Tx, now: _Now, member_id: int, amount_cents: int, at: datetime) -> Reason | None:
    if amount_cents > now.maximum_cents:
        return Reason.OVER_MAXIMUM
    drawn = _drawn(tx, _OF_MEMBER, _midnight(at), member=member_id)
    return Reason.DAILY_LIMIT if drawn + amount_cents > now.limits.daily_cents else None


def _of_all(tx: Tx, now: _Now, amount_cents: int, at: datetime) -> Reason | None:
    hourly, daily = now.sacco_hourly_cents, now.limits.sacco_daily_cents
    if hourly is None and daily is None:
        return None
    tx.execute(_ONE_AT_A_TIME)
    for ceiling, since in ((hourly, at - timedelta(hours=1)), (daily, _midnight(at))):
        if ceiling is not None and _drawn(tx, _OF_ALL, since) + amount_cents > ceiling:
            return Reason.SACCO_LIMIT
    return None


def _drawn(tx: Tx, query: sa.TextClause, since: datetime, **who: int) -> int:
    return int(tx.scalar(query, {"since": since, **who}) or 0)


def _exceeds(cents: int, limit: int | None) -> bool:
    return limit is not None and cents > limit


def _midnight(at: datetime) -> datetime:
    """When the day of this moment began in Nairobi."""
    return at.astimezone(NAIROBI).replace(hour=0, minute=0, second=0, microsecond=0)
