"""Identifiers, made before anything is done under them.

An id that is stored first makes every retry safe. Functions take the clock reading and the
randomness they use, so that a seed replays a run.
"""

import secrets
from collections.abc import Callable
from datetime import UTC, date, datetime
from uuid import UUID

RandomBytes = Callable[[int], bytes]

REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0, O, 1, I and L, which people misread on the phone."""
REFERENCE_PREFIX = "BRZ"
REFERENCE_LENGTH = 10


def uuid7(at: datetime, random_bytes: RandomBytes = secrets.token_bytes) -> UUID:
    """A UUID version 7 (RFC 9562): 48 bits of milliseconds, then random.

    The month inside the id chooses the ledger partition it will ever land in, which makes the
    id's uniqueness within its partition global.
    """
    milliseconds = int(at.timestamp() * 1000)
    random = int.from_bytes(random_bytes(10), "big")
    value = milliseconds << 80
    value |= 0x7 << 76 | (random >> 68 & 0xFFF) << 64
    value |= 0b10 << 62 | random & ((1 << 62) - 1)
    return UUID(int=value)


def id_time(value: UUID) -> datetime:
    """The moment inside a UUID version 7, to the millisecond, in UTC."""
    return datetime.fromtimestamp((value.int >> 80) / 1000, tz=UTC)


def id_date(value: UUID) -> date:
    """The UTC date inside a UUID version 7."""
    return id_time(value).date()


def reference(random_bytes: RandomBytes = secrets.token_bytes) -> str:
    """A payout's name among people: `BRZ` and seven characters (27 thousand million of them).

    Uniqueness is the database's to say; the caller tries again on a collision.
    """
    number = int.from_bytes(random_bytes(8), "big")
    letters = []
    for _ in range(REFERENCE_LENGTH - len(REFERENCE_PREFIX)):
        number, index = divmod(number, len(REFERENCE_ALPHABET))
        letters.append(REFERENCE_ALPHABET[index])
    return REFERENCE_PREFIX + "".join(letters)


def originator_conversation_id(payout_id: UUID) -> str:
    """The one id under which M-PESA ever hears of this payout.

    It is the payout's own id in text, so that no lost row, no retry and no person can lead to a
    second one.
    """
    return str(payout_id)
