"""The float as finance needs it: what is there, what is promised already, how long it lasts."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from app import clock
from app.db import Tx
from app.ledger import chart
from app.operations import float_forecast
from app.operations.float_forecast import HOURS, Forecast
from app.providers import breaker, float_readings
from app.providers.breaker import Breaker, Cause
from app.providers.float_readings import FloatReading

DAYS = 30
OLD = timedelta(hours=2)
FLOAT_CODE = chart.FLOAT - chart.SYSTEM_ACCOUNTS_FROM
GUARANTEE_PERCENT = 10
"""Of what went out in a day: what a guarantee for pay-bill money is reckoned from."""


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the last 24."""

    begins: datetime
    paid_cents: int
    """Of what was asked for in it and M-PESA paid."""
    float_cents: int | None
    """The last that M-PESA told in it."""


@dataclass(frozen=True, slots=True)
class Day:
    """What went out of the float on one day, by the books."""

    day: date
    out_cents: int
    guarantee_cents: int


@dataclass(frozen=True, slots=True)
class FloatView:
    """How things stand."""

    reading: FloatReading
    paid_since_cents: int
    """Paid after M-PESA told the balance."""
    promised_cents: int
    """Of payouts that have not ended: each may still leave the float, or has and nobody said so."""
    spendable_cents: int
    hours: tuple[Hour, ...]
    forecast: Forecast
    is_old: bool
    """What M-PESA told says little about now."""


_HOURS = sa.text(
    """
    SELECT h.begins, coalesce(p.cents, 0)::bigint AS paid_cents, r.cents AS float_cents
      FROM generate_series(now() - make_interval(hours => :hours), now() - interval '1 hour',
                           interval '1 hour') AS h(begins)
      LEFT JOIN LATERAL (
           SELECT sum(p.amount_cents) AS cents FROM payout p
            WHERE p.requested_at >= h.begins AND p.requested_at < h.begins + interval '1 hour'
              AND p.state IN ('paid', 'returned', 'recovery', 'recovered', 'written_off')) p ON true
      LEFT JOIN LATERAL (
           SELECT f.cents FROM float_reading f
            WHERE f.said_at >= h.begins AND f.said_at < h.begins + interval '1 hour'
            ORDER BY f.said_at DESC, f.id DESC LIMIT 1) r ON true
     ORDER BY h.begins
    """
)
_PROMISED = sa.text(
    "SELECT coalesce(sum(amount_cents), 0)::bigint FROM payout WHERE state IN"
    " ('requested', 'approval', 'reserved', 'submitting', 'submitted', 'in_doubt')"
)
# Booked after M-PESA told the balance, and not among what it had paid by then: a payout's own
# result tells what was left after it, by M-PESA's clock, and is always booked later than that.
# Nothing takes longer than a day without being in doubt, which is counted as promised.
_PAID_SINCE = sa.text(
    "SELECT coalesce(sum(p.amount_cents), 0)::bigint FROM payout p WHERE p.state = 'paid'"
    " AND p.state_since > :at AND p.requested_at > CAST(:at AS timestamptz) - interval '1 day'"
    " AND NOT EXISTS (SELECT FROM float_reading r WHERE r.reference = p.reference"
    "  AND r.said_at <= :at AND r.said_at > CAST(:at AS timestamptz) - interval '1 day')"
)
_DAYS = sa.text(
    "SELECT effective_on AS day, credit_cents::bigint AS out_cents FROM ledger.gl_daily"
    " WHERE gl_code = :float AND credit_cents > 0"
    " AND effective_on > (now() AT TIME ZONE 'Africa/Nairobi')::date - :days"
    " ORDER BY effective_on DESC"
)


def read(tx: Tx, *, reserve_cents: int = 0) -> FloatView | None:
    """How things stand now. None: M-PESA never told a balance.

    Args:
        tx: Where to look.
        reserve_cents: Below this no payout is begun.
    """
    reading = float_readings.newest(tx)
    if reading is None:
        return None
    hours = tuple(Hour(**row) for row in tx.execute(_HOURS, {"hours": HOURS}).mappings())
    since = tx.execute(_PAID_SINCE, {"at": reading.said_at}).scalar_one()
    promised = tx.execute(_PROMISED).scalar_one()
    spendable = reading.cents - since - promised
    return FloatView(
        reading=reading,
        paid_since_cents=since,
        promised_cents=promised,
        spendable_cents=spendable,
        hours=hours,
        forecast=float_forecast.forecast(
            spendable,
            last_day=[one.paid_cents for one in hours],
            reserve_cents=reserve_cents,
        ),
        is_old=clock.now() - reading.said_at > OLD,
    )


def days(tx: Tx) -> list[Day]:
    """What went out on each of the last days, the newest first. Days without any are left out."""
    rows = tx.execute(_DAYS, {"float": FLOAT_CODE, "days": DAYS})
    return [Day(row.day, row.out_cents, row.out_cents * GUARANTEE_PERCENT // 100) for row in rows]


def stopped(tx: Tx) -> Breaker | None:
    """The breaker, if payouts wait for the float."""
    now = breaker.current(tx)
    return now if now.cause is Cause.FLOAT else None
