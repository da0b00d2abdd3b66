"""PINs: how they are kept, checked, counted and locked.

A PIN has four digits, so its hash alone protects nothing: whoever holds the table tries all ten
thousand. What protects it is the pepper, which is not in the database, and the count of wrong
tries, which is.

A start PIN is derived from the pepper and a nonce, so it is stored nowhere. It opens one thing, the
screen that sets the member's own PIN, and only beside the last digits of the ID on file.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy.dialects.postgresql import ARRAY

from app import audit
from app.db import Tx
from app.errors import Refused
from app.pin_rules import PIN_DIGITS, is_weak, refuse_weak

WRONG_TRIES_MAX = 3
"""In a row: the PIN is locked for a while."""
WRONG_TRIES_A_DAY_MAX = 5
"""In 24 hours: the phone service is locked until staff open it."""
LOCK_FIRST = timedelta(minutes=30)
LOCK_MAX = timedelta(hours=24)
"""Locks double up to this. A right PIN this long after the last lock forgets the locks before."""
DIFFERENT_FROM_LAST = 3
"""A new PIN is none of the last three, the present one among them."""
LOCKED_BY_TRIES = "too many wrong PINs"

# OWASP's smallest argon2id, about 30 ms on our hosts: a hop has little time, and the pepper, not
# the work factor, is what a thief of the table lacks.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class PinUsedBefore(Refused):
    """The new PIN is the present one, or one of those just before it."""

    code = "PIN-02"


@dataclass(frozen=True, slots=True)
class PinRight:
    """The member typed what opens."""


@dataclass(frozen=True, slots=True)
class PinWrong:
    """A wrong PIN, or none is set."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class PinLocked:
    """No PIN is looked at until then; None: until staff open it.

    `newly` once: with the wrong try that closed it.
    """

    until: datetime | None
    newly: bool = False


@dataclass(frozen=True, slots=True)
class StartExpired:
    """No start PIN is out for her, or no ID is on file to prove her by. Nothing was counted."""


Verdict = PinRight | PinWrong | PinLocked

_LOCK_MEMBER = sa.text(
    "SELECT pin_hash, pin_failures, pin_lockouts, pin_locked_until, id_check, start_pin_nonce,"
    " coalesce(start_pin_until > clock_timestamp(), false) AS start_is_out,"
    " phone_locked_at IS NOT NULL AS is_closed,"
    " coalesce(pin_locked_until > clock_timestamp(), false) AS is_locked"
    " FROM member WHERE id = :member FOR NO KEY UPDATE"
)
_LOCK_OF = sa.text(
    "SELECT phone_locked_at IS NOT NULL AS is_closed, pin_locked_until FROM member"
    " WHERE id = :member"
    " AND (phone_locked_at IS NOT NULL OR pin_locked_until > clock_timestamp())"
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
_WRONG_TODAY = sa.text(
    "SELECT count(*) FROM pin_attempt a JOIN member m ON m.id = a.member_id"
    " WHERE m.id = :member AND a.outcome = 'wrong' AND a.at > clock_timestamp() - interval '1 day'"
    " AND a.at > m.pin_counted_from"
)
# Whoever locks a start PIN out has voided it: staff hand out a new one after looking at the ID.
_CLOSE = sa.text(
    "UPDATE member SET pin_failures = 0, pin_lockouts = pin_lockouts + 1,"
    " pin_locked_until = clock_timestamp() + :length,"
    " start_pin_nonce = NULL, start_pin_until = NULL"
    " WHERE id = :member RETURNING pin_locked_until"
)
_CLOSE_FOR_GOOD = sa.text(
    "UPDATE member SET pin_failures = 0, phone_locked_at = now(), phone_lock_reason = :reason,"
    " start_pin_nonce = NULL, start_pin_until = NULL WHERE id = :member RETURNING member_no"
)
# The hours of caution after a reset count from the use of the start PIN, not from its issue.
_SET = sa.text(
    "UPDATE member SET pin_hash = :hash, pin_failures = 0, pin_lockouts = 0,"
    " pin_reset_at = CASE WHEN pin_hash IS NULL AND pin_reset_at IS NOT NULL THEN now()"
    "                     ELSE pin_reset_at END,"
    " pin_locked_until = NULL, pin_counted_from = clock_timestamp(),"
    " start_pin_nonce = NULL, start_pin_until = NULL WHERE id = :member"
)
_EARLIER = sa.text(
    "SELECT pin_hash FROM pin_history WHERE member_id = :member ORDER BY until DESC LIMIT :last"
)
_REMEMBER = sa.text("INSERT INTO pin_history (member_id, pin_hash) VALUES (:member, :hash)")
_FORGET = sa.text(
    "DELETE FROM pin_history WHERE member_id = :member AND until NOT IN (SELECT until"
    " FROM pin_history WHERE member_id = :member ORDER BY until DESC LIMIT :last)"
)
_ISSUE = sa.text(
    "UPDATE member SET start_pin_nonce = uuid_send(gen_random_uuid()),"
    " start_pin_until = clock_timestamp() + :valid WHERE id = ANY(:members)"
).bindparams(sa.bindparam("members", type_=ARRAY(sa.BigInteger)))
_PROVED = sa.text(
    "SELECT EXISTS (SELECT FROM pin_attempt a JOIN member m ON m.id = a.member_id"
    " WHERE m.id = :member AND a.session_id = :session_id AND a.outcome = 'right'"
    " AND a.at >= m.pin_counted_from)"
)
_WRONG_TRIES = sa.text(
    "SELECT count(*) FROM pin_attempt"
    " WHERE outcome = 'wrong' AND at > clock_timestamp() - make_interval(mins => :minutes)"
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
        """Give the member this PIN, forgetting wrong tries, locks of the PIN and start PINs.

        Raises:
            WeakPin: not four digits, or one that a thief tries first.
        """
        tx.execute(_SET, {"member": member_id, "hash": self.hash(member_id, pin)})

    def change(self, tx: Tx, *, member_id: int, new: str) -> None:
        """Give the member the PIN that she chose. The caller has checked the one before it.

        Raises:
            WeakPin: not four digits, or one that a thief tries first.
            PinUsedBefore: she had it just before, or has it now.
        """
        hashed = self.hash(member_id, new)
        present = tx.execute(_LOCK_MEMBER, {"member": member_id}).one().pin_hash
        # A PIN that was reset is no longer the present one: it is then the first of the earlier.
        kept = DIFFERENT_FROM_LAST - (present is not None)
        earlier = list(tx.scalars(_EARLIER, {"member": member_id, "last": kept}))
        if any(self._matches(member_id, new, old) for old in (present, *earlier) if old):
            raise PinUsedBefore("this PIN was used before")
        if present is not None:
            tx.execute(_REMEMBER, {"member": member_id, "hash": present})
        tx.execute(_FORGET, {"member": member_id, "last": kept})
        tx.execute(_SET, {"member": member_id, "hash": hashed})

    def check(
        self, tx: Tx, *, member_id: int, pin: str, session_id: str, transcript_mac: bytes
    ) -> Verdict:
        """Check a typed PIN and count the try, at most once per hop.

        The member's row stays locked until the transaction ends, so tries count one after the
        other, from however many phones they come. The caller must commit whatever else fails.
        """
        row = tx.execute(_LOCK_MEMBER, {"member": member_id}).one()
        known = _known(tx, row, session_id, transcript_mac)
        if known is not None:
            return known
        if row.is_closed or row.is_locked:
            verdict: Verdict = _still_locked(row)
        elif self._matches(member_id, pin, row.pin_hash):
            verdict = self._right(tx, member_id, pin, row.pin_hash)
        else:
            verdict = _wrong(tx, member_id, row)
        _count(tx, member_id, verdict, session_id, transcript_mac)
        return _close_after_too_many(tx, member_id, verdict)

    def check_start(
        self,
        tx: Tx,
        *,
        member_id: int,
        pin: str,
        id_digits: str,
        session_id: str,
        transcript_mac: bytes,
    ) -> Verdict | StartExpired:
        """Check a start PIN and the last digits of the ID together; one wrong of both is one try.

        Counted as `check` counts. A lock voids the start PIN.
        """
        row = tx.execute(_LOCK_MEMBER, {"member": member_id}).one()
        known = _known(tx, row, session_id, transcript_mac)
        if known is not None:
            return known
        if row.is_closed or row.is_locked:
            verdict: Verdict = _still_locked(row)
        elif not row.start_is_out or row.id_check is None:
            return StartExpired()
        else:
            good = self.start_pin(member_id, bytes(row.start_pin_nonce))
            # Both are compared, whichever is wrong, so that the time tells nothing.
            pin_fits = hmac.compare_digest(good.encode(), pin.encode())
            proof = self.id_check(member_id, id_digits)
            id_fits = hmac.compare_digest(bytes(row.id_check), proof)
            verdict = PinRight() if pin_fits and id_fits else _wrong(tx, member_id, row)
        _count(tx, member_id, verdict, session_id, transcript_mac)
        return _close_after_too_many(tx, member_id, verdict)

    def start_pin(self, member_id: int, nonce: bytes) -> str:
        """The start PIN that this nonce stands for. Never weak, and stored nowhere."""
        for turn in count():
            said = f"start PIN:{member_id}:{nonce.hex()}:{turn}".encode()
            number = int.from_bytes(hmac.digest(self._pepper, said, hashlib.sha256)[:8], "big")
            pin = f"{number % 10**PIN_DIGITS:0{PIN_DIGITS}d}"
            if not is_weak(pin):
                return pin
        raise AssertionError

    def id_check(self, member_id: int, digits: str) -> bytes:
        """What is stored in place of the last digits of her ID."""
        return hmac.digest(self._pepper, f"ID:{member_id}:{digits}".encode(), hashlib.sha256)

    def _right(self, tx: Tx, member_id: int, pin: str, kept: str) -> PinRight:
        if _HASHER.check_needs_rehash(kept):
            kept = _HASHER.hash(self._digest(member_id, pin))
        tx.execute(_RIGHT, {"member": member_id, "hash": kept, "calm": LOCK_MAX})
        return PinRight()

    def _matches(self, member_id: int, pin: str, pin_hash: str | None) -> bool:
        try:
            _HASHER.verify(pin_hash or self._nobodys, self._digest(member_id, pin))
        except VerifyMismatchError:
            return False
        return pin_hash is not None

    def _digest(self, member_id: int, pin: str) -> bytes:
        # With the member in it, equal PINs look different and a hash moved to another row fails.
        return hmac.digest(self._pepper, f"{member_id}:{pin}".encode(), hashlib.sha256)


def issue_starts(tx: Tx, member_ids: Sequence[int], *, valid_h: int) -> None:
    """Let a new start PIN be out for each of these members. One that was out before is void."""
    tx.execute(_ISSUE, {"members": list(member_ids), "valid": timedelta(hours=valid_h)})


def proved_in(tx: Tx, member_id: int, session_id: str) -> bool:
    """Whether this session has proved the PIN, or the start PIN, that she has now.

    Locks her row, so that what staff or another session sets comes before or after. A PIN that
    was typed before the last change of it proves nothing about the one of today.
    """
    tx.execute(_LOCK_MEMBER, {"member": member_id})
    return tx.scalar(_PROVED, {"member": member_id, "session_id": session_id}) is True


def lock_of(tx: Tx, member_id: int) -> PinLocked | None:
    """The lock that holds now, if one does."""
    row = tx.execute(_LOCK_OF, {"member": member_id}).one_or_none()
    return None if row is None else _still_locked(row)


def wrong_tries(tx: Tx, *, minutes: int) -> int:
    """Wrong PINs of all members in the last minutes: one PIN tried on many numbers shows here."""
    return int(tx.scalar(_WRONG_TRIES, {"minutes": minutes}) or 0)


def lock_length(lockouts_before: int) -> timedelta:
    """How long the next lock lasts: 30 minutes, doubled for each lock before, a day at most."""
    # Past a few doublings the cap holds; the exponent stays small for any count in the column.
    doublings: int = 1 << min(lockouts_before, 10)
    return min(LOCK_FIRST * doublings, LOCK_MAX)


def _known(tx: Tx, row: sa.Row[Any], session_id: str, transcript_mac: bytes) -> Verdict | None:
    """What was said to this very hop before, if it was judged."""
    hop = {"session_id": session_id, "transcript_mac": transcript_mac}
    outcome = tx.scalar(_KNOWN, hop)
    if outcome is None:
        return None
    if outcome == "right":
        return PinRight()
    if row.is_closed or row.is_locked:
        return _still_locked(row)
    return PinWrong(WRONG_TRIES_MAX - row.pin_failures)


def _still_locked(row: sa.Row[Any]) -> PinLocked:
    return PinLocked(None if row.is_closed else row.pin_locked_until)


def _wrong(tx: Tx, member_id: int, row: sa.Row[Any]) -> Verdict:
    if row.pin_failures + 1 < WRONG_TRIES_MAX:
        tx.execute(_WRONG, {"member": member_id})
        return PinWrong(WRONG_TRIES_MAX - row.pin_failures - 1)
    length = lock_length(row.pin_lockouts)
    until = tx.scalar(_CLOSE, {"member": member_id, "length": length})
    assert until is not None
    return PinLocked(until, newly=True)


def _count(
    tx: Tx, member_id: int, verdict: Verdict, session_id: str, transcript_mac: bytes
) -> None:
    is_wrong = isinstance(verdict, PinWrong) or (isinstance(verdict, PinLocked) and verdict.newly)
    outcome = "right" if isinstance(verdict, PinRight) else "wrong" if is_wrong else "locked"
    hop = {"session_id": session_id, "transcript_mac": transcript_mac}
    tx.execute(_COUNT, {**hop, "member": member_id, "outcome": outcome})


def _close_after_too_many(tx: Tx, member_id: int, verdict: Verdict) -> Verdict:
    """Whoever guesses slowly, with pauses for each lock, is stopped by the day's count."""
    if isinstance(verdict, PinRight) or (isinstance(verdict, PinLocked) and not verdict.newly):
        return verdict
    wrong = tx.scalar(_WRONG_TODAY, {"member": member_id}) or 0
    if wrong < WRONG_TRIES_A_DAY_MAX:
        return verdict
    closed = tx.scalar(_CLOSE_FOR_GOOD, {"member": member_id, "reason": LOCKED_BY_TRIES})
    # Staff who are asked to open it see in her file when it closed, and that nobody of theirs did.
    audit.record(tx, "phone_locked", by=audit.MEMBER, member_no=closed, reason=LOCKED_BY_TRIES)
    return PinLocked(None, newly=True)
