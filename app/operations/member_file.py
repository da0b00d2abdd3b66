"""A member as the help desk needs her: standing, PIN, accounts, payouts, and what was done."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.db import Tx
from app.ledger import statements
from app.members import directory
from app.members.directory import Member
from app.members.standing import NoSuchMember
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
    " WHERE m.id = :id"
)
_ACTS = sa.text(
    "SELECT at, action, coalesce(detail->>'by', source) AS by,"
    " coalesce(detail->>'reason', '') AS reason"
    " FROM staff_action WHERE detail ? 'member_no' AND detail->>'member_no' = :member_no"
    " ORDER BY id DESC LIMIT :limit"
)


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


def accounts(tx: Tx, member: Member) -> tuple[Account, ...]:
    """Her accounts, the oldest first."""
    return tuple(
        Account(
            a.account_id, a.name, a.product, a.withdrawable, statements.available(tx, a.account_id)
        )
        for a in directory.accounts(tx, member.id)
    )


def read(tx: Tx, member: Member) -> MemberView:
    """All of it, at this moment."""
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
        accounts=accounts(tx, member),
        payouts=tuple(story.summaries(tx, msisdn=row.msisdn, limit=PAYOUTS_SHOWN)),
        acts=tuple(Act(*act) for act in acts),
    )
