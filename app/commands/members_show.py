"""`baraza members show`: a member as the help desk needs her."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    " WHERE m.msisdn = :msisdn OR m.member_no = :who ORDER BY m.member_no = :who DESC LIMIT 1"
)
_ACTS = sa.text(
    "SELECT at, action, coalesce(detail->>'by', source) AS by,"
    " coalesce(detail->>'reason', '') AS reason"
    " FROM staff_action WHERE detail ? 'member_no' AND detail->>'member_no' = :member_no"
    " ORDER BY id DESC LIMIT :limit"
)


@click.command()
@click.argument("who", metavar="PHONE_OR_NO")
@output.as_json
def show(who: str, *, as_json: bool) -> None:
    """Standing, PIN, accounts, payouts and acts of one member, by phone or member number."""
    with database() as db, db.transaction() as tx:
        found = _find(tx, who)
    if found is None:
        raise click.ClickException(
            "no member has this phone or member number; numbers look like 0712345678 or M00001"
        )
    if as_json:
        output.print_json(found)
        return
    _print(found)


def _find(tx: Tx, who: str) -> MemberView | None:
    try:
        msisdn = parse(who)
    except ValueError:
        msisdn = ""
    row = tx.execute(_MEMBER, {"msisdn": msisdn, "who": who.strip()}).one_or_none()
    return None if row is None else _view(tx, row)


def _view(tx: Tx, row: sa.Row[Any]) -> MemberView:
    member = directory.by_number(tx, row.member_no)
    assert member is not None
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
        accounts=tuple(
            Account(
                a.account_id, a.name, a.product, a.withdrawable,
                statements.available(tx, a.account_id),
            )
            for a in directory.accounts(tx, row.id)
        ),
        payouts=tuple(story.summaries(tx, msisdn=row.msisdn, limit=PAYOUTS_SHOWN)),
        acts=tuple(Act(*act) for act in acts),
    )  # fmt: skip


def _print(found: MemberView) -> None:
    screen = output.console()
    screen.print(
        output.plain(
            f"Member {found.member_no} · {found.phone} · {found.language} · {found.status}"
            f" · mandate {found.mandate}"
        )
    )
    for line in _standing(found):
        screen.print(output.plain(f"· {line}"))
    accounts = [
        (a.account_id, a.name, a.product, "yes" if a.withdrawable else "no", kes(a.available_cents))
        for a in found.accounts
    ]
    columns = ("Account", "Name", "Product", "By phone", "Available")
    screen.print(output.table(columns, accounts, right=("Available",)))
    payouts = [
        (p.reference, p.state, kes(p.amount_cents), output.moment(p.requested_at))
        for p in found.payouts
    ]
    screen.print(
        output.table(("Payout", "State", "Amount", "Requested (Nairobi)"), payouts)
        if payouts
        else "No payouts yet."
    )
    acts = [(output.moment(a.at), a.action, a.by, a.reason) for a in found.acts]
    if acts:
        screen.print(output.table(("Nairobi", "Done", "By", "Reason"), acts))


def _standing(found: MemberView) -> list[str]:
    """What else a help desk must know, one line each."""
    pins = {
        "own": "has a PIN of her own",
        "none": "has no PIN; `baraza members pin-reset` sends a start PIN",
        "start": f"a start PIN is out until {output.moment(found.start_pin_until)}",
        "expired": "her start PIN ran out; `baraza members pin-reset` sends a new one",
    }
    lines = [pins[found.pin]]
    if not found.has_id_on_file:
        lines.append("no ID on file: a start PIN opens nothing; `baraza members id` mends it")
    if found.phone_locked_at is not None:
        since = output.moment(found.phone_locked_at)
        lines.append(f"phone service LOCKED since {since}: {found.phone_lock_reason}")
    if found.pin_locked_until is not None:
        lines.append(f"PIN locked until {output.moment(found.pin_locked_until)}")
    if found.pin_reset_at is not None:
        lines.append(f"PIN reset {output.moment(found.pin_reset_at)}")
    if found.number_changed_at is not None:
        lines.append(f"number changed {output.moment(found.number_changed_at)}")
    if not found.receipt_balance:
        lines.append("receipts do not name the balance")
    if found.sms_blocked_since is not None:
        lines.append(f"refuses our SMS since {output.moment(found.sms_blocked_since)}")
    return lines
