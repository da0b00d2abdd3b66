"""How long the float lasts if the next day is like the last one. Pure: figures in, figures out."""

from collections.abc import Sequence
from dataclasses import dataclass

HOURS = 24
AMBER_HOURS, RED_HOURS = 4, 1
"""With less than so many hours left, somebody should top up soon, or at once."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is left at the end of each coming hour, in cents."""

    left_cents: tuple[int, ...]
    """Below zero it says how much is missing."""
    hours: float | None
    """Until no payout is begun any more; None: longer than the forecast reaches."""

    @property
    def sign(self) -> str:
        """`good`, `amber` or `red`."""
        if self.hours is None or self.hours >= AMBER_HOURS:
            return "good"
        return "amber" if self.hours >= RED_HOURS else "red"


def forecast(spendable_cents: int, *, last_day: Sequence[int], reserve_cents: int = 0) -> Forecast:
    """Take from what may be spent, hour by hour, what was paid out in the same hour yesterday.

    Args:
        spendable_cents: What is there now and not promised to a payout yet. May be negative.
        last_day: What was paid out in each of the last 24 hours, the oldest first, in cents. The
            first coming hour is taken to be at least like the last one, so that a rush shows.
        reserve_cents: Below this no payout is begun, so that it ends the hours that are left.
    """
    assert len(last_day) == HOURS
    expected = [max(last_day[0], last_day[-1]), *last_day[1:]]
    left = spendable_cents
    hours = 0.0 if left <= reserve_cents else None
    found = []
    for hour, cents in enumerate(expected):
        room = left - reserve_cents
        if hours is None and cents >= room:
            hours = round(hour + room / cents, 1)
        left -= cents
        found.append(left)
    return Forecast(tuple(found), hours)
