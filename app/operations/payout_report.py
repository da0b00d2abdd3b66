"""Withdrawals by day and by month: how many were asked for, and what became of them.

A payout counts on the day in Nairobi on which it was asked for, with what is known of it now: a
doubt that is cleared up later moves from one column to another, never to another day.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from app.clock import NAIROBI
from app.db import Tx
from app.payouts.states import OPEN_STATES, State

MONTHS = 12
PAID_AFTER_ALL = frozenset({State.RECOVERY, State.RECOVERED, State.WRITTEN_OFF})
"""Given back by us and paid by M-PESA all the same: the SACCO's matter, whoever bears it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Payouts that were asked for in one stretch of time. The counts besides `asked` add up to it.

    Fee and duty are those that were kept: of what was paid.
    """

    asked: int = 0
    paid: int = 0
    given_back: int = 0
    """Refused, cancelled, or taken back by M-PESA: the total is in her savings again."""
    declined: int = 0
    """By our own rules, before anything was taken."""
    paid_after_all: int = 0
    in_doubt: int = 0
    on_the_way: int = 0
    paid_cents: int = 0
    fee_cents: int = 0
    duty_cents: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        both = {
            one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)
        }
        return Figures(**both)


@dataclass(frozen=True, slots=True)
class Line:
    """A day, or a month by its first day."""

    begins: date
    figures: Figures


# Along the index on the time of the request; a day in Nairobi begins at 21:00 UTC.
_COUNTED = """
    SELECT date_trunc('{unit}', requested_at AT TIME ZONE 'Africa/Nairobi')::date AS begins, state,
           count(*) AS payouts, sum(amount_cents)::bigint AS amount_cents,
           sum(fee_cents)::bigint AS fee_cents, sum(duty_cents)::bigint AS duty_cents
      FROM payout WHERE requested_at >= :begins AND requested_at < :ends GROUP BY 1, 2
"""
_BY_DAY = sa.text(_COUNTED.format(unit="day"))
_BY_MONTH = sa.text(_COUNTED.format(unit="month"))


_TODAY = sa.text("SELECT (now() AT TIME ZONE 'Africa/Nairobi')::date")
_NAMES = tuple(one.name for one in fields(Figures))
_KEPT = sa.text(f"SELECT begins, {', '.join(_NAMES)} FROM payout_month WHERE begins >= :since")  # noqa: S608 - constants
_FORGET = sa.text("DELETE FROM payout_month WHERE begins >= :since")
_KEEP = sa.text(
    f"INSERT INTO payout_month (begins, {', '.join(_NAMES)})"  # noqa: S608 - constants
    f" VALUES (:begins, {', '.join(f':{name}' for name in _NAMES)})"
)


def by_day(tx: Tx, month: date, *, today: date) -> list[Line]:
    """The days of a month until today, also those on which nobody asked for anything."""
    first, after = month.replace(day=1), next_month(month)
    last = min(after - timedelta(days=1), today)
    counted = _counted(tx, _BY_DAY, first, after)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [Line(day, counted(day)) for day in days]


def by_month(tx: Tx, *, today: date) -> list[Line]:
    """The last twelve months, the present one the last of them.

    Those that are over are as they were counted last, if each of them was.
    """
    months = _months(today)
    kept = {row.begins: _kept(row) for row in tx.execute(_KEPT, {"since": months[0]})}
    missing = [month for month in months[:-1] if month not in kept]
    counted = _counted(tx, _BY_MONTH, min([*missing, months[-1]]), next_month(today))
    return [Line(month, kept.get(month) or counted(month)) for month in months]


def keep_months(tx: Tx) -> None:
    """Count the months that are over anew. For the timekeeper: a million payouts take a second."""
    today = tx.execute(_TODAY).scalar_one()
    months = _months(today)
    counted = _counted(tx, _BY_MONTH, months[0], months[-1])
    tx.execute(_FORGET, {"since": months[0]})
    rows = [{"begins": month, **asdict(counted(month))} for month in months[:-1]]
    tx.execute(_KEEP, rows)


def counted_at(tx: Tx) -> datetime | None:
    """When the months that are over were counted last."""
    found = tx.scalar(sa.text("SELECT max(counted_at) FROM payout_month"))
    assert found is None or isinstance(found, datetime)
    return found


def total(lines: Iterable[Line]) -> Figures:
    """All of them together."""
    return sum((one.figures for one in lines), Figures())


def next_month(day: date) -> date:
    """The first day of the month after."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def month_before(day: date) -> date:
    """The first day of the month before."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def within(tx: Tx, begins: datetime, ends: datetime) -> Figures:
    """What became of the payouts that were asked for between two moments."""
    rows = tx.execute(_BY_MONTH, {"begins": begins, "ends": ends})
    return sum((_of(row) for row in rows), Figures())


def _months(today: date) -> list[date]:
    months = [today.replace(day=1)]
    while len(months) < MONTHS:
        months.insert(0, month_before(months[0]))
    return months


def _kept(row: sa.Row[tuple[object, ...]]) -> Figures:
    return Figures(**{name: getattr(row, name) for name in _NAMES})


def _counted(tx: Tx, query: sa.TextClause, first: date, after: date) -> Callable[[date], Figures]:
    found: dict[date, Figures] = {}
    for row in tx.execute(query, {"begins": _midnight(first), "ends": _midnight(after)}):
        found[row.begins] = found.get(row.begins, Figures()) + _of(row)
    return lambda begins: found.get(begins, Figures())


def _of(row: sa.Row[tuple[object, ...]]) -> Figures:
    """What the payouts of one state add to each column."""
    state, payouts = State(row.state), row.payouts
    if state is State.PAID:
        return Figures(
            asked=payouts,
            paid=payouts,
            paid_cents=row.amount_cents,
            fee_cents=row.fee_cents,
            duty_cents=row.duty_cents,
        )
    if state is State.DECLINED:
        return Figures(asked=payouts, declined=payouts)
    if state is State.IN_DOUBT:
        return Figures(asked=payouts, in_doubt=payouts)
    if state in OPEN_STATES:
        return Figures(asked=payouts, on_the_way=payouts)
    if state in PAID_AFTER_ALL:
        return Figures(asked=payouts, paid_after_all=payouts)
    return Figures(asked=payouts, given_back=payouts)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=NAIROBI)
