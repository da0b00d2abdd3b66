"""`baraza alerts`: what is wrong now, what to do first, and who is at it."""

import sys
from collections.abc import Sequence

import click

from app import audit, config
from app.commands import configuring, output
from app.commands.session import database
from app.operations import alerting
from app.operations.alerting import Alert, Rule
from app.operations.notifying import Notifier
from app.providers.africastalking import Sms

LISTED_MAX = 200


@click.group()
def alerts() -> None:
    """What is wrong now, what to do first, and who is at it.

    \b
    baraza alerts list
    baraza alerts ack payout_frozen BRZ2345678 --reason "asking Safaricom"
    baraza alerts rules
    baraza alerts test

    An alert opens and clears by itself; to acknowledge it only says that somebody is at it. Who is
    told of one is set by ALERT_WEBHOOK_URL, ALERT_PHONES and ALERT_ESCALATION_PHONES.
    """  # noqa: D301 - \b is click's mark for lines that stay lines


@alerts.command("list")
@click.option("--all", "with_cleared", is_flag=True, help="those that are over, too")
@output.as_json
def show(*, with_cleared: bool, as_json: bool) -> None:
    """Show what is wrong now, worst first."""
    with database() as db, db.transaction() as tx:
        found = alerting.listed(tx, with_cleared=with_cleared, limit=LISTED_MAX)
    if as_json:
        output.print_json(found)
        return
    if not found:
        click.echo("Nothing is wrong.")
        return
    rows = [
        (
            one.severity,
            one.rule,
            one.subject,
            output.moment(one.opened_at),
            _state(one),
            one.detail,
        )
        for one in found
    ]
    columns = ("Severity", "Rule", "About", "Since (Nairobi)", "State", "Detail")
    output.console().print(output.table(columns, rows))
    for rule, do in dict.fromkeys((one.rule, one.do) for one in found if not one.cleared_at):
        click.echo(f"{rule}: {do}")


@alerts.command()
@click.argument("rule")
@click.argument("subject", required=False)
@configuring.reason
def ack(rule: str, subject: str | None, *, reason: str) -> None:
    """Say that you are at it: all of a RULE, or what it says about one SUBJECT."""
    with database() as db, db.transaction() as tx:
        subjects = alerting.acknowledge(tx, rule, subject, reason=reason, by=audit.operator())
    click.echo(f"Acknowledged, and kept on record: {rule} about {', '.join(subjects)}.")


@alerts.command()
@click.option("--markdown", is_flag=True, help="the table in app/docs/alerts.md")
@output.as_json
def rules(*, markdown: bool, as_json: bool) -> None:
    """Show all that is watched, and the first thing to do about each."""
    watched = alerting.rules()
    if markdown:
        click.echo(as_markdown(watched))
        return
    if as_json:
        output.print_json([(one.name, one.severity, one.do) for one in watched])
        return
    rows = [(one.severity, one.name, one.do) for one in watched]
    output.console().print(output.table(("Severity", "Rule", "Do first"), rows))


@alerts.command()
@output.as_json
def test(*, as_json: bool) -> None:
    """Send a test to the webhook and to every phone, and say what came of it.

    Exit code 1 if any could not be told, or if nobody would be. An accepted SMS is on its way; look
    at the phone.
    """
    settings = config.load()
    with database() as db:
        gateway = Sms.from_settings(settings)
        told = Notifier.from_settings(settings, db, gateway).test()
        with db.transaction() as tx:
            outcomes = {channel: outcome.told for channel, outcome in told.items()}
            audit.record(tx, "alert_channels_tested", by=audit.operator(), told=outcomes)
    if as_json:
        output.print_json(told)
    elif told:
        rows = [(name, "told" if one.told else one.reason) for name, one in told.items()]
        output.console().print(output.table(("Channel", "Outcome"), rows))
    else:
        click.echo("Nobody is told of alerts: set ALERT_WEBHOOK_URL or ALERT_PHONES.")
    sys.exit(0 if told and all(one.told for one in told.values()) else 1)


def as_markdown(watched: Sequence[Rule]) -> str:
    """Every rule in a table, pages first, as the page for people on duty shows it."""
    lines = ["| rule | severity | what it means | do first |", "|---|---|---|---|"]
    lines += [
        f"| `{one.name}` | {one.severity} | {one.means} | {one.do} |"
        for one in sorted(watched, key=lambda one: (one.severity, one.name))
    ]
    return "\n".join(lines)


def _state(alert: Alert) -> str:
    if alert.cleared_at:
        return "over"
    if alert.acknowledged_by:
        return alert.acknowledged_by
    return "open, escalated" if alert.escalated_at else "open"
