"""Who the members are and which accounts they have."""

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from app.db import Tx
from app.errors import Refused
from app.ledger import chart, posting

Language = Literal["en", "sw"]


class NumberTaken(Refused):
    """Another member has this phone number or member number."""

    code = "MB-01"


@dataclass(frozen=True, slots=True)
class Member:
    """A member as the channels need to know her."""

    id: int
    name: str
    msisdn: str
    language: Language
    status: str
    has_pin: bool


@dataclass(frozen=True, slots=True)
class MemberAccount:
    """One of a member's accounts in the ledger."""

    account_id: int
    product: str
    withdrawable: bool


_BY_MSISDN = sa.text(
    "SELECT id, name, msisdn, language, status, pin_hash IS NOT NULL AS has_pin"
    " FROM member WHERE msisdn = :msisdn"
)
_ACCOUNTS = sa.text(
    "SELECT account_id, product, withdrawable FROM member_account"
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


def accounts(tx: Tx, member_id: int) -> list[MemberAccount]:
    """The member's accounts, oldest first."""
    return [MemberAccount(*row) for row in tx.execute(_ACCOUNTS, {"member": member_id})]


def set_language(tx: Tx, member_id: int, language: Language) -> None:
    """Remember the language for screens and SMS."""
    tx.execute(
        sa.text("UPDATE member SET language = :language WHERE id = :member"),
        {"member": member_id, "language": language},
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


def open_savings(tx: Tx, member_id: int) -> int:
    """Open a savings account for the member, empty. Returns its id in the ledger."""
    account_id = posting.open_account(tx, gl_code=chart.MEMBER_SAVINGS)
    tx.execute(
        sa.text("INSERT INTO member_account (account_id, member_id) VALUES (:account, :member)"),
        {"account": account_id, "member": member_id},
    )
    return account_id
