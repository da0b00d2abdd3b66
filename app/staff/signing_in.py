"""The check of an e-mail and a password, with its lock-out. The lock lives in PostgreSQL.

Whoever knocks learns nothing about which e-mails have accounts: every refusal has the same words
and costs the same work, one password hash.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.db import Tx
from app.errors import Refused
from app.staff import audit, locking, passwords
from app.staff.accounts import DEMO_DOMAIN, Role, Staff, normal
from app.staff.audit import Action

SOURCE_FAILURES_MAX = 50
"""Wrong sign-ins from one address within `SOURCE_WINDOW`; bounds the work and rows of a flood."""
SOURCE_WINDOW = timedelta(minutes=10)


class TooManyTries(Refused):
    """Too many wrong sign-ins from one address. Nothing was checked."""

    code = "ST-04"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody typed, and from where."""

    email: str
    password: str
    source: str
    in_production: bool


_SOURCE_FAILURES = sa.text(
    "SELECT count(*) FROM staff_action WHERE action = 'sign_in_refused'"
    " AND source = :source AND at > now() - :window"
)
_LOCK_ROW = sa.text(
    "SELECT id, email, name, role, password_hash, session_key, disabled_at IS NOT NULL AS disabled,"
    " totp_secret IS NOT NULL AS has_second_factor,"
    " coalesce(locked_until > now(), false) AS locked FROM staff WHERE email = :email FOR UPDATE"
)
_KEEP = sa.text("UPDATE staff SET password_hash = :hash WHERE id = :id")


def sign_in(tx: Tx, attempt: Attempt) -> Staff | None:
    """Check an attempt, count it, record it. None is a refusal, whatever its reason.

    Whoever has a second factor is not signed in yet: `second_factor.matches` comes next.

    Raises:
        TooManyTries: this address failed too often lately.
    """
    facts = {"source": attempt.source, "window": SOURCE_WINDOW}
    if tx.scalar(_SOURCE_FAILURES, facts) >= SOURCE_FAILURES_MAX:
        raise TooManyTries("Too many wrong sign-ins from this address. Try again in ten minutes.")
    row = tx.execute(_LOCK_ROW, {"email": normal(attempt.email)}).one_or_none()
    barred = _barred(row, attempt)
    # One hash in every case, so that time tells nothing. The row stays locked meanwhile, so that
    # tries at once are counted one after the other.
    stored = passwords.nobodys_hash() if row is None or barred else row.password_hash
    right = passwords.matches(stored, attempt.password)
    if row is None or barred or not right:
        _refuse(tx, row, attempt, reason=barred or "wrong password")
        return None
    stale = passwords.is_outdated(row.password_hash)
    kept = passwords.hashed(attempt.password) if stale else row.password_hash
    tx.execute(_KEEP, {"id": row.id, "hash": kept})
    if row.has_second_factor:
        # Nobody is in yet, and wrong codes go on counting where wrong passwords stopped.
        audit.record(tx, Action.PASSWORD_RIGHT, staff_id=row.id, source=attempt.source)
    else:
        locking.forget_failures(tx, row.id)
        audit.record(tx, Action.SIGNED_IN, staff_id=row.id, source=attempt.source)
    return Staff(
        row.id, row.email, row.name, Role(row.role), row.session_key, row.has_second_factor
    )


def _barred(row: Any, attempt: Attempt) -> str:
    """Why the password does not even matter, or an empty text."""
    if row is None:
        return "unknown"
    if attempt.in_production and row.email.endswith(DEMO_DOMAIN):
        return "demo"
    if row.disabled:
        return "disabled"
    return "locked" if row.locked else ""


def _refuse(tx: Tx, row: Any, attempt: Attempt, *, reason: str) -> None:
    # What was typed as an e-mail is not kept: it may be a password in the wrong field.
    staff_id = None if row is None else row.id
    if reason == "wrong password":
        locking.count_failure(tx, row.id)
    audit.record(
        tx, Action.SIGN_IN_REFUSED, staff_id=staff_id, source=attempt.source, reason=reason
    )
