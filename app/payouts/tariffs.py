"""Tariffs and the rate of excise duty: what is in force, what was, and adding the next."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from app.db import Tx
from app.errors import Refused
from app.money import CENTS_PER_SHILLING, kes_short, rate_bp, shillings
from app.payouts.limits import Limits

COLUMNS = ("from", "to", "fee")
BANDS_MAX = 200
SHILLINGS_MAX = 10_000_000


class BadTariff(Refused):
    """A table that would leave a fee to chance, or an amount without one."""

    code = "TF-01"


@dataclass(frozen=True, slots=True)
class Band:
    """Amounts from `from_cents` to `to_cents`, ends included, cost `fee_cents` before duty."""

    from_cents: int
    to_cents: int
    fee_cents: int


@dataclass(frozen=True, slots=True)
class Tariff:
    """A whole table of fees."""

    effective_from: date
    made_at: datetime
    bands: tuple[Band, ...]
    """By amount."""


@dataclass(frozen=True, slots=True)
class ExciseRate:
    """The rate of duty on fees."""

    effective_from: date
    made_at: datetime
    basis_points: int


_NEWEST = " ORDER BY effective_from DESC, id DESC"
_TARIFFS = (
    "SELECT t.effective_from, t.made_at, b.from_cents, b.to_cents, b.fee_cents, t.id"
    " FROM tariff t LEFT JOIN tariff_band b ON b.tariff_id = t.id"
)
_IN_FORCE = sa.text(
    f"{_TARIFFS} WHERE t.id = (SELECT id FROM tariff WHERE effective_from <= :day"  # noqa: S608 - constants
    f" {_NEWEST} LIMIT 1) ORDER BY b.from_cents"
)
_ALL = sa.text(_TARIFFS + " ORDER BY t.effective_from DESC, t.id DESC, b.from_cents")
_EXCISE = "SELECT effective_from, made_at, basis_points FROM excise_rate"


def parse(lines: Iterable[str]) -> tuple[Band, ...]:
    """The bands of a CSV with the columns `from`, `to` and `fee`, in whole shillings.

    Raises:
        BadTariff: a line cannot be read, or bands overlap or leave a gap; every fault is named.
    """
    table = csv.DictReader(lines)
    names = [(name or "").strip().lower() for name in table.fieldnames or ()]
    if names != list(COLUMNS):
        raise BadTariff(f"the first line must be `{','.join(COLUMNS)}`, in whole shillings")
    table.fieldnames = names
    faults: list[str] = []
    bands: list[Band] = []
    for row in table:
        try:
            band = Band(*(shillings(_whole(row[name])) for name in COLUMNS))
        except (ValueError, TypeError, AttributeError):
            faults.append(f"line {table.line_num}: three numbers of whole shillings are needed")
            continue
        if band.from_cents == 0 or band.from_cents > band.to_cents:
            faults.append(f"line {table.line_num}: `from` must be at least 1 and at most `to`")
        bands.append(band)
    if not faults:
        faults = [fault for one, other in pairwise(bands) if (fault := _fault(one, other))]
    if not bands or len(bands) > BANDS_MAX:
        faults.append(f"a tariff has 1 to {BANDS_MAX} bands, this has {len(bands)}")
    if faults:
        raise BadTariff("; ".join(faults))
    return tuple(bands)


def _whole(text: str) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()) or int(digits) > SHILLINGS_MAX:
        raise ValueError
    return int(digits)


def _fault(one: Band, other: Band) -> str | None:
    """What is wrong between two bands that follow each other."""
    if other.from_cents == one.to_cents + CENTS_PER_SHILLING:
        return None
    if other.from_cents <= one.to_cents:
        return (
            f"the bands from {kes_short(one.from_cents)} and {kes_short(other.from_cents)} overlap"
        )
    between = f"{kes_short(one.to_cents)} and {kes_short(other.from_cents)}"
    return f"nothing prices the amounts between {between}"


def unpriced(bands: Sequence[Band], limits: Limits) -> str | None:
    """Which amounts that a member may ask for have no price, in words, if there are any.

    The bands follow each other without a gap.
    """
    low, high = bands[0].from_cents, bands[-1].to_cents
    if low <= limits.minimum_cents and limits.maximum_cents <= high:
        return None
    return (
        f"members may draw {kes_short(limits.minimum_cents)} to"
        f" {kes_short(limits.maximum_cents)}, and the tariff prices {kes_short(low)} to"
        f" {kes_short(high)} only"
    )


def in_force(tx: Tx, day: date) -> Tariff | None:
    """The tariff of a day, if there is one."""
    found = _tariffs(tx.execute(_IN_FORCE, {"day": day}).all())
    return found[0] if found else None


def history(tx: Tx) -> list[Tariff]:
    """Every tariff that ever was or will be in force, newest first."""
    return _tariffs(tx.execute(_ALL).all())


def _tariffs(rows: Sequence[sa.Row[Any]]) -> list[Tariff]:
    tables: dict[int, tuple[date, datetime, list[Band]]] = {}
    for row in rows:
        bands = tables.setdefault(row.id, (row.effective_from, row.made_at, []))[2]
        if row.from_cents is not None:
            bands.append(Band(row.from_cents, row.to_cents, row.fee_cents))
    return [Tariff(since, made_at, tuple(bands)) for since, made_at, bands in tables.values()]


def load(tx: Tx, bands: Sequence[Band], *, since: date) -> None:
    """Add a tariff. Only the database's owner may.

    Quotes that members have seen keep their fee.
    """
    tariff_id = tx.scalar(
        sa.text("INSERT INTO tariff (effective_from) VALUES (:since) RETURNING id"),
        {"since": since},
    )
    tx.execute(
        sa.text(
            "INSERT INTO tariff_band (tariff_id, from_cents, to_cents, fee_cents)"
            " VALUES (:tariff, :low, :high, :fee)"
        ),
        [
            {"tariff": tariff_id, "low": b.from_cents, "high": b.to_cents, "fee": b.fee_cents}
            for b in bands
        ],
    )


def excise_in_force(tx: Tx, day: date) -> ExciseRate | None:
    """The rate of duty of a day, if there is one."""
    row = tx.execute(
        sa.text(f"{_EXCISE} WHERE effective_from <= :day{_NEWEST} LIMIT 1"), {"day": day}
    ).one_or_none()
    return None if row is None else ExciseRate(*row)


def excise_history(tx: Tx) -> list[ExciseRate]:
    """Every rate that ever was or will be in force, newest first."""
    return [ExciseRate(*row) for row in tx.execute(sa.text(_EXCISE + _NEWEST))]


def set_excise(tx: Tx, basis_points: int, *, since: date) -> None:
    """Add a rate of duty. Only the database's owner may."""
    tx.execute(
        sa.text(
            "INSERT INTO excise_rate (effective_from, basis_points) VALUES (:since, :basis_points)"
        ),
        {"since": since, "basis_points": basis_points},
    )


def cost_cents(bands: Sequence[Band], basis_points: int | None, amount_cents: int) -> int | None:
    """What an amount costs its member, duty included; None where nothing prices it."""
    fees = (b.fee_cents for b in bands if b.from_cents <= amount_cents <= b.to_cents)
    fee = next(fees, None)
    if fee is None or basis_points is None:
        return None
    return fee + rate_bp(fee, basis_points=basis_points)
