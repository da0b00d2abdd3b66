"""`baraza sms`: what members were told, what did not reach them, and sending it once more."""

import click

from app import audit
from app.commands import output
from app.commands.session import database
from app.messages import listing, overview, resending
from app.messages.overview import Overview
from app.msisdn import mask, parse

ID_END_SHOWN = 8


@click.group()
def sms() -> None:
    """See what members were told, and what did not reach them.

    \b
    baraza sms list --payout BRZ7K2M9QX
    baraza sms list --failed
    baraza sms status
    baraza sms resend 4f0c91d2 --reason "her phone was off"
    """  # noqa: D301 - \b is click's mark for lines that stay lines


@sms.command("list")
@click.option("--payout", "reference", metavar="REF", help="only those about this payout")
@click.option("--phone", metavar="PHONE", help="only those to this number")
@click.option("--state", type=click.Choice(listing.STATES))
@click.option("--failed", is_flag=True, help="short for --state failed")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@output.as_json
def list_messages(
    *,
    reference: str | None,
    phone: str | None,
    state: str | None,
    failed: bool,
    limit: int,
    as_json: bool,
) -> None:
    """The latest SMS, newest first, with their texts."""
    if failed and state not in {None, "failed"}:
        raise click.UsageError(f"--failed and --state {state} exclude each other")
    with database() as db, db.transaction() as tx:
        found = listing.listed(
            tx,
            reference=reference.strip().upper() if reference else None,
            msisdn=_number(phone) if phone else None,
            state="failed" if failed else state,
            limit=limit,
        )
    if as_json:
        output.print_json(found)
        return
    if not found:
        click.echo("No SMS fits. One is queued when a payout ends, or a PIN is locked.")
        return
    rows = [
        (
            output.moment(m.queued_at),
            str(m.id)[-ID_END_SHOWN:],
            m.phone,
            m.kind,
            f"{m.state} ({m.failure})" if m.failure else m.state,
            m.text,
        )
        for m in found
    ]
    columns = ("Nairobi", "Id ends", "Phone", "Kind", "State", "Text")
    output.console().print(output.table(columns, rows))


def _number(phone: str) -> str:
    try:
        return parse(phone)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param_hint="--phone") from None


@sms.command()
@click.argument("message_id", metavar="ID")
@click.option("--reason", required=True, help="why, for the record")
def resend(message_id: str, *, reason: str) -> None:
    """Send an SMS once more, word for word, so that it reads as a repeat.

    ID is what `baraza sms list` shows, or more of it from `--json`.
    """
    if not reason.strip():
        raise click.BadParameter("say why", param_hint="--reason")
    with database() as db, db.transaction() as tx:
        sent = resending.resend(tx, message_id)
        audit.record(
            tx,
            "sms_resent",
            by=audit.operator(),
            member_no=sent.member_no,
            message=str(sent.id),
            kind=sent.kind,
            reference=sent.reference,
            reason=reason.strip(),
        )
    about = f" about {sent.reference}" if sent.reference else ""
    click.echo(f"The SMS ({sent.kind}){about} goes to {mask(sent.msisdn)} again.")


@sms.command()
@output.as_json
def status(*, as_json: bool) -> None:
    """What waits, what holds it up, what failed lately, and which numbers block us."""
    with database() as db, db.transaction() as tx:
        found = overview.read(tx)
    if as_json:
        output.print_json(found)
    else:
        _print(found)


def _print(found: Overview) -> None:
    screen = output.console()
    if found.paused:
        since, probe = output.moment(found.paused.since), output.moment(found.paused.probe_at)
        screen.print(
            output.plain(
                f"PAUSED since {since}: {found.paused.reason}. Top up the account at Africa's"
                f" Talking; the next SMS is tried at {probe}, and all others follow by themselves."
            ),
            style="bold red",
        )
    oldest = f", the oldest since {output.moment(found.oldest_queued_at)}" if found.waiting else ""
    bulk = f" ({found.waiting_bulk} of them start PINs of an import)" if found.waiting_bulk else ""
    screen.print(output.plain(f"Waiting: {found.waiting}{bulk}{oldest}"))
    screen.print(
        output.plain(f"Failed in the last 24 hours: {found.failed_last_day}"),
        output.plain("(baraza sms list --failed)" if found.failed_last_day else ""),
    )
    screen.print(output.plain(f"Numbers that block our sender: {found.blocked_count}"))
    if found.blocked:
        rows = [(b.member_no or "", b.phone, output.moment(b.since)) for b in found.blocked]
        screen.print(output.table(("Member", "Phone", "Since (Nairobi)"), rows))
        screen.print("A member on Safaricom allows our SMS again with *456*9#.")
