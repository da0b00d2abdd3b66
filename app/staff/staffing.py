"""Accounts begin, change and end by two people: what each of these acts does, and refuses.

Each is done only as an approved request (`app.staff.approvals`); at a shell, `baraza staff` does
the same for whoever runs the server.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from app import audit
from app.audit import Actor
from app.db import Tx
from app.errors import Refused
from app.staff import accounts, joining, passwords
from app.staff.accounts import DEMO_DOMAIN, NoSuchAccount, Role

EMAIL_LENGTH_MAX = 254
NAME_LENGTH_MAX = 80
KEEPERS = (Role.MANAGER, Role.SECURITY)
"""Without one of each nobody could make an account, or agree to one."""


class BadAccount(Refused):
    """What was typed cannot be an account."""

    code = "ST-15"


class LastOne(Refused):
    """Nobody else has this role, and without it no account could be made any more."""

    code = "ST-16"


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of an account."""

    email: str
    name: str
    before: Role | None
    """None: there is no account, or it has ended."""
    after: Role | None
    """None: it ends."""
    code: str = ""
    """With which its person sets a password; empty where none is set."""


_ROW = sa.text(
    "SELECT id, email, name, role, disabled_at IS NOT NULL AS has_ended,"
    " totp_secret IS NOT NULL AS has_factor FROM staff WHERE email = :email"
)
_OF_ROLE = sa.text(
    "SELECT id FROM staff WHERE role = :role AND disabled_at IS NULL"
    " AND NOT EXISTS (SELECT FROM staff_invitation i WHERE i.staff_id = staff.id)"
    " ORDER BY id FOR UPDATE"
)
_REOPEN = sa.text(
    "UPDATE staff SET disabled_at = NULL, name = :name, role = :role, password_hash = :hash,"
    " session_key = :key, totp_secret = NULL WHERE id = :id"
)
_ROLE = sa.text("UPDATE staff SET role = :role, session_key = :key WHERE id = :id")
_FORGET_INVITATION = sa.text("DELETE FROM staff_invitation WHERE staff_id = :id")
_CLOSE = sa.text(
    "UPDATE staff SET disabled_at = coalesce(disabled_at, now()), session_key = :key WHERE id = :id"
)
_RENEW = sa.text(
    "UPDATE staff SET password_hash = :hash, session_key = :key, totp_secret = NULL WHERE id = :id"
)
_FORGET_CODES = sa.text("DELETE FROM staff_recovery_code WHERE staff_id = :id")
_FORGET_PASSKEYS = sa.text("DELETE FROM staff_passkey WHERE staff_id = :id")


def standing(tx: Tx, email: str) -> Mapping[str, Any]:
    """How an account stands, as far as a request about it depends on that."""
    row = tx.execute(_ROW, {"email": accounts.normal(email)}).one_or_none()
    if row is None:
        return {"account": None}
    return {"account": row.id, "role": row.role, "ended": row.has_ended, "factor": row.has_factor}


def hire(tx: Tx, email: str, *, name: str, role: str, reason: str, by: Actor) -> Change:
    """Make an account, or open one that had ended, for somebody who then sets a password.

    Raises:
        BadAccount: the e-mail or the name cannot be one.
        EmailTaken: there is such an account.
    """
    address, called = _required(email, name)
    row = tx.execute(_ROW, {"email": address}).one_or_none()
    wanted = Role(role)
    if row is None:
        number = accounts.create(
            tx, email=address, name=called, role=wanted, password=_nobodys(), by=by
        )
    elif row.has_ended:
        number = row.id
        facts = {"name": called, "role": wanted, "hash": _hash(), "key": uuid4(), "id": number}
        tx.execute(_REOPEN, facts)
        _forget_factors(tx, number)
    else:
        raise accounts.EmailTaken(f"{address} has an account already.")
    code = joining.invite(tx, number)
    audit.record(tx, "hired", by=by, colleague=address, role=wanted, reason=reason)
    return Change(address, called, None, wanted, code)


def dismiss(tx: Tx, email: str, *, reason: str, by: Actor) -> Change:
    """End an account and all its sessions. What its person did stays on record.

    Raises:
        NoSuchAccount: there is none, or it has ended.
        LastOne: nobody else could make accounts, or agree to them.
    """
    row = _present(tx, email)
    _not_the_last(tx, row)
    tx.execute(_CLOSE, {"id": row.id, "key": uuid4()})
    tx.execute(_FORGET_INVITATION, {"id": row.id})
    audit.record(tx, "dismissed", by=by, colleague=row.email, role=row.role, reason=reason)
    return Change(row.email, row.name, Role(row.role), None)


def change_role(tx: Tx, email: str, *, role: str, reason: str, by: Actor) -> Change:
    """Give a person another role, and end the sessions of the old one.

    Raises:
        NoSuchAccount: there is none, or it has ended.
        BadAccount: it is their role already.
        LastOne: nobody else could make accounts, or agree to them.
    """
    row, wanted = _present(tx, email), Role(role)
    if wanted == row.role:
        raise BadAccount(f"{row.email} is {wanted} already.")
    _not_the_last(tx, row)
    tx.execute(_ROLE, {"id": row.id, "role": wanted, "key": uuid4()})
    audit.record(
        tx, "role_changed", by=by, colleague=row.email, before=row.role, role=wanted, reason=reason
    )
    return Change(row.email, row.name, Role(row.role), wanted)


def renew_access(tx: Tx, email: str, *, reason: str, by: Actor) -> Change:
    """Void a person's password and second factor, and let them set up both anew.

    Raises:
        NoSuchAccount: there is none, or it has ended.
    """
    row = _present(tx, email)
    tx.execute(_RENEW, {"id": row.id, "hash": _hash(), "key": uuid4()})
    _forget_factors(tx, row.id)
    code = joining.invite(tx, row.id)
    audit.record(tx, "access_renewed", by=by, colleague=row.email, reason=reason)
    return Change(row.email, row.name, Role(row.role), Role(row.role), code)


def _forget_factors(tx: Tx, staff_id: int) -> None:
    """Codes on paper and passkeys: whoever has the lost phone or bag has them too."""
    tx.execute(_FORGET_CODES, {"id": staff_id})
    tx.execute(_FORGET_PASSKEYS, {"id": staff_id})


def _required(email: str, name: str) -> tuple[str, str]:
    address, called = accounts.normal(email), " ".join(name.split())
    local, at, domain = address.partition("@")
    if not (local and at and "." in domain) or " " in address or len(address) > EMAIL_LENGTH_MAX:
        raise BadAccount("An e-mail looks like amina@sacco.example.")
    if address.endswith(DEMO_DOMAIN):
        raise BadAccount("This domain is for demo people, whose password everybody knows.")
    if not 0 < len(called) <= NAME_LENGTH_MAX:
        raise BadAccount(f"A name has 1 to {NAME_LENGTH_MAX} letters.")
    return address, called


def _present(tx: Tx, email: str) -> sa.Row[Any]:
    row = tx.execute(_ROW, {"email": accounts.normal(email)}).one_or_none()
    if row is None or row.has_ended:
        raise NoSuchAccount(f"Nobody has an account as {accounts.normal(email)}.")
    return row


def _not_the_last(tx: Tx, row: sa.Row[Any]) -> None:
    if row.role not in KEEPERS:
        return
    # All of them stay locked until the commit, in one order, so that two cannot leave at once and
    # never wait for each other in a circle.
    if set(tx.scalars(_OF_ROLE, {"role": row.role})) <= {row.id}:
        raise LastOne(
            f"{row.email} is the only {row.role}. Somebody else must have that role first:"
            " without it nobody could make accounts, or agree to them."
        )


def _nobodys() -> str:
    """A password that nobody knows."""
    return secrets.token_urlsafe(joining.LINK_BYTES)


def _hash() -> str:
    return passwords.hashed(_nobodys())
