"""Who works here: making, listing and ending accounts, and looking up whose a session is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from app.audit import Actor, operator, record
from app.db import Tx
from app.errors import Refused
from app.staff import passwords
from app.staff.audit import Action


class Role(StrEnum):
    """What a person is here for. It decides which pages open."""

    OPS = "ops"
    SUPPORT = "support"
    FINANCE = "finance"
    MANAGER = "manager"
    AUDITOR = "auditor"
    SECURITY = "security"


DEMO_DOMAIN = "@demo.example"
"""Of people whose password is in the source. None of them signs in where money is real."""


@dataclass(frozen=True, slots=True)
class Staff:
    """A person with an account that is not disabled."""

    id: int
    email: str
    name: str
    role: Role
    session_key: UUID
    """Every session of this person carries it; a new one ends them all."""
    has_second_factor: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of `baraza staff list`."""

    id: int
    email: str
    name: str
    role: Role
    state: str
    """`active`, `locked`, `invited` (no password was set yet) or `disabled`."""
    has_second_factor: bool
    last_signed_in_at: datetime | None


class EmailTaken(Refused):
    """There is an account with this e-mail."""

    code = "ST-02"


class NoSuchAccount(Refused):
    """There is no account with this e-mail."""

    code = "ST-03"


_INSERT = sa.text(
    "INSERT INTO staff (email, name, role, password_hash, session_key)"
    " VALUES (:email, :name, :role, :password_hash, :session_key)"
    " ON CONFLICT (email) DO NOTHING RETURNING id"
)
_STAFF = (
    "SELECT id, email, name, role, session_key, totp_secret IS NOT NULL AS has_second_factor"
    " FROM staff WHERE disabled_at IS NULL"
)
_FIND = sa.text(f"{_STAFF} AND id = :id AND session_key = :session_key")
_BY_EMAIL = sa.text(f"{_STAFF} AND email = :email")
_LIST = sa.text(
    """
    SELECT id, email, name, role,
           CASE WHEN disabled_at IS NOT NULL THEN 'disabled'
                WHEN EXISTS (SELECT FROM staff_invitation i WHERE i.staff_id = staff.id)
                     THEN 'invited'
                WHEN locked_until > now() THEN 'locked'
                ELSE 'active' END AS state,
           totp_secret IS NOT NULL AS has_second_factor,
           (SELECT max(at) FROM staff_action
             WHERE staff_id = staff.id AND action = 'signed_in') AS last_signed_in_at
      FROM staff WHERE CAST(:id AS bigint) IS NULL OR id = :id ORDER BY email
    """
)
_DISABLE = sa.text(
    "UPDATE staff SET disabled_at = coalesce(disabled_at, now()), session_key = :session_key"
    " WHERE email = :email RETURNING id"
)
_SET_PASSWORD = sa.text(
    "UPDATE staff SET password_hash = :password_hash, session_key = :session_key,"
    " failures = 0, locked_until = NULL WHERE email = :email RETURNING id"
)
_END_SESSIONS = sa.text("UPDATE staff SET session_key = :session_key WHERE id = :id")


def create(
    tx: Tx,
    *,
    email: str,
    name: str,
    role: str,
    password: str,
    by: Actor | None = None,
) -> int:
    """Make an account and return its id. Unless said otherwise, whoever runs the command did.

    Raises:
        WeakPassword: the password is too easy to guess.
        EmailTaken: the e-mail has an account, possibly a disabled one.
    """
    address = normal(email)
    passwords.require_strength(password, email=address)
    facts = {"email": address, "name": name.strip(), "role": Role(role)}
    secrets = {"password_hash": passwords.hashed(password), "session_key": uuid4()}
    staff_id: int | None = tx.scalar(_INSERT, facts | secrets)
    if staff_id is None:
        raise EmailTaken(f"{address} has an account already.")
    record(tx, Action.CREATED, by=by or operator(), colleague=address, role=role)
    return staff_id


def everyone(tx: Tx, *, only: int | None = None) -> list[Listed]:
    """All accounts, disabled ones too, by e-mail; or only the one of this id."""
    return [
        Listed(
            row.id,
            row.email,
            row.name,
            Role(row.role),
            row.state,
            row.has_second_factor,
            row.last_signed_in_at,
        )
        for row in tx.execute(_LIST, {"id": only})
    ]


def find(tx: Tx, *, staff_id: int, session_key: UUID) -> Staff | None:
    """Whose session this is, or None if it ended: key changed, account disabled or gone."""
    row = tx.execute(_FIND, {"id": staff_id, "session_key": session_key}).one_or_none()
    return None if row is None else _staff(row)


def by_email(tx: Tx, email: str) -> Staff:
    """The person with this e-mail whose account is not disabled.

    Raises:
        NoSuchAccount: there is none.
    """
    row = tx.execute(_BY_EMAIL, {"email": normal(email)}).one_or_none()
    if row is None:
        raise NoSuchAccount(f"Nobody has an account as {normal(email)}. See `baraza staff list`.")
    return _staff(row)


def disable(tx: Tx, *, email: str, by: Actor | None = None) -> None:
    """End an account and, with the next request of each, all its sessions.

    Raises:
        NoSuchAccount: nobody has this e-mail.
    """
    _change(tx, _DISABLE, Action.DISABLED, email=email, by=by)


def set_password(tx: Tx, *, email: str, password: str, by: Actor | None = None) -> None:
    """Replace a password, end all sessions, lift a lock.

    Raises:
        WeakPassword: the password is too easy to guess.
        NoSuchAccount: nobody has this e-mail.
    """
    passwords.require_strength(password, email=normal(email))
    new_hash = passwords.hashed(password)
    _change(tx, _SET_PASSWORD, Action.PASSWORD_SET, email=email, by=by, password_hash=new_hash)


def end_sessions(tx: Tx, staff_id: int) -> None:
    """End every session of a person, wherever its cookie lies."""
    tx.execute(_END_SESSIONS, {"id": staff_id, "session_key": uuid4()})


def normal(email: str) -> str:
    """The one form in which an e-mail is kept."""
    return email.strip().lower()


def _change(
    tx: Tx, statement: sa.TextClause, action: Action, *, email: str, by: Actor | None, **facts: str
) -> None:
    address = normal(email)
    keys = {"email": address, "session_key": uuid4()}
    staff_id: int | None = tx.scalar(statement, {**facts, **keys})
    if staff_id is None:
        raise NoSuchAccount(f"Nobody has an account as {address}. See `baraza staff list`.")
    record(tx, action, by=by or operator(), colleague=address)


def _staff(row: sa.Row[Any]) -> Staff:
    return Staff(
        row.id, row.email, row.name, Role(row.role), row.session_key, row.has_second_factor
    )
