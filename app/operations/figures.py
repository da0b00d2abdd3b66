"""The last 24 hours in figures: what ended how, how soon, what is in doubt, and the float."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.db import Tx

SLICE_MIN = 30
"""Of the first two pictures. 48 slices a day can be told apart on a small screen."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Payouts that were asked for within half an hour."""

    begins: datetime
    paid: int
    """By M-PESA, whatever became of it later."""
    given_back: int
    """Reversed, cancelled, or never debited."""
    open: int
    p50_s: float | None
    """From the member's PIN to M-PESA's word that it paid; None where none was paid."""
    p95_s: float | None


@dataclass(frozen=True, slots=True)
class Age:
    """Payouts that are in doubt for so long."""

    up_to_min: int | None
    """None: longer than any other."""
    count: int
    cents: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A balance of the float as M-PESA told it."""

    at: datetime
    cents: int


_SLICES = sa.text(
    """
    SELECT s.begins, count(*) FILTER (WHERE p.state IN (
               'paid', 'returned', 'recovery', 'recovered', 'written_off')) AS paid,
           count(*) FILTER (WHERE p.state IN ('reversed', 'cancelled', 'declined')) AS given_back,
           count(*) FILTER (WHERE p.state IN ('requested', 'approval', 'reserved', 'submitting',
                                              'submitted', 'in_doubt')) AS open,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY t.took) AS p50_s,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY t.took) AS p95_s
      FROM generate_series(date_bin(make_interval(mins => :slice), now(), 'epoch')
                           - interval '23 hours 30 minutes', now(),
                           make_interval(mins => :slice)) AS s(begins)
      LEFT JOIN payout p ON p.requested_at >= s.begins
                        AND p.requested_at < s.begins + make_interval(mins => :slice)
      LEFT JOIN LATERAL (SELECT extract(epoch FROM p.state_since - p.requested_at)::float AS took
                          WHERE p.state = 'paid') t ON true
     GROUP BY s.begins ORDER BY s.begins
    """
)
_DOUBTS = sa.text(
    """
    SELECT a.up_to_min, count(p.id) AS count, coalesce(sum(p.amount_cents), 0)::bigint AS cents
      FROM (VALUES (0, 5), (5, 60), (60, 1440), (1440, NULL)) AS a(from_min, up_to_min)
      LEFT JOIN payout p ON p.state = 'in_doubt'
                        AND p.state_since <= now() - make_interval(mins => a.from_min)
                        AND (a.up_to_min IS NULL
                             OR p.state_since > now() - make_interval(mins => a.up_to_min))
     GROUP BY a.from_min, a.up_to_min ORDER BY a.from_min
    """
)
# One reading a slice is enough for a picture: after each payout M-PESA tells one.
_FLOAT = sa.text(
    """
    SELECT DISTINCT ON (slice) said_at AS at, cents
      FROM (SELECT said_at, cents, id, date_bin(interval '15 minutes', said_at, 'epoch') AS slice
              FROM float_reading WHERE said_at > now() - interval '24 hours') r
     ORDER BY slice, said_at DESC, id DESC
    """
)


def slices(tx: Tx) -> list[Slice]:
    """48 half hours, the last of them under way."""
    rows = tx.execute(_SLICES, {"slice": SLICE_MIN}).mappings()
    return [Slice(**row) for row in rows]


def doubts(tx: Tx) -> list[Age]:
    """What is in doubt now: for five minutes, an hour, a day, longer."""
    return [Age(**row) for row in tx.execute(_DOUBTS).mappings()]


def float_readings(tx: Tx) -> list[Reading]:
    """The float through the day, the last reading of each quarter of an hour."""
    return [Reading(**row) for row in tx.execute(_FLOAT).mappings()]
