"""How somebody comes to an account whose password nobody else ever knew.

Whoever agreed to the account sees a code once; whoever asked for it makes a link. The new colleague
gets both, each from its person, and sets a password. Neither of the two can do it in their place.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from app.db import Tx
from app.errors import Refused
from app.staff import audit, passwords
from app.staff.accounts import Role, Staff
from app.staff.audit import Action

LASTS = timedelta(days=3)
CODE_DIGITS = 8
LINK_BYTES = 24
TRIES_MAX = 5


class NotInvited(Refused):
    """The link is wrong, was used, is too old, or was tried too often."""

    code = "ST-19"


class WrongJoiningCode(Refused):
    """The link is right, the code is not."""

    code = "ST-20"


@dataclass(frozen=True, slots=True)
class Invitation:
    """An account that waits for its person."""

    staff_id: int
    email: str
    name: str
    role: Role
    expires_at: datetime


_INVITE = sa.text(
    "INSERT INTO staff_invitation AS i (staff_id, code_sha256, expires_at)"
    " VALUES (:id, :code, now() + :lasts) ON CONFLICT (staff_id) DO UPDATE"
    " SET code_sha256 = excluded.code_sha256, link_sha256 = NULL, tries = 0, made_at = now(),"
    " expires_at = excluded.expires_at"
)
_LINK = sa.text(
    "UPDATE staff_invitation SET link_sha256 = :link WHERE staff_id = :id AND expires_at > now()"
    " AND tries < :tries_max RETURNING staff_id"
)
_OPEN = sa.text(
    "SELECT i.staff_id, i.code_sha256, i.expires_at, s.email, s.name, s.role"
    " FROM staff_invitation i JOIN staff s ON s.id = i.staff_id"
    " WHERE i.link_sha256 = :link AND i.expires_at > now() AND i.tries < :tries_max"
    " AND s.disabled_at IS NULL FOR UPDATE OF i, s"
)
_COUNT_TRY = sa.text("UPDATE staff_invitation SET tries = tries + 1 WHERE staff_id = :id")
_JOIN = sa.text(
    "UPDATE staff SET password_hash = :hash, session_key = :key, failures = 0, locked_until = NULL"
    " WHERE id = :id RETURNING session_key"
)
_DONE = sa.text("DELETE FROM staff_invitation WHERE staff_id = :id")


def invite(tx: Tx, staff_id: int) -> str:
    """Let a person set a password, and return the code for it. An earlier code is void.

    It is shown to whoever agreed, this once, to be told to the person and to nobody else.
    """
    code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
    tx.execute(_INVITE, {"id": staff_id, "code": _hash(code), "lasts": LASTS})
    return code


def make_link(tx: Tx, staff_id: int) -> str:
    """The secret part of the address at which an invited person sets a password.

    It is shown to whoever asked for the account, this once. An earlier one is void.

    Raises:
        NotInvited: nobody agreed to an invitation, or it is over.
    """
    link = secrets.token_urlsafe(LINK_BYTES)
    facts = {"id": staff_id, "link": _hash(link), "tries_max": TRIES_MAX}
    if tx.scalar(_LINK, facts) is None:
        raise NotInvited("This account waits for nobody. Ask for new access; a manager agrees.")
    return link


def look(tx: Tx, link: str) -> Invitation:
    """Whose link this is.

    Raises:
        NotInvited: nobody's, or no longer.
    """
    row = _row(tx, link)
    return Invitation(row.staff_id, row.email, row.name, Role(row.role), row.expires_at)


def join(tx: Tx, link: str, *, code: str, password: str, source: str) -> Staff | None:
    """Set the password of an invited person. None: the code is wrong, and the try counts.

    Commit whatever it says: a refusal that is rolled back would be a free guess.

    Raises:
        NotInvited: the link is nobody's, or no longer.
        WeakPassword: the password is too easy to guess. Nothing was counted.
    """
    row = _row(tx, link)
    passwords.require_strength(password, email=row.email)
    typed = "".join(code.split())
    if not secrets.compare_digest(bytes(row.code_sha256), _hash(typed)):
        tx.execute(_COUNT_TRY, {"id": row.staff_id})
        audit.record(tx, Action.CODE_REFUSED, staff_id=row.staff_id, source=source, of="joining")
        return None
    facts = {"id": row.staff_id, "hash": passwords.hashed(password), "key": uuid4()}
    key = tx.execute(_JOIN, facts).scalar_one()
    tx.execute(_DONE, {"id": row.staff_id})
    audit.record(tx, Action.JOINED, staff_id=row.staff_id, source=source)
    return Staff(row.staff_id, row.email, row.name, Role(row.role), key)


def _row(tx: Tx, link: str) -> sa.Row[Any]:
    row = tx.execute(_OPEN, {"link": _hash(link), "tries_max": TRIES_MAX}).one_or_none()
    if row is None:
        raise NotInvited(
            "This link is over: it was used, is older than three days, or had five wrong codes."
            " Ask whoever gave it to you for another."
        )
    return row


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
