"""`baraza payouts`: find a payout, and explain it in under a minute."""

import click
from rich.console import Console

from app import audit
from app.commands import configuring, output
from app.commands.session import database
from app.money import kes
from app.msisdn import parse
from app.operations import story
from app.operations.story import Story
from app.payouts import payees
from app.payouts.payees import Payee
from app.payouts.states import OPEN_STATES, State


@click.group()
def payouts() -> None:
    """Find a payout and see all that happened to it.

    \b
    baraza payouts list --state in_doubt
    baraza payouts list --member 0712345678
    baraza payouts show BRZ7K2M9QX
    baraza payouts payee-checked BRZ7K2M9QX --reason "maiden name; ID seen at the branch"
    """  # noqa: D301 - \b is click's mark for lines that stay lines


@payouts.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([*(str(state) for state in State), "open"]),
    metavar="STATE",
    help="only these, such as paid, reversed, in_doubt, or `open` for all that have not ended;"
    " may be repeated",
)
@click.option(
    "--member", "phone", metavar="PHONE", help="only those of the member with this phone number"
)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@output.as_json
def list_payouts(*, states: tuple[str, ...], phone: str | None, limit: int, as_json: bool) -> None:
    """The latest payouts, newest first."""
    wanted = [state for state in states if state != "open"]
    if "open" in states:
        wanted += sorted(OPEN_STATES)
    with database() as db, db.transaction() as tx:
        found = story.summaries(
            tx, states=wanted, msisdn=_number(phone) if phone else None, limit=limit
        )
    if as_json:
        output.print_json(found)
        return
    if not found:
        click.echo(
            "No payout fits."
            if wanted or phone
            else "No payouts yet. With the sandbox, `baraza dial +254712345678` makes one."
        )
        return
    rows = [
        (
            one.reference,
            f"{one.state} (frozen)" if one.frozen else one.state,
            kes(one.amount_cents),
            one.phone,
            one.receipt or "",
            output.moment(one.requested_at),
            output.moment(one.state_since),
        )
        for one in found
    ]
    columns = ("Payout", "State", "Amount", "Phone", "M-PESA", "Requested (Nairobi)", "Since")
    output.console().print(output.table(columns, rows, right=("Amount",)))


def _number(phone: str) -> str:
    try:
        return parse(phone)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param_hint="--member") from None


@payouts.command()
@click.argument("reference", metavar="REF")
@output.as_json
def show(reference: str, *, as_json: bool) -> None:
    """All about one payout: where the money is, what happened when, entries, SMS.

    REF is the reference that the member reads on screen and in the SMS, such as BRZ7K2M9QX.
    """
    with database() as db, db.transaction() as tx:
        told = story.tell(tx, reference.strip().upper())
    if told is None:
        raise click.ClickException(
            f"there is no payout {reference}; `baraza payouts list` shows the latest"
        )
    if as_json:
        output.print_json(told)
    else:
        _print(output.console(), told)


@payouts.command("payee-checked")
@click.argument("reference", metavar="REF")
@configuring.reason
def payee_checked(reference: str, *, reason: str) -> None:
    """Note that you looked: the number is the member's, whatever name M-PESA has for it.

    Ends the alert about this member and number for 180 days. REF is one of the payouts.
    """
    by = audit.operator()
    with database() as db, db.transaction() as tx:
        member_no = payees.checked(tx, reference.strip().upper(), reason=reason, by=by)
    click.echo(f"Noted. Payouts of {member_no} to this number raise no alert for 180 days.")


def _print(screen: Console, told: Story) -> None:
    # The money comes first: it is what a member on the telephone asks.
    screen.print(output.plain(told.money), style="bold")
    screen.print(
        output.plain(
            f"{told.reference} · {told.state} · member {told.member_no} · {told.phone} ·"
            f" {kes(told.amount_cents)} + fee {kes(told.fee_cents)} + duty {kes(told.duty_cents)}"
            f" = {kes(told.total_cents)}"
        )
    )
    screen.print(
        output.plain(
            f"At M-PESA: originator {told.originator_conversation_id},"
            f" conversation {told.conversation_id or 'none yet'}, receipt {told.receipt or 'none'}"
        )
    )
    if told.payee == Payee.OTHER:
        screen.print(
            "Payee: M-PESA has another name for this number than the member's. The number may have"
            " a new owner, or stand wrong in her file."
        )
    screen.print("\nWhat happened", style="bold")
    happened = [(output.moment(one.at), one.what, one.detail) for one in told.timeline]
    screen.print(output.table(("Nairobi", "What", ""), happened))
    screen.print("\nIn the books", style="bold")
    lines = [
        (
            output.moment(line.posted_at),
            line.kind,
            line.gl_name,
            kes(line.cents) if line.cents > 0 else "",
            kes(-line.cents) if line.cents < 0 else "",
        )
        for line in told.ledger
    ]
    screen.print(
        output.table(
            ("Nairobi", "Entry", "Account", "Debit", "Credit"), lines, right=("Debit", "Credit")
        )
        if lines
        else "No entries: nothing has been taken."
    )
    screen.print("\nWhat the member was told", style="bold")
    for sms in told.sms:
        state = f"{sms.state} ({sms.failure})" if sms.failure else sms.state
        screen.print(output.plain(f"{output.moment(sms.queued_at)}  {sms.kind}: {state}"))
        screen.print(output.plain(f"  {sms.text}"))
    if not told.sms:
        screen.print("No SMS yet: one goes out when the payout ends or M-PESA stays silent.")
