"""PINs: how they are kept, checked, counted and locked.

A PIN has four digits, so its hash alone protects nothing: whoever holds the table tries all ten
thousand. What protects it is the pepper, which is not in the database, and the count of wrong
tries, which is.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from app.db import Tx
from app.errors import Refused

PIN_DIGITS = 4
WRONG_TRIES_MAX = 3
LOCK_FIRST = timedelta(minutes=30)
LOCK_MAX = timedelta(hours=24)
"""Locks double up to this. A right PIN this long after the last lock forgets the locks before."""

# OWASP's smallest argon2id, about 30 ms on our hosts: a hop has little time, and the pepper, not
# the work factor, is what a thief of the table lacks.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class WeakPin(Refused):
    """A PIN that a thief tries first, or that is no PIN at all."""

    code = "PIN-01"


@dataclass(frozen=True, slots=True)
class PinRight:
    """The member typed the right PIN."""


@dataclass(frozen=True, slots=True)
class PinWrong:
    """A wrong PIN, or none is set."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class PinLocked:
    """No PIN is looked at until then. `newly` once: with the wrong try that closed it."""

    until: datetime
    newly: bool = False


Verdict = PinRight | PinWrong | PinLocked

_LOCK_MEMBER = sa.text(
    "SELECT pin_hash, pin_failures, pin_lockouts, pin_locked_until,"
    " coalesce(pin_locked_until > clock_timestamp(), false) AS is_locked"
    " FROM member WHERE id = :member FOR NO KEY UPDATE"
)
_KNOWN = sa.text(
    "SELECT outcome FROM pin_attempt"
    " WHERE session_id = :session_id AND transcript_mac = :transcript_mac"
)
_COUNT = sa.text(
    "INSERT INTO pin_attempt (session_id, transcript_mac, member_id, outcome)"
    " VALUES (:session_id, :transcript_mac, :member, :outcome)"
)
_RIGHT = sa.text(
    "UPDATE member SET pin_failures = 0, pin_hash = :hash, pin_lockouts ="
    " CASE WHEN pin_locked_until < clock_timestamp() - :calm THEN 0 ELSE pin_lockouts END"
    " WHERE id = :member"
)
_WRONG = sa.text("UPDATE member SET pin_failures = pin_failures + 1 WHERE id = :member")
_CLOSE = sa.text(
    "UPDATE member SET pin_failures = 0, pin_lockouts = pin_lockouts + 1,"
    " pin_locked_until = clock_timestamp() + :length WHERE id = :member RETURNING pin_locked_until"
)
_SET = sa.text(
    "UPDATE member SET pin_hash = :hash, pin_failures = 0, pin_lockouts = 0,"
    " pin_locked_until = NULL WHERE id = :member"
)


class Pins:
    """Sets and checks PINs under one pepper."""

    def __init__(self, pepper: str) -> None:
        self._pepper = pepper.encode()
        # Checked for members without a PIN, so that they take as long as the others.
        self._nobodys = _HASHER.hash(self._digest(0, ""))

    def hash(self, member_id: int, pin: str) -> str:
        """What is stored in the PIN's place. Takes tens of milliseconds and no database.

        Raises:
            WeakPin: not four digits, or one that a thief tries first.
        """
        refuse_weak(pin)
        return _HASHER.hash(self._digest(member_id, pin))

    def set(self, tx: Tx, member_id: int, pin: str) -> None:
        """Give the member this PIN, forgetting wrong tries and locks.

        Raises:
            WeakPin: not four digits, or one that a thief tries first.
        """
        tx.execute(_SET, {"member": member_id, "hash": self.hash(member_id, pin)})

    def check(
        self, tx: Tx, *, member_id: int, pin: str, session_id: str, transcript_mac: bytes
    ) -> Verdict:
        """Check a typed PIN and count the try, at most once per hop.

        The member's row stays locked until the transaction ends, so tries count one after the
        other, from however many phones they come. The caller must commit whatever else fails.
        """
        row = tx.execute(_LOCK_MEMBER, {"member": member_id}).one()
        hop = {"session_id": session_id, "transcript_mac": transcript_mac}
        known = tx.scalar(_KNOWN, hop)
        if known is not None:
            return _said_before(known, row)
        verdict = self._judge(tx, member_id, pin, row)
        outcome = {PinRight: "right", PinWrong: "wrong", PinLocked: "locked"}[type(verdict)]
        tx.execute(_COUNT, {**hop, "member": member_id, "outcome": outcome})
        return verdict

    def _judge(self, tx: Tx, member_id: int, pin: str, row: sa.Row[Any]) -> Verdict:
        if row.is_locked:
            return PinLocked(row.pin_locked_until)
        if self._matches(member_id, pin, row.pin_hash):
            kept = row.pin_hash
            if _HASHER.check_needs_rehash(kept):
                kept = _HASHER.hash(self._digest(member_id, pin))
            tx.execute(_RIGHT, {"member": member_id, "hash": kept, "calm": LOCK_MAX})
            return PinRight()
        if row.pin_failures + 1 < WRONG_TRIES_MAX:
            tx.execute(_WRONG, {"member": member_id})
            return PinWrong(WRONG_TRIES_MAX - row.pin_failures - 1)
        length = lock_length(row.pin_lockouts)
        until = tx.scalar(_CLOSE, {"member": member_id, "length": length})
        assert until is not None
        return PinLocked(until, newly=True)

    def _matches(self, member_id: int, pin: str, pin_hash: str | None) -> bool:
        try:
            _HASHER.verify(pin_hash or self._nobodys, self._digest(member_id, pin))
        except VerifyMismatchError:
            return False
        return pin_hash is not None

    def _digest(self, member_id: int, pin: str) -> bytes:
        # With the member in it, equal PINs look different and a hash moved to another row fails.
        return hmac.digest(self._pepper, f"{member_id}:{pin}".encode(), hashlib.sha256)


def _said_before(outcome: str, row: sa.Row[Any]) -> Verdict:
    if outcome == "right":
        return PinRight()
    if row.is_locked:
        return PinLocked(row.pin_locked_until)
    return PinWrong(WRONG_TRIES_MAX - row.pin_failures)


def lock_length(lockouts_before: int) -> timedelta:
    """How long the next lock lasts: 30 minutes, doubled for each lock before, a day at most."""
    # Past a few doublings the cap holds; the exponent stays small for any count in the column.
    doublings: int = 1 << min(lockouts_before, 10)
    return min(LOCK_FIRST * doublings, LOCK_MAX)


def refuse_weak(pin: str) -> None:
    """Refuse what is no PIN, one digit repeated (7777), and runs up or down (1234, 8765, 7890).

    Raises:
        WeakPin: the message does not repeat the PIN.
    """
    if len(pin) != PIN_DIGITS or not (pin.isascii() and pin.isdigit()):
        raise WeakPin(f"a PIN has {PIN_DIGITS} digits")
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    if steps <= {0} or steps <= {1} or steps <= {9}:
        raise WeakPin("a PIN must not be one digit repeated or a run of digits")
