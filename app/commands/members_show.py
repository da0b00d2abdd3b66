"""`baraza members show`: a member as the help desk needs her."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import click
import sqlalchemy as sa
from rich.table import Table

from app.commands import output
from app.commands.session import database
from app.db import Tx
from app.ledger import statements
from app.members import directory
from app.members.directory import Member
from app.members.standing import NoSuchMember
from app.money import kes
from app.msisdn import mask, parse
from app.operations import story
from app.operations.story import Summary

who_argument = click.argument("who", metavar="PHONE_OR_NO")
PAYOUTS_SHOWN = 5
ACTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Account:
    """A savings account and what may be taken out of it."""

    account_id: int
    name: str
    product: str
    withdrawable: bool
    available_cents: int


@dataclass(frozen=True, slots=True)
class Act:
    """Something that was done to her file."""

    at: datetime
    action: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member without anything that names her or lets anybody call her."""

    member_no: str
    phone: str
    """Masked."""
    language: str
    status: str
    mandate: str
    pin: str
    """none, start (a start PIN is out), expired (it ran out), own."""
    has_id_on_file: bool
    pin_locked_until: datetime | None
    start_pin_until: datetime | None
    pin_reset_at: datetime | None
    number_changed_at: datetime | None
    phone_locked_at: datetime | None
    phone_lock_reason: str | None
    receipt_balance: bool
    sms_blocked_since: datetime | None
    """Since when she, or her network, refuses our SMS."""
    accounts: tuple[Account, ...]
    payouts: tuple[Summary, ...]
    """The latest."""
    acts: tuple[Act, ...]
    """The latest of staff, of operators and of herself."""


_MEMBER = sa.text(
    "SELECT m.*, b.blocked_at FROM member m LEFT JOIN sms_block b ON b.msisdn = m.msisdn"
    " WHERE m.id = :id"
)
_ACTS = sa.text(
    "SELECT at, action, coalesce(detail->>'by', source) AS by,"
    " coalesce(detail->>'reason', '') AS reason"
    " FROM staff_action WHERE detail ? 'member_no' AND detail->>'member_no' = :member_no"
    " ORDER BY id DESC LIMIT :limit"
)


@click.command()
@who_argument
@output.as_json
def show(who: str, *, as_json: bool) -> None:
    """Standing, PIN, accounts, payouts and acts of one member, by phone or member number."""
    with database() as db, db.transaction() as tx:
        view = _view(tx, found(tx, who))
    if as_json:
        output.print_json(view)
        return
    _print(view)


@click.command()
@who_argument
@output.as_json
def accounts(who: str, *, as_json: bool) -> None:
    """Her accounts, what each holds, and which of them can be drawn from by phone."""
    with database() as db, db.transaction() as tx:
        held = _accounts(tx, found(tx, who))
    if as_json:
        output.print_json(held)
        return
    output.console().print(_table(held) if held else "No accounts yet.")


def found(tx: Tx, who: str) -> Member:
    """The member with this phone or member number.

    Raises:
        NoSuchMember: there is none; the message says what numbers look like.
    """
    member = directory.by_number(tx, who.strip())
    if member is None:
        try:
            member = directory.by_msisdn(tx, parse(who))
        except ValueError:
            member = None
    if member is None:
        raise NoSuchMember(
            "no member has this phone or member number; numbers look like 0712345678 or M00001"
        )
    return member


def _accounts(tx: Tx, member: Member) -> tuple[Account, ...]:
    return tuple(
        Account(
            a.account_id, a.name, a.product, a.withdrawable, statements.available(tx, a.account_id)
        )
        for a in directory.accounts(tx, member.id)
    )


def _view(tx: Tx, member: Member) -> MemberView:
    row = tx.execute(_MEMBER, {"id": member.id}).one()
    now = tx.scalar(sa.select(sa.func.now()))
    assert isinstance(now, datetime)
    locked = row.pin_locked_until is not None and row.pin_locked_until > now
    acts = tx.execute(_ACTS, {"member_no": row.member_no, "limit": ACTS_SHOWN})
    return MemberView(
        member_no=row.member_no,
        phone=mask(row.msisdn),
        language=row.language,
        status=row.status,
        mandate=row.mandate,
        pin=member.pin,
        has_id_on_file=row.id_check is not None,
        pin_locked_until=row.pin_locked_until if locked else None,
        start_pin_until=row.start_pin_until,
        pin_reset_at=row.pin_reset_at,
        number_changed_at=row.number_changed_at,
        phone_locked_at=row.phone_locked_at,
        phone_lock_reason=row.phone_lock_reason,
        receipt_balance=row.receipt_balance,
        sms_blocked_since=row.blocked_at,
        accounts=_accounts(tx, member),
        payouts=tuple(story.summaries(tx, msisdn=row.msisdn, limit=PAYOUTS_SHOWN)),
        acts=tuple(Act(*act) for act in acts),
    )


def _print(view: MemberView) -> None:
    screen = output.console()
    screen.print(
        output.plain(
            f"Member {view.member_no} · {view.phone} · {view.language} · {view.status}"
            f" · mandate {view.mandate}"
        )
    )
    for line in _standing(view):
        screen.print(output.plain(f"· {line}"))
    screen.print(_table(view.accounts) if view.accounts else "No accounts yet.")
    payouts = [
        (p.reference, p.state, kes(p.amount_cents), output.moment(p.requested_at))
        for p in view.payouts
    ]
    screen.print(
        output.table(("Payout", "State", "Amount", "Requested (Nairobi)"), payouts)
        if payouts
        else "No payouts yet."
    )
    acts = [(output.moment(a.at), a.action, a.by, a.reason) for a in view.acts]
    if acts:
        screen.print(output.table(("Nairobi", "Done", "By", "Reason"), acts))


def _table(held: Sequence[Account]) -> Table:
    rows = [
        (a.account_id, a.name, a.product, "yes" if a.withdrawable else "no", kes(a.available_cents))
        for a in held
    ]
    columns = ("Account", "Name", "Product", "By phone", "Available")
    return output.table(columns, rows, right=("Available",))


def _standing(view: MemberView) -> list[str]:
    """What else a help desk must know, one line each."""
    pins = {
        "own": "has a PIN of her own",
        "none": "has no PIN; `baraza members pin-reset` sends a start PIN",
        "start": f"a start PIN is out until {output.moment(view.start_pin_until)}",
        "expired": "her start PIN ran out; `baraza members pin-reset` sends a new one",
    }
    lines = [pins[view.pin]]
    if not view.has_id_on_file:
        lines.append("no ID on file: a start PIN opens nothing; `baraza members id` mends it")
    if view.phone_locked_at is not None:
        since = output.moment(view.phone_locked_at)
        lines.append(f"phone service LOCKED since {since}: {view.phone_lock_reason}")
    if view.pin_locked_until is not None:
        lines.append(f"PIN locked until {output.moment(view.pin_locked_until)}")
    if view.pin_reset_at is not None:
        lines.append(f"PIN reset {output.moment(view.pin_reset_at)}")
    if view.number_changed_at is not None:
        lines.append(f"number changed {output.moment(view.number_changed_at)}")
    if not view.receipt_balance:
        lines.append("receipts do not name the balance")
    if view.sms_blocked_since is not None:
        lines.append(f"refuses our SMS since {output.moment(view.sms_blocked_since)}")
    return lines
