"""`baraza members import`: a file of members, as a whole or not at all."""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from app import audit, config, csv_rows, ids
from app.commands import configuring, output, progress
from app.commands.configuring import ChangedMeanwhile
from app.commands.session import database
from app.csv_rows import BYTES_MAX, Fault
from app.db import Database, Tx
from app.members import import_plan, importing, row_checks
from app.members.import_plan import Plan, Totals
from app.members.importing import NewMember
from app.members.pins import Pins
from app.members.row_checks import Row
from app.messages import outbox
from app.messages.outbox import Recipient
from app.money import kes

FAULTS_SHOWN_MAX = 50
FAULT_COLUMNS = ("Line", "Column", "Problem", "Cure")


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be done with which file."""

    name: str
    sha256: str
    start_pins: bool
    is_rehearsal: bool
    errors: Path | None


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="check and try everything, keep nothing")
@click.option(
    "--errors",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="write every fault to this CSV file",
)
@click.option("--no-start-pins", is_flag=True, help="send no start PINs to new members")
@configuring.yes
def import_file(
    file: Path, *, dry_run: bool, errors: Path | None, no_start_pins: bool, yes: bool
) -> None:
    """Bring members in from a CSV FILE (UTF-8), with accounts and opening balances.

    \b
    member_no,name,phone,id_number,opening_balance,account
    M00001,Wanjiru Kamau,0712345678,12345678,50000.00,Savings
    M00001,Wanjiru Kamau,0712345678,12345678,12500,Holiday

    One row is one account. These columns may be left out, the first value then holds: language (en,
    sw), status (active, dormant, deceased, exited, minor, court_lien), mandate (sole, joint),
    account (Savings), withdrawable (yes, no), receipts (balance, plain).
    The whole file is taken or nothing of it. The same file again changes nothing, and what is on
    file is never changed. Of ID numbers only the last four digits are kept, as a keyed digest.
    New active members are sent a start PIN.
    """  # noqa: D301 - \b is click's mark for lines that stay lines
    if errors is not None and errors.resolve() == file.resolve():
        raise click.BadParameter("that is the file of members itself", param_hint="--errors")
    with file.open("rb") as opened:
        data = opened.read(BYTES_MAX + 1)
    digest = hashlib.sha256(data).hexdigest()
    # A name in another encoding than the system's cannot go on record as it is.
    name = click.format_filename(file, shorten=True)
    order = _Order(name, digest, not no_start_pins, dry_run, errors)
    records, faults = csv_rows.read(data, row_checks.COLUMNS)
    with progress.bar("Checking", len(records)) as bar:
        rows, wrong = row_checks.check(bar.each(records))
    pins = Pins(config.load().pin_pepper.get_secret_value())
    with database() as db:
        with db.transaction() as tx:
            plan = import_plan.make(tx, pins, rows)
        _stop_at([*faults, *wrong, *plan.faults], order)
        totals = plan.totals
        _show(totals, start_pins=order.start_pins)
        if not totals.new_accounts:
            click.echo("All of it is on file already. Nothing to do.")
            return
        if not dry_run:
            configuring.confirm("Do these sums agree with your books? Import", yes=yes)
        sent = _import(db, pins, rows, totals, order)
    click.echo(_done(totals, sent, order))


def _import(db: Database, pins: Pins, rows: Sequence[Row], agreed: Totals, order: _Order) -> int:
    """Write all of it, or roll it back again. Returns how many start PINs were queued."""
    sent = 0
    with progress.bar("Writing", agreed.new_accounts) as bar, db.transaction() as tx:
        importing.one_at_a_time(tx)
        plan = import_plan.make(tx, pins, rows)
        if plan.faults or plan.totals != agreed:
            raise ChangedMeanwhile("members on file changed meanwhile; nothing was written")
        active = importing.write(tx, pins, plan, advance=bar.advance)
        if order.start_pins and active:
            sent = _send_start_pins(tx, active)
        _record(tx, plan, sent, order)
        if order.is_rehearsal:
            tx.rollback()
    return sent


def _send_start_pins(tx: Tx, members: Sequence[NewMember]) -> int:
    """Queue them. The timekeeper rings for what is in the outbox."""
    valid_h = config.load().start_pin_valid_h
    until = importing.let_start_pins_out(tx, members, valid_h=valid_h)
    at = importing.now(tx)
    recipients = [Recipient(ids.uuid7(at), m.id, m.msisdn, m.language) for m in members]
    return sum(
        outbox.queue_many(tx, "start_pin", some, {"until": until})
        for some in import_plan.batches(recipients)
    )


def _record(tx: Tx, plan: Plan, sent: int, order: _Order) -> None:
    totals = plan.totals
    audit.record(
        tx,
        "members_imported",
        by=audit.operator(),
        file=order.name,
        sha256=order.sha256,
        rows=totals.rows,
        members=totals.new_members,
        accounts=totals.new_accounts,
        opening_cents=totals.new_opening_cents,
        start_pins=sent,
    )


def _stop_at(faults: Sequence[Fault], order: _Order) -> None:
    """Show and write down what is wrong; go on only if nothing is."""
    faults = sorted(faults)
    if order.errors is not None:
        _write(order.errors, faults)
    if not faults:
        return
    lines = len({fault.line for fault in faults})
    rows = [(f.line, f.column, f.problem, f.cure) for f in faults[:FAULTS_SHOWN_MAX]]
    output.console().print(output.table(FAULT_COLUMNS, rows, right=("Line",)))
    hidden = len(faults) - len(rows)
    if hidden and order.errors is None:
        click.echo(f"... and {hidden:,} more; --errors FILE.csv writes all of them down.")
    elif order.errors is not None:
        click.echo(f"All {len(faults):,} are in {order.errors}.")
    raise click.ClickException(f"{lines:,} rows have faults. Nothing was written.")


def _write(path: Path, faults: Iterable[Fault]) -> None:
    """Also when there are none, so that no older list is taken for this one."""
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(name.lower() for name in FAULT_COLUMNS)
        writer.writerows((f.line, f.column, f.problem, f.cure) for f in faults)


def _show(totals: Totals, *, start_pins: bool) -> None:
    rows = [
        ("rows", f"{totals.rows:,}", f"{totals.new_accounts:,}"),
        ("members", f"{totals.members:,}", f"{totals.new_members:,}"),
        ("opening balances", kes(totals.opening_cents), kes(totals.new_opening_cents)),
        ("start PINs by SMS", "", f"{totals.start_pins if start_pins else 0:,}"),
    ]
    configuring.preview(("", "In the file", "New"), rows)


def _done(totals: Totals, sent: int, order: _Order) -> str:
    what = (
        f"{totals.new_members:,} members, {totals.new_accounts:,} accounts and"
        f" {kes(totals.new_opening_cents)}"
    )
    if order.is_rehearsal:
        return f"All of it can be imported: {what}. This was a dry run: nothing was kept."
    return f"Imported {what}, and kept on record. SMS queued: {sent:,} start PINs."
