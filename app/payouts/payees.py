"""Whom M-PESA says it paid, held against the member's name on file. It moves no money.

M-PESA paid the number that we asked for, and the number is what binds. Another name on it is a sign
for people: numbers get new owners, and files have slips. Names are not kept here, only whether they
fit: the stranger's name stays in the message that told it.
"""

import re
import unicodedata
from enum import StrEnum

import sqlalchemy as sa

from app import audit
from app.audit import Actor
from app.db import Tx
from app.errors import Refused

WORD_LENGTH_MIN = 3
"""Initials, "wa" and "de" are in too many names to tell people apart."""
_APOSTROPHES = re.compile(r"['\u2018\u2019\u02bc\u0060\u00b4]")
_WORD = re.compile(r"[^\W\d_]+")
_MASK = re.compile(r"[*\u2022]|\b[xX]{2,}\b")


class Payee(StrEnum):
    """How the name on the paid number compares with the member's."""

    SAME = "same"
    OTHER = "other"


class NothingToCheck(Refused):
    """M-PESA named nobody else for this payout, or there is no such payout."""

    code = "PO-41"


def compare(on_file: str, told: str | None) -> Payee | None:
    """Whether two names have a word in common. None: the one told is absent, masked or too short.

    One word is enough: M-PESA writes two or three of a person's names, in any order.
    """
    if told is None or _MASK.search(told):
        return None
    ours, theirs = _words(on_file), _words(told)
    if not ours or not theirs:
        return None
    return Payee.SAME if ours & theirs else Payee.OTHER


def _words(name: str) -> frozenset[str]:
    """Its words without accents, apostrophes and capitals: Ng'ang'a is nganga."""
    plain = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", name))
    letters = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    return frozenset(w for w in _WORD.findall(letters) if len(w) >= WORD_LENGTH_MIN)


def checked(tx: Tx, reference: str, *, reason: str, by: Actor) -> str:
    """Note that somebody looked: the number is the member's. Holds for 180 days. Her member number.

    Raises:
        NothingToCheck: M-PESA named nobody else for this payout.
    """
    row = tx.execute(
        sa.text(
            "SELECT p.member_id, p.msisdn, p.reference, m.member_no"
            " FROM payout p JOIN member m ON m.id = p.member_id WHERE p.reference = :reference"
            " AND EXISTS (SELECT FROM evidence WHERE payout_id = p.id AND payee = 'other')"
        ),
        {"reference": reference},
    ).one_or_none()
    if row is None:
        raise NothingToCheck(f"M-PESA named nobody else than the member for {reference}")
    tx.execute(
        sa.text(
            "INSERT INTO payee_check (member_id, msisdn, reference, reason, checked_by)"
            " VALUES (:member, :msisdn, :reference, :reason, :by)"
        ),
        {
            "member": row.member_id,
            "msisdn": row.msisdn,
            "reference": row.reference,
            "reason": reason,
            "by": by.title,
        },
    )
    audit.record(
        tx, "payee_checked", by=by, member=row.member_no, payout=row.reference, reason=reason
    )
    return str(row.member_no)
