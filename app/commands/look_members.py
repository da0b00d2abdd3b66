"""`baraza members` and `baraza sms`: a member as the help desk needs her, and what she was told."""

from dataclasses import dataclass
from datetime import datetime

import click
import sqlalchemy as sa

from app.commands import output
from app.commands.session import database
from app.db import Tx
from app.ledger import statements
from app.members import directory
from app.money import kes
from app.msisdn import mask, parse
from app.operations import story
from app.operations.story import Summary

PAYOUTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Account:
    """A savings account and what may be taken out of it."""

    account_id: int
    product: str
    available_cents: int


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member without anything that names her or lets anybody call her."""

    member_no: str
    phone: str
    """Masked."""
    language: str
    status: str
    has_pin: bool
    pin_locked_until: datetime | None
    accounts: tuple[Account, ...]
    payouts: tuple[Summary, ...]
    """The latest."""


@dataclass(frozen=True, slots=True)
class MessageView:
    """One SMS."""

    queued_at: datetime
    phone: str
    """Masked."""
    kind: str
    state: str
    attempts: int
    reference: str | None
    text: str
    failure: str | None


@click.group()
def members() -> None:
    """Look a member up.

    \b
    baraza members show 0712345678
    baraza members show M00001
    """  # noqa: D301 - \b is click's mark for lines that stay lines


@members.command()
@click.argument("who", metavar="PHONE_OR_NO")
@output.as_json
def show(who: str, *, as_json: bool) -> None:
    """Status, PIN, accounts and latest payouts of one member, by phone or member number."""
    with database() as db, db.transaction() as tx:
        found = _find(tx, who)
    if found is None:
        raise click.ClickException(
            "no member has this phone or member number; numbers look like 0712345678 or M00001"
        )
    if as_json:
        output.print_json(found)
        return
    screen = output.console()
    pin = "no PIN yet" if not found.has_pin else "has a PIN"
    if found.pin_locked_until is not None:
        pin = f"PIN locked until {output.moment(found.pin_locked_until)}"
    screen.print(
        output.plain(
            f"Member {found.member_no} · {found.phone} · {found.language} · {found.status}"
        ),
        output.plain(f"· {pin}"),
    )
    accounts = [(a.account_id, a.product, kes(a.available_cents)) for a in found.accounts]
    screen.print(output.table(("Account", "Product", "Available"), accounts, right=("Available",)))
    latest = [
        (p.reference, p.state, kes(p.amount_cents), output.moment(p.requested_at))
        for p in found.payouts
    ]
    screen.print(
        output.table(("Payout", "State", "Amount", "Requested (Nairobi)"), latest)
        if latest
        else "No payouts yet."
    )


def _find(tx: Tx, who: str) -> MemberView | None:
    try:
        msisdn = parse(who)
    except ValueError:
        msisdn = ""
    row = tx.execute(
        sa.text(
            "SELECT id, member_no, msisdn, language, status, pin_hash IS NOT NULL AS has_pin,"
            " CASE WHEN pin_locked_until > now() THEN pin_locked_until END AS locked_until"
            " FROM member WHERE msisdn = :msisdn OR member_no = :who"
            " ORDER BY member_no = :who DESC LIMIT 1"
        ),
        {"msisdn": msisdn, "who": who.strip()},
    ).one_or_none()
    if row is None:
        return None
    return MemberView(
        member_no=row.member_no,
        phone=mask(row.msisdn),
        language=row.language,
        status=row.status,
        has_pin=row.has_pin,
        pin_locked_until=row.locked_until,
        accounts=tuple(
            Account(a.account_id, a.product, statements.available(tx, a.account_id))
            for a in directory.accounts(tx, row.id)
        ),
        payouts=tuple(story.summaries(tx, msisdn=row.msisdn, limit=PAYOUTS_SHOWN)),
    )


@click.group()
def sms() -> None:
    """See what members were told.

    \b
    baraza sms list --payout BRZ7K2M9QX
    baraza sms list --state failed
    """  # noqa: D301 - \b is click's mark for lines that stay lines


@sms.command("list")
@click.option("--payout", "reference", metavar="REF", help="only those about this payout")
@click.option("--state", type=click.Choice(["queued", "accepted", "delivered", "failed"]))
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@output.as_json
def list_messages(*, reference: str | None, state: str | None, limit: int, as_json: bool) -> None:
    """The latest SMS, newest first, with their texts."""
    with database() as db, db.transaction() as tx:
        found = _messages(tx, reference=reference, state=state, limit=limit)
    if as_json:
        output.print_json(found)
        return
    if not found:
        click.echo("No SMS fits. One is queued when a payout ends, or a PIN is locked.")
        return
    rows = [
        (
            output.moment(m.queued_at),
            m.phone,
            m.kind,
            f"{m.state} ({m.failure})" if m.failure else m.state,
            m.text,
        )
        for m in found
    ]
    output.console().print(output.table(("Nairobi", "Phone", "Kind", "State", "Text"), rows))


def _messages(tx: Tx, *, reference: str | None, state: str | None, limit: int) -> list[MessageView]:
    rows = tx.execute(
        sa.text(
            "SELECT m.queued_at, m.msisdn, m.kind, m.state, m.attempts, p.reference, m.body,"
            " m.failure FROM message m LEFT JOIN payout p ON p.id = m.payout_id"
            " WHERE (CAST(:reference AS text) IS NULL OR p.reference = :reference)"
            " AND (CAST(:state AS text) IS NULL OR m.state = :state)"
            " ORDER BY m.queued_at DESC, m.id DESC LIMIT :limit"
        ),
        {
            "reference": reference.strip().upper() if reference else None,
            "state": state,
            "limit": limit,
        },
    )
    return [
        MessageView(
            queued_at=row.queued_at,
            phone=mask(row.msisdn),
            kind=row.kind,
            state=row.state,
            attempts=row.attempts,
            reference=row.reference,
            text=row.body,
            failure=row.failure,
        )
        for row in rows
    ]
