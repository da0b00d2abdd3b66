"""Kenya's public holidays, which quiet hours go by: a calendar's, and those the SACCO adds.

Governments declare some at short notice, and those that follow the moon are estimates, so days
can be added by hand and the calendar's are looked at again each day.
"""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from app.db import Tx
from app.errors import Refused


class HolidayKnown(Refused):
    """This day is a holiday already."""

    code = "HD-01"


class HolidayNotAdded(Refused):
    """Only days that the SACCO added can be taken away; the calendar's come back by themselves."""

    code = "HD-02"


@dataclass(frozen=True, slots=True)
class Holiday:
    """One public holiday."""

    day: date
    name: str
    source: str
    """`calendar`, or `added` by the SACCO."""


def upkeep(tx: Tx) -> int:
    """Bring this year's and the next one's calendar in. Returns how many days changed.

    Days that have passed and days that were added by hand stay as they are.
    """
    today = tx.scalar(sa.text("SELECT (now() AT TIME ZONE 'Africa/Nairobi')::date"))
    assert isinstance(today, date)
    found = listed(tx, since=today)
    added = {holiday.day for holiday in found if holiday.source == "added"}
    known = {holiday.day: holiday.name for holiday in found if holiday.day not in added}
    calendar = _calendar(today.year).items()
    told = {day: name for day, name in calendar if day >= today and day not in added}
    stale = [day for day, name in known.items() if told.get(day) != name]
    tx.execute(
        sa.text("DELETE FROM public_holiday WHERE day = ANY(:days) AND source = 'calendar'"),
        {"days": stale},
    )
    news = [{"day": day, "name": name} for day, name in told.items() if known.get(day) != name]
    if news:
        tx.execute(
            sa.text(
                "INSERT INTO public_holiday (day, name, source)"
                " VALUES (:day, :name, 'calendar') ON CONFLICT DO NOTHING"
            ),
            news,
        )
    return len({*stale, *(day for day in told if known.get(day) != told[day])})


def listed(tx: Tx, *, since: date) -> list[Holiday]:
    """The holidays from a day on, in order."""
    rows = tx.execute(
        sa.text("SELECT day, name, source FROM public_holiday WHERE day >= :since ORDER BY day"),
        {"since": since},
    )
    return [Holiday(*row) for row in rows]


def add(tx: Tx, *, day: date, name: str) -> None:
    """Make a day a holiday that the calendar does not have.

    Raises:
        HolidayKnown: it is one already.
    """
    kept = tx.execute(
        sa.text(
            "INSERT INTO public_holiday (day, name, source) VALUES (:day, :name, 'added')"
            " ON CONFLICT DO NOTHING"
        ),
        {"day": day, "name": name},
    )
    if kept.rowcount == 0:
        raise HolidayKnown(f"{day} is a holiday already; `baraza limits holidays` lists them")


def remove(tx: Tx, *, day: date) -> Holiday:
    """Take away a day that was added by hand. Returns what it was.

    Raises:
        HolidayNotAdded: it is none, or it is the calendar's.
    """
    gone = tx.execute(
        sa.text(
            "DELETE FROM public_holiday WHERE day = :day AND source = 'added'"
            " RETURNING day, name, source"
        ),
        {"day": day},
    ).one_or_none()
    if gone is None:
        raise HolidayNotAdded(f"{day} is no holiday that was added by hand")
    return Holiday(*gone)


def _calendar(year: int) -> dict[date, str]:
    """The package's calendar of two years. Imported late: it is big, and the web needs none."""
    import holidays

    return dict(holidays.country_holidays("KE", years=[year, year + 1]))
