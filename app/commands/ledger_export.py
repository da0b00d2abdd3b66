"""`baraza ledger export`: the journal as a file for accountants and auditors."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import click

from app.commands.session import database
from app.money import CENTS_PER_SHILLING, kes
from app.operations.books import journal
from app.operations.books.journal import Days, JournalLine

HEADER = (
    "posted_at",
    "effective_on",
    "entry_id",
    "kind",
    "reference",
    "account",
    "member_no",
    "debit",
    "credit",
)
DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--from", "first", type=DAY, required=True, metavar="DATE", help="first day, Nairobi")
@click.option("--to", "last", type=DAY, required=True, metavar="DATE", help="last day, included")
@click.option(
    "--output",
    "target",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="write there; standard output unless given",
)
def export(first: datetime, last: datetime, target: Path | None) -> None:
    """Write the journal of some days as CSV, one line a posting.

    \b
    baraza ledger export --from 2026-11-01 --to 2026-11-30 --output november.csv

    Days are those on which entries were posted; times are UTC, amounts shillings. Control totals go
    to standard error. Once days are over and sealed, their file is the same byte for byte.
    """  # noqa: D301 - \b is click's mark for lines that stay lines
    days = Days(first.date(), last.date())
    if days.last < days.first:
        raise click.BadParameter("is before --from", param_hint="--to")
    count, debit_cents, credit_cents = 0, 0, 0
    with database() as db, click.open_file(str(target or "-"), "w", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HEADER)
        with db.transaction() as tx:
            final = journal.is_final(tx, days)
            for line in journal.lines(tx, days):
                writer.writerow(_cells(line))
                count += 1
                debit_cents += max(line.cents, 0)
                credit_cents += max(-line.cents, 0)
    totals = f"{count:,} lines, debit {kes(debit_cents)}, credit {kes(credit_cents)}."
    click.echo(totals if count else "Nothing was posted on these days.", err=True)
    if not final:
        click.echo("Not all of it is sealed yet: the same days may have more later.", err=True)


def _cells(line: JournalLine) -> tuple[object, ...]:
    return (
        line.posted_at.astimezone(UTC).isoformat(timespec="microseconds"),
        line.effective_on,
        line.entry_id,
        line.kind,
        line.reference,
        line.account,
        line.member_no or "",
        _shillings(line.cents) if line.cents > 0 else "",
        _shillings(-line.cents) if line.cents < 0 else "",
    )


def _shillings(cents: int) -> str:
    whole, rest = divmod(cents, CENTS_PER_SHILLING)
    return f"{whole}.{rest:02d}"
