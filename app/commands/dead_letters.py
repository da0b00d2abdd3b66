"""`baraza dead-letters`: payouts that a step of ours failed on every time; trying one again."""

import click

from app import audit
from app.commands import configuring, output
from app.commands.session import database
from app.payouts import poison


@click.group("dead-letters")
def dead_letters() -> None:
    """Payouts that made a step of ours fail every time. The money waits where it is.

    \b
    baraza dead-letters list
    baraza payouts show BRZ7K2M9QX
    baraza dead-letters retry BRZ7K2M9QX --reason "mended by release 1.4"

    A letter closes by itself once its payout was worked. None can be thrown away: what made the
    step fail would still be there.
    """  # noqa: D301 - \b is click's mark for lines that stay lines


@dead_letters.command("list")
@click.option("--all", "closed", is_flag=True, help="also those that are closed")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@output.as_json
def list_letters(*, closed: bool, limit: int, as_json: bool) -> None:
    """What waits for a person because of our own trouble, the oldest first."""
    with database() as db, db.transaction() as tx:
        found = poison.letters(tx, with_closed=closed, limit=limit)
    if as_json:
        output.print_json(found)
        return
    if not found:
        click.echo("There was never a dead letter." if closed else "There is no dead letter.")
        return
    rows = [
        (
            one.reference,
            one.state,
            one.step,
            one.reason,
            one.times,
            output.moment(one.first_seen),
            output.moment(one.last_seen),
            output.moment(one.closed_at),
        )
        for one in found
    ]
    columns = ("Payout", "State", "Step", "Reason", "Times", "First (Nairobi)", "Last", "Closed")
    output.console().print(output.table(columns, rows, right=("Times",)))


@dead_letters.command()
@click.argument("reference", metavar="REF")
@configuring.reason
def retry(reference: str, *, reason: str) -> None:
    """Try a payout once more that failed too often in a step of ours and waits for a person.

    This is about our own trouble: it never repeats a request that M-PESA may have.
    """
    named = reference.strip().upper()
    with database() as db, db.transaction() as tx:
        step = poison.revive(tx, named)
        audit.record(
            tx, "payout_retried", by=audit.operator(), reason=reason, reference=named, step=step
        )
    click.echo(f"{named} is tried again within seconds, in its step {step}.")
