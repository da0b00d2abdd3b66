"""The quiet hours and public holidays ahead: when less may be drawn, and until when."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

import sqlalchemy as sa

from app.clock import NAIROBI
from app.db import Tx
from app.payouts import public_holidays, quiet
from app.payouts.limits import HOLIDAYS_AHEAD, Limits
from app.payouts.public_holidays import Holiday
from app.payouts.quiet import LongWeekend

AHEAD_DAYS = 120
"""So far ahead the next quiet hours are looked for: holidays may be months apart."""
HOLIDAYS_MAX = 14
"""Those of about a year."""
_BACK = timedelta(days=14)
"""A long weekend that has begun may reach back so far."""


@dataclass(frozen=True, slots=True)
class Next:
    """The quiet hours that are now or next."""

    is_now: bool
    begins: datetime
    ends: datetime | None
    """None: they go on for as long as was looked ahead."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A holiday, and what comes of it."""

    holiday: Holiday
    weekend: LongWeekend | None
    """The long weekend that it is part of."""
    quiet_from: datetime | None
    """When the quiet hours before that weekend begin, if there are any."""


def next_quiet(tx: Tx, limits: Limits) -> Next | None:
    """The quiet hours that are now or next; None where there are none soon."""
    now = tx.execute(sa.select(sa.func.clock_timestamp())).scalar_one().astimezone(NAIROBI)
    reach = (now - _BACK).date()
    known = public_holidays.listed(tx, since=reach)
    until = now.date() + timedelta(days=AHEAD_DAYS) + HOLIDAYS_AHEAD
    days = frozenset(one.day for one in known if one.day <= until)
    found = quiet.spans(now, days=AHEAD_DAYS, hours=limits.quiet, holidays=days)
    if not found:
        return None
    first = found[0]
    goes_on = first.ends >= now + timedelta(days=AHEAD_DAYS)
    return Next(first.begins == now, first.begins, None if goes_on else first.ends)


def holidays(tx: Tx, limits: Limits | None) -> list[Ahead]:
    """The public holidays from today on, with the long weekends that they make."""
    today = tx.execute(sa.text("SELECT (now() AT TIME ZONE 'Africa/Nairobi')::date")).scalar_one()
    known = public_holidays.listed(tx, since=today - _BACK)
    days = frozenset(one.day for one in known)
    hours = limits.quiet.before_long_weekend_hours if limits else 0
    ahead = [one for one in known if one.day >= today][:HOLIDAYS_MAX]
    return [_ahead(one, quiet.long_weekend(one.day, days), hours) for one in ahead]


def _ahead(holiday: Holiday, weekend: LongWeekend | None, hours: int) -> Ahead:
    if weekend is None or not hours:
        return Ahead(holiday, weekend, None)
    begins = datetime.combine(weekend.first, time.min, NAIROBI) - timedelta(hours=hours)
    return Ahead(holiday, weekend, begins)
