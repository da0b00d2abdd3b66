"""`baraza day`: close a day, look at its report, prove that nothing was changed since."""

import sys
from datetime import date, datetime
from typing import Any

import click

from app.commands import configuring, output
from app.commands.colleague import colleague, sign_in
from app.commands.session import database
from app.config import load
from app.money import kes
from app.operations.reconciliation import day as days
from app.operations.reconciliation.day import Closed
from app.staff.permissions import ROLES, Permission


class Day(click.ParamType[date]):
    """`2026-11-23`."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day."""
        try:
            return datetime.strptime(str(value), "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            self.fail(f"{value!r} is no day: type 2026-11-23", param, ctx)


@click.group()
def day() -> None:
    """Close a day once its statement is imported and everything agrees.

    \b
    baraza reconcile statement_2026-11-23.csv --as EMAIL
    baraza day close 2026-11-23 --as EMAIL
    baraza day verify 2026-11-23

    The report has the day's totals, what was explained and by whom, and the head of the books'
    hash chain. It is signed (Ed25519); send it out of the house each evening, to the auditor's
    mailbox for instance, and nobody can change the day unseen.
    """  # noqa: D301 - \b is click's mark for lines that stay lines


@day.command()
@click.argument("wanted", metavar="DAY", type=Day())
@colleague
@configuring.yes
def close(wanted: date, *, email: str, password_stdin: bool, yes: bool) -> None:
    """Close DAY. It is refused while a difference waits or a rule of the books is broken."""
    with database() as db:
        by = sign_in(db, email, password_stdin=password_stdin, roles=ROLES[Permission.SIGN_DAY])
        configuring.confirm(f"Close {wanted}; this cannot be undone", yes=yes)
        with db.transaction() as tx:
            days.seal_all(tx)
        with db.transaction() as tx:
            done = days.close(tx, wanted, secret=load().secret_key.get_secret_value(), by=by)
    _print(done)


@day.command("list")
@click.option("--limit", default=31, show_default=True, type=click.IntRange(1, 1000))
@output.as_json
def list_days(*, limit: int, as_json: bool) -> None:
    """The days closed last."""
    with database() as db, db.transaction() as tx:
        found = days.latest(tx, limit=limit)
    if as_json:
        output.print_json(found)
        return
    if not found:
        click.echo("No day was ever closed. `baraza day close DAY --as EMAIL` does.")
        return
    rows = [(one.day, output.moment(one.closed_at), one.closed_by, one.sha256) for one in found]
    output.console().print(output.table(("Day", "Closed (Nairobi)", "By", "SHA-256"), rows))


@day.command()
@click.argument("wanted", metavar="DAY", type=Day())
@output.as_json
def show(wanted: date, *, as_json: bool) -> None:
    """The report of DAY as it was signed."""
    with database() as db, db.transaction() as tx:
        found = days.show(tx, wanted)
    if as_json:
        output.print_json(found)
    else:
        _print(found)


@day.command()
@click.argument("wanted", metavar="DAY", type=Day())
def verify(wanted: date) -> None:
    """Check DAY's signature, the books' hash chain and the totals. Exit code 1 if one differs."""
    with database() as db, db.transaction() as tx:
        wrong = days.verify(tx, wanted, secret=load().secret_key.get_secret_value())
    for one in wrong:
        click.echo(f"{wanted}: {one}.")
    if not wrong:
        click.echo(f"{wanted} is as it was signed.")
    sys.exit(1 if wrong else 0)


def _print(closed: Closed) -> None:
    report = days.contents(closed)
    click.echo(f"{closed.day}, closed by {closed.closed_by} on {output.moment(closed.closed_at)}")
    configuring.preview(
        ("Payouts", "Number", "Amount", "With fee and duty"),
        [
            (one["state"], one["payouts"], kes(one["amount_cents"]), kes(one["total_cents"]))
            for one in report["payouts"]
        ],
    )
    configuring.preview(
        ("In the books", "Debit", "Credit"),
        [
            (f"{one['gl_code']} {one['name']}", kes(one["debit_cents"]), kes(one["credit_cents"]))
            for one in report["accounts"]
        ],
    )
    configuring.preview(
        ("M-PESA's statement", "Lines", "Sum"),
        [
            (one["kind"].replace("_", " "), one["lines"], kes(one["cents"]))
            for one in report["statement"]
        ],
    )
    for one in report["explained"]:
        why = f"{one['subject']} ({kes(one['cents'])}): {one['explanation']}"
        click.echo(f"Explained by {one['by']}: {why}")
    click.echo(f"{report['rules_that_hold']} rules of the books hold.")
    head = report["books"]["head"]
    if head:
        click.echo(f"Head of the books: block {head['block_no']}, {head['hash']}")
    click.echo(f"SHA-256    {closed.sha256}\nSignature  {closed.signature}")
    click.echo(f"Public key {closed.public_key}")
