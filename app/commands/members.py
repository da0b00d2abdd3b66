"""`baraza members`: look a member up, bring members in, and decide what she may do by phone."""

import sys

import click

from app import audit, config, msisdn
from app.commands import configuring
from app.commands.members_import import import_file
from app.commands.members_show import accounts, show, who_argument
from app.commands.session import database
from app.members import standing
from app.members.pins import Pins
from app.members.standing import MANDATES, STATUSES, Mandate, Status
from app.operations import member_acts, member_file
from app.operations.member_acts import Act
from app.pin_rules import ID_DIGITS, is_digits


@click.group()
def members() -> None:
    """Look a member up, bring members in, decide what she may do by phone.

    \b
    baraza members import members.csv --dry-run
    baraza members show 0712345678
    baraza members pin-reset M00001 --reason "forgot it; ID seen at the branch"
    baraza members lock M00001 --reason "phone stolen, she called"

    Every act is kept on record with who did it and why; her phone is told.
    """  # noqa: D301 - \b is click's mark for lines that stay lines


members.add_command(show)
members.add_command(accounts)
members.add_command(import_file, "import")


@members.command()
@who_argument
@configuring.reason
@configuring.yes
def lock(who: str, *, reason: str, yes: bool) -> None:
    """Close her phone service: a lost phone, a suspicion. What was not sent yet is taken back."""
    _do(
        who,
        "Close the phone service of {member_no}?",
        lambda tx, member: standing.lock_phone(tx, member.id, reason=reason, by=audit.operator()),
        yes=yes,
        takes_back=True,
    )


@members.command()
@who_argument
@configuring.reason
@configuring.yes
def unlock(who: str, *, reason: str, yes: bool) -> None:
    """Open her phone service and every lock of her PIN, after looking at her ID."""
    _do(
        who,
        "Open the phone service of {member_no}?",
        lambda tx, member: standing.unlock(tx, member.id, reason=reason, by=audit.operator()),
        yes=yes,
    )


@members.command("pin-reset")
@who_argument
@configuring.reason
@configuring.yes
def pin_reset(who: str, *, reason: str, yes: bool) -> None:
    """Take her PIN away and send a start PIN by SMS, or send the first one.

    It opens only beside the last digits of the ID on file. After a reset little can be withdrawn
    for a while: `baraza limits show` says how much and how long.
    """
    valid_h = config.load().start_pin_valid_h
    _do(
        who,
        "Take the PIN of {member_no} away and send a start PIN?",
        lambda tx, member: standing.reset_pin(
            tx, member.id, reason=reason, by=audit.operator(), valid_h=valid_h
        ),
        yes=yes,
    )


@members.command()
@who_argument
@click.argument("new", type=click.Choice(STATUSES), metavar="STATUS")
@configuring.reason
@configuring.yes
def status(who: str, new: Status, *, reason: str, yes: bool) -> None:
    """Change her STATUS: active, dormant, deceased, exited, minor or court_lien.

    Only active members withdraw by phone. Under a court's lien the rest of the menu still works.
    """
    _do(
        who,
        f"Change the status of {{member_no}} from {{status}} to {new}?",
        lambda tx, member: standing.set_status(
            tx, member.id, new, reason=reason, by=audit.operator()
        ),
        yes=yes,
        takes_back=new != "active",
    )


@members.command()
@who_argument
@click.argument("new", type=click.Choice(MANDATES), metavar="MANDATE")
@configuring.reason
@configuring.yes
def mandate(who: str, new: Mandate, *, reason: str, yes: bool) -> None:
    """Change who signs: sole, or joint; then nothing is withdrawn by phone."""
    _do(
        who,
        f"Change the mandate of {{member_no}} from {{mandate}} to {new}?",
        lambda tx, member: standing.set_mandate(
            tx, member.id, new, reason=reason, by=audit.operator()
        ),
        yes=yes,
        takes_back=new != "sole",
    )


@members.command()
@who_argument
@click.argument("new", metavar="PHONE")
@configuring.reason
@configuring.yes
def number(who: str, new: str, *, reason: str, yes: bool) -> None:
    """Give her another phone number. Both phones are told.

    For a while little can be withdrawn, as after a PIN reset. A start PIN that was out is void.
    """
    try:
        parsed = msisdn.parse(new)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param_hint="PHONE") from None
    _do(
        who,
        f"Change the number of {{member_no}} from {{phone}} to {msisdn.mask(parsed)}?",
        lambda tx, member: standing.change_number(
            tx, member.id, parsed, reason=reason, by=audit.operator()
        ),
        yes=yes,
    )


@members.command("id")
@who_argument
@configuring.reason
def put_id(who: str, *, reason: str) -> None:
    """Put her ID on file: asks for its last four digits, which are kept as a keyed digest."""
    asked = f"Last {ID_DIGITS} digits of the ID"
    if sys.stdin.isatty():
        digits = str(click.prompt(asked, hide_input=True)).strip()
    else:
        digits = sys.stdin.readline().strip()
    if not is_digits(digits, ID_DIGITS):
        raise click.ClickException(f"give the last {ID_DIGITS} digits of the ID, nothing else")
    keeper = Pins(config.load().pin_pepper.get_secret_value())
    _do(
        who,
        "Put this ID on file for {member_no}?",
        lambda tx, member: standing.set_id(
            tx,
            member.id,
            keeper.id_check(member.id, digits),
            reason=reason,
            by=audit.operator(),
        ),
        yes=True,
    )


def _do(who: str, question: str, act: Act, *, yes: bool, takes_back: bool = False) -> None:
    """Ask; then act, and say what came of it."""
    with database() as db:
        with db.transaction() as tx:
            member = member_file.found(tx, who)
        facts = {
            "member_no": member.member_no,
            "status": member.status,
            "mandate": member.mandate,
            "phone": msisdn.mask(member.msisdn),
        }
        configuring.confirm(question.format(**facts), yes=yes)
        with db.transaction() as tx:
            done = member_acts.do(tx, member, act, takes_back=takes_back)
    told = f" SMS queued: {', '.join(done.told)}." if done.told else ""
    click.echo(f"Done for {member.member_no}, and kept on record.{told}{done.open_payout}")
