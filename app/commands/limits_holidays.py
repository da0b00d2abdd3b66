"""`baraza limits holidays`: the public holidays that quiet hours go by."""

from datetime import datetime

import click

from app import audit
from app.commands import configuring, output
from app.commands.session import database
from app.db import Tx
from app.payouts import dated, public_holidays
from app.payouts.public_holidays import Holiday

DAY = click.DateTime(["%Y-%m-%d"])


@click.group(invoke_without_command=True)
@output.as_json
@click.pass_context
def holidays(ctx: click.Context, *, as_json: bool) -> None:
    """List the public holidays from today on, or add one."""
    if ctx.invoked_subcommand is not None:
        return
    with database() as db, db.transaction() as tx:
        found = public_holidays.listed(tx, since=dated.today(tx))
    if as_json:
        output.print_json(found)
    elif found:
        rows = [(f"{one.day:%a %Y-%m-%d}", one.name, one.source) for one in found]
        output.console().print(output.table(("Day", "Holiday", "From"), rows))
    else:
        click.echo("None is known. The timekeeper fetches them daily, `holidays refresh` does now.")


@holidays.command()
@click.argument("day", type=DAY)
@click.argument("name")
@configuring.reason
@configuring.yes
def add(*, day: datetime, name: str, reason: str, yes: bool) -> None:
    """Add DAY, such as 2027-03-10, which the calendar does not have."""
    with database() as db:
        with db.transaction() as tx:
            holiday = Holiday(dated.not_past(tx, day.date()), name.strip(), "added")
        configuring.confirm(f"Add {holiday.day:%A %d %B %Y} as {holiday.name}?", yes=yes)
        with db.transaction() as tx:
            public_holidays.add(tx, day=holiday.day, name=holiday.name)
            _record(tx, "holiday_added", holiday, reason)
    click.echo(f"{holiday.day} is a public holiday.")


@holidays.command()
@click.argument("day", type=DAY)
@configuring.reason
@configuring.yes
def remove(*, day: datetime, reason: str, yes: bool) -> None:
    """Take away a DAY that was added by hand."""
    with database() as db:
        configuring.confirm(f"Take {day:%A %d %B %Y} away?", yes=yes)
        with db.transaction() as tx:
            dated.not_past(tx, day.date())
            gone = public_holidays.remove(tx, day=day.date())
            _record(tx, "holiday_removed", gone, reason)
    click.echo(f"{gone.day} is no public holiday any more.")


@holidays.command()
def refresh() -> None:
    """Bring this year's and the next one's calendar in, as the timekeeper does daily."""
    with database() as db, db.transaction() as tx:
        changed = public_holidays.upkeep(tx)
    click.echo(f"{changed} days changed." if changed else "Nothing changed.")


def _record(tx: Tx, action: str, holiday: Holiday, reason: str) -> None:
    audit.record(
        tx, action, by=audit.operator(), reason=reason, day=str(holiday.day), name=holiday.name
    )
