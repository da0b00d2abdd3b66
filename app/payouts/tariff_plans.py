"""A tariff that somebody wants to load: what withdrawals cost until then, and what from then on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from app.db import Tx
from app.errors import Refused
from app.money import CENTS_PER_SHILLING, kes_short, shillings
from app.payouts import dated, limit_book, tariffs
from app.payouts.tariffs import COLUMNS, Band, Tariff

SAMPLES_CENTS = tuple(shillings(whole) for whole in (500, 5_000, 50_000))
"""Amounts that a preview shows the cost of."""


class NothingNew(Refused):
    """This tariff holds on that day already."""

    code = "TF-02"


@dataclass(frozen=True, slots=True)
class Step:
    """Amounts from `from_cents` to `to_cents`, ends included, and their fees before duty."""

    from_cents: int
    to_cents: int
    before_cents: int | None
    """None: nothing priced them."""
    after_cents: int | None

    @property
    def is_changed(self) -> bool:
        """Whether these amounts will cost something else."""
        return self.before_cents != self.after_cents


@dataclass(frozen=True, slots=True)
class Sample:
    """What one withdrawal costs its member, duty included."""

    amount_cents: int
    before_cents: int | None
    after_cents: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A tariff that somebody wants to load."""

    day: date
    """From which it shall hold."""
    before: tuple[Band, ...]
    """Empty: there is none."""
    after: tuple[Band, ...]
    basis_points: int | None
    """The duty of that day."""
    until: date | None
    """From which another tariff is loaded already."""

    @property
    def steps(self) -> list[Step]:
        """All amounts that either of them prices, in order."""
        bands = (*self.before, *self.after)
        ends = {one.to_cents + CENTS_PER_SHILLING for one in bands}
        edges = sorted({one.from_cents for one in bands} | ends)
        steps = [
            Step(low, high - CENTS_PER_SHILLING, _fee(self.before, low), _fee(self.after, low))
            for low, high in pairwise(edges)
        ]
        return [one for one in steps if (one.before_cents, one.after_cents) != (None, None)]

    @property
    def samples(self) -> list[Sample]:
        """What typical withdrawals cost."""
        return [
            Sample(
                cents,
                tariffs.cost_cents(self.before, self.basis_points, cents),
                tariffs.cost_cents(self.after, self.basis_points, cents),
            )
            for cents in SAMPLES_CENTS
        ]


def plan(tx: Tx, after: Sequence[Band], *, day: date) -> Plan:
    """What would change on a day, whether or not this tariff is sound."""
    rate = tariffs.excise_in_force(tx, day)
    later = [one.effective_from for one in tariffs.history(tx) if one.effective_from > day]
    return Plan(
        day=day,
        before=bands(tariffs.in_force(tx, day)),
        after=tuple(after),
        basis_points=None if rate is None else rate.basis_points,
        until=min(later, default=None),
    )


def sound(tx: Tx, after: Sequence[Band], *, day: date) -> Plan:
    """The same for a tariff that could be loaded now.

    Raises:
        InThePast: the day has passed.
        BadTariff: some amount that members may draw has no price in it.
        NothingNew: it holds on that day already.
    """
    found = plan(tx, after, day=dated.not_past(tx, day))
    limit_book.must_price(tx, after, since=day)
    if found.before == found.after:
        raise NothingNew(f"This tariff holds on {day} already.")
    return found


def bands(tariff: Tariff | None) -> tuple[Band, ...]:
    """The bands of a tariff, or of none."""
    return () if tariff is None else tariff.bands


def recorded(given: Sequence[Band]) -> list[list[int]]:
    """For the record: from, to and fee in cents."""
    return [[one.from_cents, one.to_cents, one.fee_cents] for one in given]


def from_record(given: Sequence[Sequence[int]]) -> tuple[Band, ...]:
    """The way back."""
    return tuple(Band(*one) for one in given)


def as_csv(given: Sequence[Band]) -> str:
    """As `tariffs.parse` reads it, in whole shillings; cents are refused when it is read."""
    rows = (",".join(_shillings(cents) for cents in one) for one in recorded(given))
    return "\n".join((",".join(COLUMNS), *rows))


def _shillings(cents: int) -> str:
    return kes_short(cents).removeprefix("KES ").replace(",", "")


def _fee(given: Sequence[Band], cents: int) -> int | None:
    found = (one.fee_cents for one in given if one.from_cents <= cents <= one.to_cents)
    return next(found, None)
