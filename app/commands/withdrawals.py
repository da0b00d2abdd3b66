"""`baraza withdrawals`: the switch that stops all withdrawals at once."""

from dataclasses import dataclass

import click

from app import audit
from app.commands import configuring, output
from app.commands.session import database
from app.money import kes
from app.payouts import switch
from app.payouts.switch import Stop, Waiting


@dataclass(frozen=True, slots=True)
class Status:
    """Whether withdrawals are stopped, and what waits unsent."""

    stopped: Stop | None
    waiting: Waiting


@click.group()
def withdrawals() -> None:
    """Stop all withdrawals at once, and let them go on.

    \b
    baraza withdrawals stop --reason "unusual volume at night"
    baraza withdrawals status
    baraza withdrawals resume --reason "checked with the branch"

    While they are stopped, members can still read balances and see where a withdrawal stands, and
    may cancel what was not sent. What was sent to M-PESA before is followed to its end.
    """  # noqa: D301 - \b is click's mark for lines that stay lines


# Neither asks back: a brake must work from a script and with shaking hands, and both are undone
# by the other.
@withdrawals.command()
@configuring.reason
def stop(*, reason: str) -> None:
    """Take no withdrawal in, debit none, and send none for the first time."""
    with database() as db, db.transaction() as tx:
        switch.stop(tx, reason=reason, by=audit.operator())
        waiting = switch.waiting(tx)
    click.echo(f"Withdrawals are stopped. {_told(waiting)}")


@withdrawals.command()
@configuring.reason
def resume(*, reason: str) -> None:
    """Let withdrawals go on. What waited is worked within seconds."""
    with database() as db, db.transaction() as tx:
        ended = switch.resume(tx, reason=reason, by=audit.operator())
        waiting = switch.waiting(tx)
    since = output.moment(ended.since)
    click.echo(f"Withdrawals go on; they had been stopped since {since}. {_told(waiting)}")


@withdrawals.command()
@output.as_json
def status(*, as_json: bool) -> None:
    """Whether withdrawals are stopped, since when, by whom, and how many wait."""
    with database() as db, db.transaction() as tx:
        found = Status(switch.stopped(tx), switch.waiting(tx))
    if as_json:
        output.print_json(found)
        return
    if found.stopped is None:
        click.echo(f"Withdrawals are not stopped. {_told(found.waiting)}")
        return
    stop = found.stopped
    click.echo(f"Withdrawals are stopped since {output.moment(stop.since)} by {stop.by}.")
    click.echo(f"Reason: {output.plain(stop.reason)}")
    click.echo(_told(found.waiting))


def _told(waiting: Waiting) -> str:
    if waiting.payouts == 0:
        return "None waits to be sent."
    are = "withdrawal waits" if waiting.payouts == 1 else "withdrawals wait"
    return f"{waiting.payouts} {are} to be sent, {kes(waiting.amount_cents)} together."
