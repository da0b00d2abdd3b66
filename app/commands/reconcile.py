"""`baraza reconcile` and `baraza breaks`: our books beside M-PESA's statement."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from app.clock import nairobi
from app.commands import configuring, output
from app.commands.colleague import colleague, sign_in
from app.commands.ledger_batches import stop_at
from app.commands.session import database
from app.config import load
from app.csv_rows import BYTES_MAX
from app.money import kes
from app.operations.reconciliation import importing, matching
from app.operations.reconciliation.matching import Break
from app.providers import mpesa_statement
from app.providers.mpesa_statement import COMPLETED, Movement, Statement
from app.staff.permissions import ROLES, Permission

TITLES = {
    Movement.PAYMENT: "payments to customers",
    Movement.TAKEN_BACK: "payments taken back",
    Movement.MONEY_IN: "money in",
    Movement.CHARGE: "charges",
    Movement.MONEY_OUT: "other money out",
}


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@colleague
@configuring.yes
@output.as_json
def reconcile(file: Path, *, email: str, password_stdin: bool, yes: bool, as_json: bool) -> None:
    """Import M-PESA's statement from a CSV FILE, and list what does not agree with it.

    \b
    baraza reconcile statement_2026-11-23.csv --as amina@sacco.example

    Export it from M-PESA's organisation portal: the utility account, a whole day or more, with its
    heading and all columns. The whole file is taken or nothing of it; a line that an earlier file
    had is not taken twice. A payment on it settles a payout that is in doubt within seconds. That
    a payment is not on it moves nothing. Exit code 1 if anything does not agree.
    """  # noqa: D301 - \b is click's mark for lines that stay lines
    with file.open("rb") as opened:
        data = opened.read(BYTES_MAX + 1)
    statement, faults = mpesa_statement.read(data)
    stop_at(faults)
    with database() as db:
        by = sign_in(db, email, password_stdin=password_stdin, roles=ROLES[Permission.RECONCILE])
        if not as_json:
            _preview(statement)
        configuring.confirm("Import it", yes=yes)
        done = importing.bring_in(
            db,
            data,
            file=click.format_filename(file, shorten=True),
            shortcode=load().daraja_shortcode,
            by=by,
        )
        with db.transaction() as tx:
            found = matching.listed(tx, everything=False, limit=10_000)
    if as_json:
        output.print_json({"imported": done, "breaks": found})
    else:
        click.echo(
            f"Lines: {done.lines:,}, known before: {done.known:,}. Of the new ones: payments of"
            f" ours {done.payments:,}, top-ups booked {done.booked:,}, without a payout"
            f" {done.unplaced:,}, telling something new {done.told:,}."
        )
        if done.told:
            click.echo("What is new is weighed within seconds; then `baraza breaks list` again.")
        _print(found)
    sys.exit(1 if found else 0)


@click.group()
def breaks() -> None:
    """What our books and M-PESA's statements do not agree on.

    \b
    baraza breaks list
    baraza breaks explain 12 --reason "SACCO's own transfer, voucher 881" --as EMAIL

    A difference goes away by itself once the records agree.
    """  # noqa: D301 - \b is click's mark for lines that stay lines


@breaks.command("list")
@click.option("--all", "everything", is_flag=True, help="also those that are explained or over")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 10_000))
@output.as_json
def list_breaks(*, everything: bool, limit: int, as_json: bool) -> None:
    """Compare again, and list what waits for somebody, the oldest first."""
    with database() as db:
        with db.transaction() as tx:
            matching.match(tx)
        with db.transaction() as tx:
            found = matching.listed(tx, everything=everything, limit=limit)
    if as_json:
        output.print_json(found)
    else:
        _print(found)


@breaks.command()
@click.argument("number", type=click.IntRange(min=1))
@configuring.reason
@colleague
def explain(number: int, *, reason: str, email: str, password_stdin: bool) -> None:
    """Say why difference NUMBER needs no mending. It moves no money and stays on record."""
    with database() as db:
        by = sign_in(db, email, password_stdin=password_stdin, roles=ROLES[Permission.RECONCILE])
        with db.transaction() as tx:
            matching.explain(tx, number, reason=reason, by=by)
    click.echo(f"Difference {number} is explained.")


def _preview(statement: Statement) -> None:
    """What the file says, before anything is kept."""
    click.echo(
        f"Short code {statement.shortcode}, {nairobi(statement.covers_from)} to"
        f" {nairobi(statement.covers_to)}: {kes(statement.opening_cents)} to"
        f" {kes(statement.closing_cents)}."
    )
    rows = [
        (TITLES[one.kind], f"{one.lines:,}", kes(one.cents)) for one in importing.sums(statement)
    ]
    if idle := sum(one.status != COMPLETED for one in statement.lines):
        rows.append(("not completed", f"{idle:,}", ""))
    configuring.preview(("Lines", "Number", "Sum"), rows)


def _print(found: Sequence[Break]) -> None:
    if not found:
        click.echo("Everything agrees.")
        return
    rows = [
        (
            one.id,
            one.subject,
            one.what,
            one.detail,
            kes(one.cents),
            output.moment(one.opened_at),
            _stands(one),
        )
        for one in found
    ]
    columns = ("No.", "About", "What", "Detail", "Amount", "Since (Nairobi)", "Stands")
    output.console().print(output.table(columns, rows, right=("No.", "Amount")))
    for what, cure in {one.what: one.cure for one in found if not one.cleared_at}.items():
        click.echo(f"{what}: {cure}.")


def _stands(one: Break) -> str:
    if one.cleared_at is not None:
        return "over"
    return f"explained by {one.explained_by}: {one.explanation}" if one.explained_at else "open"
