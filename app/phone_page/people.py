"""The demo's members that are worth trying, with what a person at the page must know of them."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.db import Tx


@dataclass(frozen=True, slots=True)
class Hint:
    """What the database cannot tell."""

    pin: str | None
    id_digits: str | None
    note: str


HINTS = {
    "M00001": Hint("4071", "3344", "KES 50,000.00 in savings."),
    "M00002": Hint("5193", "7788", "Reads Swahili."),
    "M00003": Hint("4071", "0003", "Has two accounts to choose from."),
    "M00004": Hint(
        None,
        "0004",
        "Has not chosen a PIN yet. Her start PIN comes by SMS after"
        " `baraza members pin-reset M00004 --reason demo`.",
    ),
    "M00005": Hint("4071", "0005", "Dormant."),
    "M00006": Hint("4071", "0006", "Shares her account with another person."),
    "M00007": Hint("4071", "0007", "A court holds her savings."),
    "M00008": Hint("4071", "0008", "Nothing special; good for a second phone."),
    "M00011": Hint(None, "0011", "Has no PIN at all."),
}
FIRST = "+254712345678"
"""Whose number the first member of the demo has. With other members there is nothing to hint at."""

_KNOWN = sa.text(
    "SELECT member_no, msisdn, name, language FROM member"
    " WHERE member_no = ANY(:numbers) AND EXISTS"
    "   (SELECT FROM member WHERE member_no = 'M00001' AND msisdn = :first)"
    " ORDER BY member_no"
)
STRANGER = {
    "phone": "+254700000009",
    "name": "Nobody we know",
    "language": "en",
    "pin": None,
    "note": "This number belongs to no member.",
    "id_digits": None,
}


def known(tx: Tx) -> list[dict[str, Any]]:
    """The members to choose from, and a stranger."""
    rows = tx.execute(_KNOWN, {"numbers": list(HINTS), "first": FIRST})
    members = [
        {
            "phone": row.msisdn,
            "name": row.name,
            "language": row.language,
            "pin": HINTS[row.member_no].pin,
            "note": HINTS[row.member_no].note,
            "id_digits": HINTS[row.member_no].id_digits,
        }
        for row in rows
    ]
    return [*members, STRANGER]
