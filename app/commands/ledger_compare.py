"""`baraza ledger compare`: balances here beside those of the core banking system."""

import hashlib
import sys
from pathlib import Path

import click

from app import audit, csv_rows
from app.commands import output
from app.commands.ledger_batches import stop_at
from app.commands.session import database
from app.csv_rows import BYTES_MAX
from app.money import kes
from app.operations.books import comparison
from app.operations.books.comparison import Comparison

SHOWN_MAX = 50


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@output.as_json
def compare(file: Path, *, as_json: bool) -> None:
    """Compare every member's balance with a CSV FILE from the core banking system.

    \b
    member_no,balance,account
    M00001,50000.00,Savings
    M00002,12500,

    The account may be left out: Savings. Differences are listed worst first; exit code 1 if there
    are any. That it was done is kept on record. Changes nothing else.
    """  # noqa: D301 - \b is click's mark for lines that stay lines
    with file.open("rb") as opened:
        data = opened.read(BYTES_MAX + 1)
    records, faults = csv_rows.read(data, comparison.COLUMNS)
    there, wrong = comparison.understood(records)
    stop_at([*faults, *wrong])
    digest = hashlib.sha256(data).hexdigest()
    name = click.format_filename(file, shorten=True)
    with database() as db, db.transaction() as tx:
        made = comparison.compare(here=comparison.here(tx), there=there)
        comparison.keep(tx, made, file=name, sha256=digest, by=audit.operator())
    if as_json:
        output.print_json(made)
    else:
        _print(made)
    sys.exit(1 if made.differences else 0)


def _print(made: Comparison) -> None:
    click.echo(
        f"{made.equal:,} equal, {made.different:,} different, {made.missing_here:,} missing here,"
        f" {made.missing_there:,} missing there. Differences: {kes(made.difference_cents)}."
    )
    if not made.differences:
        return
    rows = [
        (
            one.member_no,
            one.account,
            "missing" if one.here_cents is None else kes(one.here_cents),
            "missing" if one.there_cents is None else kes(one.there_cents),
            kes(one.cents),
        )
        for one in made.differences[:SHOWN_MAX]
    ]
    columns = ("Member", "Account", "Here", "There", "More here")
    output.console().print(output.table(columns, rows, right=columns[2:]))
    if len(made.differences) > SHOWN_MAX:
        click.echo(f"... and {len(made.differences) - SHOWN_MAX:,} more; --json lists all.")
