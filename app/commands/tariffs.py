"""`baraza tariffs`: what withdrawals cost members, by the day it holds from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from app import audit
from app.commands import configuring, output
from app.commands.configuring import ChangedMeanwhile, amount, day_of
from app.commands.session import database, owner_database
from app.money import kes_short
from app.payouts import dated, limit_book
from app.payouts import tariffs as book
from app.payouts.tariff_plans import SAMPLES_CENTS, recorded
from app.payouts.tariff_plans import bands as bands_of
from app.payouts.tariffs import Band, ExciseRate, Tariff

BASIS_POINTS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Prices:
    """What is in force today, and what has been put down for later."""

    today: date
    tariff: Tariff | None
    excise: ExciseRate | None
    later: tuple[date, ...]
    """Days from which another tariff or rate holds."""


@dataclass(frozen=True, slots=True)
class History:
    """Every entry there is, newest first."""

    tariffs: list[Tariff]
    excise: list[ExciseRate]


@click.group()
def tariffs() -> None:
    """What withdrawals cost members: fees by amount, and the excise duty on them.

    \b
    baraza tariffs show
    baraza tariffs load fees-2027.csv --from 2027-01-01 --reason "board minute 12"
    baraza tariffs excise 16 --from 2027-07-01 --reason "Finance Act 2027"

    A tariff is a CSV with the columns from,to,fee in whole shillings. Nothing is ever changed: what
    is in force is the newest entry for the day, so a mistake is mended by loading again.
    """  # noqa: D301 - \b is click's mark for lines that stay lines


@tariffs.command()
@output.as_json
def show(*, as_json: bool) -> None:
    """The tariff and the duty in force today."""
    with database() as db, db.transaction() as tx:
        today = dated.today(tx)
        starts = {t.effective_from for t in book.history(tx)}
        starts |= {rate.effective_from for rate in book.excise_history(tx)}
        found = Prices(
            today,
            book.in_force(tx, today),
            book.excise_in_force(tx, today),
            tuple(sorted(start for start in starts if start > today)),
        )
    if as_json:
        output.print_json(found)
        return
    if found.tariff is None:
        click.echo("No tariff is in force, so nobody can withdraw. `baraza tariffs load` sets one.")
    else:
        click.echo(f"In force since {found.tariff.effective_from}, before duty:")
        rows = [
            (kes_short(b.from_cents), kes_short(b.to_cents), kes_short(b.fee_cents))
            for b in found.tariff.bands
        ]
        configuring.preview(("From", "To", "Fee"), rows)
    click.echo(f"Excise duty on the fee: {_percent(found.excise)}.")
    if found.later:
        click.echo(f"Changes to come: {', '.join(map(str, found.later))}.")


@tariffs.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@configuring.since
@configuring.reason
@configuring.yes
def load(*, file: Path, since: date | None, reason: str, yes: bool) -> None:
    """Load a tariff from FILE, a CSV with the columns from,to,fee in whole shillings."""
    bands = _read(file)
    with owner_database() as db:
        with db.transaction() as tx:
            day = dated.not_past(tx, since)
            limit_book.must_price(tx, bands, since=day)
            before = book.in_force(tx, day)
            rate = book.excise_in_force(tx, day)
        was, will = _samples(bands_of(before), _rate(rate)), _samples(bands, _rate(rate))
        _preview(day, was, will)
        configuring.confirm(f"Load these {len(bands)} bands, to hold from {day}?", yes=yes)
        with db.transaction() as tx:
            if book.in_force(tx, day) != before:
                raise ChangedMeanwhile("another tariff was loaded meanwhile; look again")
            book.load(tx, bands, since=day)
            audit.record(
                tx,
                "tariff_loaded",
                by=audit.operator(),
                reason=reason,
                effective_from=str(day),
                before=recorded(bands_of(before)),
                after=recorded(bands),
            )
    click.echo(f"{len(bands)} bands are loaded and hold from {day}.")


@tariffs.command()
@click.argument("rate", metavar="PERCENT")
@configuring.since
@configuring.reason
@configuring.yes
def excise(*, rate: str, since: date | None, reason: str, yes: bool) -> None:
    """Set the excise duty on fees to PERCENT, such as 15 or 17.5."""
    basis_points = _basis_points(rate)
    with owner_database() as db:
        with db.transaction() as tx:
            day = dated.not_past(tx, since)
            before = book.excise_in_force(tx, day)
            bands = bands_of(book.in_force(tx, day))
        click.echo(f"Excise duty on the fee: {_percent(before)} now.")
        _preview(day, _samples(bands, _rate(before)), _samples(bands, basis_points))
        configuring.confirm(f"Set the duty to {rate} %, to hold from {day}?", yes=yes)
        with db.transaction() as tx:
            if book.excise_in_force(tx, day) != before:
                raise ChangedMeanwhile("another rate was set meanwhile; look again")
            book.set_excise(tx, basis_points, since=day)
            audit.record(
                tx,
                "excise_set",
                by=audit.operator(),
                reason=reason,
                effective_from=str(day),
                before=None if before is None else before.basis_points,
                after=basis_points,
            )
    click.echo(f"The excise duty is {rate} % of the fee from {day}.")


@tariffs.command()
@output.as_json
def history(*, as_json: bool) -> None:
    """Every tariff and rate that was, is or will be in force, newest first."""
    with database() as db, db.transaction() as tx:
        today = dated.today(tx)
        found = History(book.history(tx), book.excise_history(tx))
    if as_json:
        output.print_json(found)
        return
    rows = [
        *(
            (day_of(t.effective_from, today), f"tariff of {len(t.bands)} bands",
             output.moment(t.made_at))
            for t in found.tariffs
        ),
        *(
            (day_of(e.effective_from, today), f"excise duty {_percent(e)}",
             output.moment(e.made_at))
            for e in found.excise
        ),
    ]  # fmt: skip
    if not rows:
        click.echo("No tariff was ever loaded. `baraza tariffs load` sets one.")
        return
    output.console().print(output.table(("Holds from", "What", "Made (Nairobi)"), rows))


def _read(file: Path) -> tuple[Band, ...]:
    try:
        return book.parse(file.read_text("utf-8-sig").splitlines())
    except UnicodeDecodeError:
        raise click.ClickException(f"{file} is no text in UTF-8") from None


def _basis_points(rate: str) -> int:
    try:
        exact = Decimal(rate.strip().removesuffix("%")) * 100
    except InvalidOperation:
        exact = Decimal(-1)
    if not exact.is_finite() or exact != int(exact) or not 0 <= exact <= BASIS_POINTS_MAX:
        raise click.BadParameter("a percentage from 0 to 100 is needed, such as 15 or 17.5")
    return int(exact)


def _rate(excise: ExciseRate | None) -> int | None:
    return None if excise is None else excise.basis_points


def _samples(bands: Sequence[Band], basis_points: int | None) -> list[int | None]:
    return [book.cost_cents(bands, basis_points, cents) for cents in SAMPLES_CENTS]


def _preview(day: date, was: Sequence[int | None], will: Sequence[int | None]) -> None:
    """What typical withdrawals cost before and after, duty included."""
    rows = [
        (kes_short(sample), amount(before), amount(after))
        for sample, before, after in zip(SAMPLES_CENTS, was, will, strict=True)
    ]
    configuring.preview(("A withdrawal of", "costs until then", f"costs from {day}"), rows)


def _percent(rate: ExciseRate | None) -> str:
    return "none is set" if rate is None else f"{Decimal(rate.basis_points) / 100:f} %"
