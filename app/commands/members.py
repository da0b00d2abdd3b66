"""`baraza members`: look a member up, bring members in, and decide what she may do by phone."""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime

import click
import sqlalchemy as sa

from app import audit, config, ids, msisdn
from app.commands import configuring
from app.commands.members_import import import_file
from app.commands.members_show import accounts, found, show, who_argument
from app.commands.session import database
from app.db import Tx
from app.members import standing
from app.members.directory import Member
from app.members.pins import Pins
from app.members.standing import MANDATES, STATUSES, Mandate, Notice, Status
from app.messages import outbox
from app.payouts import cancel, claims, intake
from app.payouts.states import OPEN_STATES
from app.pin_rules import ID_DIGITS, is_digits

Act = Callable[[Tx, Member], Sequence[Notice]]


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
    """Ask; then act and queue what her phone is told, in one database transaction.

    `takes_back`: after the act she may not withdraw, so what was asked for before and not sent
    yet must not go out either.
    """
    with database() as db:
        with db.transaction() as tx:
            member = found(tx, who)
        facts = {
            "member_no": member.member_no,
            "status": member.status,
            "mandate": member.mandate,
            "phone": msisdn.mask(member.msisdn),
        }
        configuring.confirm(question.format(**facts), yes=yes)
        with db.transaction() as tx:
            notices = act(tx, member)
            at = tx.scalar(sa.select(sa.func.now()))
            assert isinstance(at, datetime)
            for notice in notices:
                tell(tx, member, notice, at=at)
            open_one = _take_back(tx, member) if takes_back else ""
    told = f" SMS queued: {', '.join(notice.kind for notice in notices)}." if notices else ""
    click.echo(f"Done for {member.member_no}, and kept on record.{told}{open_one}")


def _take_back(tx: Tx, member: Member) -> str:
    """Cancel her withdrawal that was not sent yet. A sentence about it, or about one that was."""
    opened = intake.open_payout(tx, member.id)
    payout = None if opened is None else claims.take_one(tx, opened.reference)
    if payout is None or payout.state not in OPEN_STATES:
        return ""
    if not cancel.can_cancel(tx, payout):
        return f" {payout.reference} was sent to M-PESA before and cannot be taken back."
    cancel.unsent(tx, payout, cause="staff closed the member's access", reason="us")
    return f" {payout.reference} was not sent yet and is taken back."


def tell(tx: Tx, member: Member, notice: Notice, *, at: datetime) -> None:
    """Queue a notice. The timekeeper rings for it."""
    outbox.queue(
        tx,
        notice.kind,
        message_id=ids.uuid7(at),
        member_id=member.id,
        msisdn=notice.msisdn,
        language=member.language,
        facts=notice.facts,
    )
