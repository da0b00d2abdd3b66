"""Codes of an authenticator app (TOTP, RFC 6238), and codes on paper for when the phone is lost.

A code is taken once. A wrong one counts as a wrong password does, and locks the account like it.
Seeds are encrypted with a key derived from SECRET_KEY: whoever steals the database has none.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyotp
import segno
import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app import audit as app_audit
from app import clock
from app.audit import Actor
from app.db import Tx
from app.errors import Refused
from app.observability import logger
from app.staff import audit
from app.staff.audit import Action
from app.staff.locking import count_failure, forget_failures

STEP_S = 30
DRIFT_STEPS = 1
"""How far a phone's clock may be off, either way."""
RECOVERY_CODES = 10
RECOVERY_BYTES = 8


class WrongCode(Refused):
    """The code is wrong, was used before, or the account is locked for a while."""

    code = "ST-10"


class NoSecondFactor(Refused):
    """The account has none."""

    code = "ST-11"


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person has set up."""

    has_app: bool
    codes_left: int


class Seeds:
    """Encrypts and decrypts the seeds of authenticator apps."""

    def __init__(self, secret_key: str) -> None:
        derived = HKDF(SHA256(), length=32, salt=None, info=b"baraza second factors")
        self._fernet = Fernet(base64.urlsafe_b64encode(derived.derive(secret_key.encode())))

    def hidden(self, seed: str) -> bytes:
        """As it is kept."""
        return self._fernet.encrypt(seed.encode())

    def shown(self, kept: bytes) -> str:
        """As the app knows it."""
        return self._fernet.decrypt(kept).decode()


_ROW = sa.text(
    "SELECT totp_secret, totp_last_step, coalesce(locked_until > now(), false) AS is_locked"
    " FROM staff WHERE id = :id AND disabled_at IS NULL FOR UPDATE"
)
_TAKEN = sa.text("UPDATE staff SET totp_last_step = :step WHERE id = :id")
_SET = sa.text("UPDATE staff SET totp_secret = :seed, totp_last_step = :step WHERE id = :id")
_USE = sa.text(
    "UPDATE staff_recovery_code SET used_at = now()"
    " WHERE staff_id = :id AND sha256 = :hash AND used_at IS NULL"
)
_FORGET_CODES = sa.text("DELETE FROM staff_recovery_code WHERE staff_id = :id")
_FORGET_PASSKEYS = sa.text("DELETE FROM staff_passkey WHERE staff_id = :id")
_ADD_CODE = sa.text("INSERT INTO staff_recovery_code (staff_id, sha256) VALUES (:id, :hash)")
_FACTORS = sa.text(
    "SELECT totp_secret IS NOT NULL AS has_app, (SELECT count(*) FROM staff_recovery_code c"
    " WHERE c.staff_id = s.id AND c.used_at IS NULL) AS codes_left FROM staff s WHERE id = :id"
)


def new_seed() -> str:
    """A seed for somebody's app, which nobody has yet."""
    return pyotp.random_base32()


def picture(seed: str, *, email: str, issuer: str) -> str:
    """The QR code to point an app at, as SVG."""
    address = pyotp.TOTP(seed).provisioning_uri(name=email, issuer_name=issuer)
    drawn: str = segno.make(address, error="m").svg_inline(scale=5, border=2, omitsize=True)
    return drawn


def set_up(tx: Tx, staff_id: int, seed: str, code: str, *, seeds: Seeds, source: str) -> list[str]:
    """Keep a seed that the person's app has shown to know. Returns the codes for the drawer.

    Raises:
        WrongCode: the app shows something else; its clock may be off.
    """
    step = step_of(seed, code, after=0, now=clock.now())
    if step is None:
        raise WrongCode("The code does not fit. Is the phone's clock right? Type the newest one.")
    tx.execute(_SET, {"id": staff_id, "seed": seeds.hidden(seed), "step": step})
    tx.execute(_FORGET_CODES, {"id": staff_id})
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    tx.execute(_ADD_CODE, [{"id": staff_id, "hash": _hash(one)} for one in codes])
    audit.record(tx, Action.SECOND_FACTOR_SET, staff_id=staff_id, source=source)
    return codes


def take_away(tx: Tx, staff_id: int, *, reason: str, by: Actor) -> None:
    """Forget a person's factors, so that new ones can be set up.

    Raises:
        NoSecondFactor: there is nothing to forget.
    """
    if not factors(tx, staff_id).has_app:
        raise NoSecondFactor("This account has no second factor.")
    tx.execute(_SET, {"id": staff_id, "seed": None, "step": 0})
    tx.execute(_FORGET_CODES, {"id": staff_id})
    tx.execute(_FORGET_PASSKEYS, {"id": staff_id})
    app_audit.record(tx, Action.SECOND_FACTOR_RESET, by=by, staff=staff_id, reason=reason)


def factors(tx: Tx, staff_id: int) -> Factors:
    """What a person has set up."""
    row = tx.execute(_FACTORS, {"id": staff_id}).one()
    return Factors(row.has_app, row.codes_left)


def matches(tx: Tx, staff_id: int, code: str, *, seeds: Seeds, source: str) -> bool:
    """Whether this is the person's code of this moment, or one from the drawer. Counts the try.

    Commit whatever it says: a refusal that is rolled back would be a free guess.
    """
    row = tx.execute(_ROW, {"id": staff_id}).one_or_none()
    if row is None or row.is_locked or row.totp_secret is None:
        return False
    if _is_right(tx, staff_id, code, row, seeds):
        forget_failures(tx, staff_id)
        return True
    count_failure(tx, staff_id)
    audit.record(tx, Action.CODE_REFUSED, staff_id=staff_id, source=source)
    return False


def _is_right(tx: Tx, staff_id: int, code: str, row: Any, seeds: Seeds) -> bool:
    step = _step_of_kept(row, code, seeds)
    if step is not None:
        tx.execute(_TAKEN, {"id": staff_id, "step": step})
        return True
    return bool(tx.execute(_USE, {"id": staff_id, "hash": _hash(code)}).rowcount)


def _step_of_kept(row: Any, code: str, seeds: Seeds) -> int | None:
    try:
        seed = seeds.shown(row.totp_secret)
    except InvalidToken:
        # SECRET_KEY was changed. The codes from the drawer still open.
        logger().warning("second_factor_unreadable")
        return None
    return step_of(seed, code, after=row.totp_last_step, now=clock.now())


def step_of(seed: str, code: str, *, after: int, now: datetime) -> int | None:
    """The half minute whose code this is: the present one or a neighbour, if later than `after`."""
    present = int(now.timestamp()) // STEP_S
    app = pyotp.TOTP(seed)
    fitting = [
        step
        for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1)
        if secrets.compare_digest(app.at(step * STEP_S).encode(), _bare(code).encode())
    ]
    return next((step for step in fitting if step > after), None)


def _bare(code: str) -> str:
    """As people type codes: with spaces and dashes, in capitals."""
    return "".join(code.split()).replace("-", "").lower()


def _recovery_code() -> str:
    """Sixteen letters and digits in fours, easy to read from paper."""
    plain = secrets.token_hex(RECOVERY_BYTES)
    return "-".join(plain[i : i + 4] for i in range(0, len(plain), 4))


def _hash(code: str) -> bytes:
    return hashlib.sha256(_bare(code).encode()).digest()
