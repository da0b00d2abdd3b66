"""`baraza ledger post, approve, reject, batches`: the SACCO's own books, by two people."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import click

from app import csv_rows
from app.clock import NAIROBI
from app.commands import configuring, output, progress
from app.commands.colleague import colleague, sign_in
from app.commands.session import database
from app.csv_rows import BYTES_MAX, Fault
from app.ledger.entries import FROM_BOOKS
from app.members import importing
from app.money import kes
from app.operations.books import batches as books
from app.operations.books import rows as row_checks
from app.operations.books.batches import Line
from app.staff.accounts import Role

ROLES = (Role.FINANCE, Role.MANAGER)
FAULTS_SHOWN_MAX = 200
WARNINGS_SHOWN_MAX = 20
FAULT_COLUMNS = ("Line", "Column", "Problem", "Cure")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@colleague
@configuring.yes
def post(file: Path, *, email: str, password_stdin: bool, yes: bool) -> None:
    """Propose what is in a CSV FILE (UTF-8). Another person must approve it.

    \b
    date,member_no,kind,amount,reference,account,narration
    2026-11-20,M00001,salary,42000.00,SAL-11-0001,Savings,November
    2026-11-21,M00001,withdrawal,500,CTR-0093,,
    2026-11-21,M00002,correction,-120.50,COR-0007,Holiday,charged twice

    Kinds: deposit, withdrawal (at the counter), salary, correction (may be negative). The account
    may be left out: Savings. Every row has a reference of its own, which is never posted twice.
    The whole file is taken or nothing of it. Members are sent no SMS.
    """  # noqa: D301 - \b is click's mark for lines that stay lines
    with file.open("rb") as opened:
        data = opened.read(BYTES_MAX + 1)
    digest = hashlib.sha256(data).hexdigest()
    records, faults = csv_rows.read(data, row_checks.COLUMNS)
    with database() as db:
        by = sign_in(db, email, password_stdin=password_stdin, roles=ROLES)
        with db.transaction() as tx:
            books.refuse_known_file(tx, digest)
            today = importing.now(tx).astimezone(NAIROBI).date()
            with progress.bar("Checking", len(records)) as bar:
                rows, wrong = row_checks.check(bar.each(records), today=today)
            lines, unplaced = books.place(tx, rows)
            short = books.short_of_money(tx, lines)
        stop_at([*faults, *wrong, *unplaced])
        _show(lines, short)
        configuring.confirm("Do these sums agree with your books? Propose them", yes=yes)
        name = click.format_filename(file, shorten=True)
        with db.transaction() as tx:
            batch = books.propose(tx, lines, file=name, sha256=digest, by=by)
    click.echo(
        f"Batch {batch} is proposed; nothing is posted yet. Somebody else:"
        f" `baraza ledger approve {batch} --as EMAIL`."
    )


@click.command()
@click.argument("number", type=click.IntRange(min=1))
@colleague
@configuring.yes
def approve(number: int, *, email: str, password_stdin: bool, yes: bool) -> None:
    """Post batch NUMBER, which somebody else proposed.

    \b
    baraza ledger approve 12 --as otieno@sacco.example
    """  # noqa: D301 - \b is click's mark for lines that stay lines
    with database() as db:
        by = sign_in(db, email, password_stdin=password_stdin, roles=ROLES)
        with db.transaction() as tx:
            lines = books.lines_of(tx, number)
            short = books.short_of_money(tx, lines)
        _show(lines, short)
        configuring.confirm(f"Post batch {number}", yes=yes)
        with progress.bar("Posting", len(lines)) as bar, db.transaction() as tx:
            books.approve(tx, number, by=by, advance=bar.advance)
    click.echo(f"Posted: {len(lines):,} lines of batch {number}.")


@click.command()
@click.argument("number", type=click.IntRange(min=1))
@configuring.reason
@colleague
def reject(number: int, *, reason: str, email: str, password_stdin: bool) -> None:
    """Let go of batch NUMBER. Its maker may do so too; the file can then be proposed again.

    \b
    baraza ledger reject 12 --as otieno@sacco.example --reason "salaries of October"
    """  # noqa: D301 - \b is click's mark for lines that stay lines
    with database() as db:
        by = sign_in(db, email, password_stdin=password_stdin, roles=ROLES)
        with db.transaction() as tx:
            books.reject(tx, number, by=by, reason=reason)
    click.echo(f"Batch {number} is rejected. Nothing of it was posted.")


@click.command()
@output.as_json
def batches(*, as_json: bool) -> None:
    """The latest batches, and which of them wait for a second person."""
    with database() as db, db.transaction() as tx:
        found = books.latest(tx)
    if as_json:
        output.print_json(found)
        return
    if not found:
        click.echo("No batch was ever proposed. `baraza ledger post FILE.csv --as EMAIL` does.")
        return
    rows = [
        (
            one.id,
            one.state,
            one.file,
            f"{one.lines:,}",
            kes(one.in_cents),
            kes(one.out_cents),
            f"{one.maker}, {output.moment(one.proposed_at)}",
            f"{one.checker}, {output.moment(one.decided_at)}" if one.checker else "",
            one.reason or "",
        )
        for one in found
    ]
    columns = ("No.", "State", "File", "Lines", "In", "Out", "Made by", "Decided by", "Reason")
    output.console().print(output.table(columns, rows, right=("No.", "Lines", "In", "Out")))


def _show(lines: Sequence[Line], short: Sequence[Fault]) -> None:
    """Totals by kind, and what would stop the posting as things stand."""
    rows = []
    for kind in FROM_BOOKS:
        of_kind = [line for line in lines if line.kind is kind]
        if of_kind:
            rows.append((kind.value, *_sums(of_kind)))
    rows.append(("all", *_sums(lines)))
    configuring.preview(("Kind", "Lines", "Accounts", "In", "Out"), rows)
    for fault in short[:WARNINGS_SHOWN_MAX]:
        click.echo(f"Warning: line {fault.line}: the amount {fault.problem}.")
    if len(short) > WARNINGS_SHOWN_MAX:
        click.echo(f"... and {len(short) - WARNINGS_SHOWN_MAX:,} more such lines.")
    if short:
        click.echo("Unless money comes in before, the batch cannot be approved.")


def _sums(lines: Sequence[Line]) -> tuple[str, str, str, str]:
    accounts = len({line.account for line in lines})
    coming = sum(line.cents for line in lines if line.cents > 0)
    going = -sum(line.cents for line in lines if line.cents < 0)
    return f"{len(lines):,}", f"{accounts:,}", kes(coming), kes(going)


def stop_at(faults: Sequence[Fault]) -> None:
    """List the rows that cannot be taken; go on only if there are none."""
    if not faults:
        return
    shown = sorted(faults)[:FAULTS_SHOWN_MAX]
    rows = [(f.line, f.column, f.problem, f.cure) for f in shown]
    output.console().print(output.table(FAULT_COLUMNS, rows, right=("Line",)))
    if len(faults) > len(shown):
        click.echo(f"... and {len(faults) - len(shown):,} more.")
    raise click.ClickException(f"{len(faults):,} rows have faults. Nothing was done.")
