"""Who the members are and which accounts they have."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from app.db import Tx
from app.errors import Refused
from app.ledger import chart, posting

Language = Literal["en", "sw"]


class NumberTaken(Refused):
    """Another member has this phone number or member number."""

    code = "MB-01"


PinKind = Literal["none", "start", "expired", "own"]
"""What she can type: nothing, a start PIN, one that has run out, or a PIN of her own."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member as the channels need to know her."""

    id: int
    member_no: str
    name: str
    msisdn: str
    language: Language
    status: str
    mandate: str
    """`sole`, or `joint`: then several people sign, which a phone cannot."""
    pin: PinKind
    receipt_balance: bool
    """Whether receipts by SMS name what is left."""
    phone_locked: bool
    """Staff, or too many wrong PINs, have closed the phone service."""
    pin_locked_until: datetime | None
    """Wrong PINs have closed her PIN until then. `None`: they have not."""


@dataclass(frozen=True, slots=True)
class MemberAccount:
    """One of a member's accounts in the ledger."""

    account_id: int
    product: str
    withdrawable: bool
    name: str
    """What screens call it, where she has several."""


MEMBER = (
    "SELECT id, member_no, name, msisdn, language, status, mandate,"
    " CASE WHEN pin_hash IS NOT NULL THEN 'own'"
    "      WHEN start_pin_until > clock_timestamp() THEN 'start'"
    "      WHEN start_pin_until IS NOT NULL THEN 'expired' ELSE 'none' END AS pin,"
    " receipt_balance, phone_locked_at IS NOT NULL AS phone_locked,"
    " CASE WHEN pin_locked_until > clock_timestamp() THEN pin_locked_until END"
    " AS pin_locked_until FROM member"
)
"""SQL for the columns of `Member`, to be gone on with by `WHERE`."""
_BY_MSISDN = sa.text(f"{MEMBER} WHERE msisdn = :msisdn")
_BY_NUMBER = sa.text(f"{MEMBER} WHERE member_no = :member_no")
_ACCOUNTS = sa.text(
    "SELECT account_id, product, withdrawable, name FROM member_account"
    " WHERE member_id = :member ORDER BY account_id"
)
_ADD = sa.text(
    "INSERT INTO member (member_no, name, msisdn, language)"
    " VALUES (:member_no, :name, :msisdn, :language) ON CONFLICT DO NOTHING RETURNING id"
)


def by_msisdn(tx: Tx, msisdn: str) -> Member | None:
    """The member with this number (E.164), whatever her status."""
    row = tx.execute(_BY_MSISDN, {"msisdn": msisdn}).one_or_none()
    return None if row is None else Member(*row)


def by_number(tx: Tx, member_no: str) -> Member | None:
    """The member with this member number, whatever her status."""
    row = tx.execute(_BY_NUMBER, {"member_no": member_no}).one_or_none()
    return None if row is None else Member(*row)


def accounts(tx: Tx, member_id: int) -> list[MemberAccount]:
    """The member's accounts, oldest first."""
    return [MemberAccount(*row) for row in tx.execute(_ACCOUNTS, {"member": member_id})]


def set_language(tx: Tx, member_id: int, language: Language) -> None:
    """Remember the language for screens and SMS."""
    tx.execute(
        sa.text("UPDATE member SET language = :language WHERE id = :member"),
        {"member": member_id, "language": language},
    )


def set_receipt_balance(tx: Tx, member_id: int, on: bool) -> None:  # noqa: FBT001 - the one fact
    """Remember whether receipts may name the balance."""
    tx.execute(
        sa.text("UPDATE member SET receipt_balance = :on WHERE id = :member"),
        {"on": on, "member": member_id},
    )


def add(tx: Tx, *, member_no: str, name: str, msisdn: str, language: Language) -> int:
    """Register a member, without a PIN and without an account. Returns her id.

    Raises:
        NumberTaken: the phone number or the member number belongs to somebody.
    """
    member_id: int | None = tx.scalar(
        _ADD, {"member_no": member_no, "name": name, "msisdn": msisdn, "language": language}
    )
    if member_id is None:
        raise NumberTaken("this phone number or member number is taken")
    return member_id


def open_savings(tx: Tx, member_id: int, *, name: str = "Savings") -> int:
    """Open a savings account for the member, empty. Returns its id in the ledger."""
    account_id = posting.open_account(tx, gl_code=chart.MEMBER_SAVINGS)
    tx.execute(
        sa.text(
            "INSERT INTO member_account (account_id, member_id, name)"
            " VALUES (:account, :member, :name)"
        ),
        {"account": account_id, "member": member_id, "name": name},
    )
    return account_id
