"""Numbers whose owners blocked our sender, remembered so that staff can tell them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.db import Tx
from app.observability import logger

BLACKLISTED = "userinblacklist"
"""The word of answers and delivery reports alike, in small letters."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What one message tells about its number."""

    msisdn: str
    member_id: int
    blocked: bool
    """False: it arrived on the handset."""
    at: datetime | None
    """When the gateway took the message, which orders the signs; None: just now, refused."""


# Whatever order reports come in, the message that was accepted last has the say.
_BLOCK = sa.text(
    "INSERT INTO sms_block (msisdn, reason, blocked_at)"
    " SELECT :msisdn, 'UserInBlacklist', coalesce(:at, now())"
    " WHERE NOT EXISTS (SELECT FROM message m WHERE m.member_id = :member AND m.msisdn = :msisdn"
    "  AND m.state = 'delivered' AND m.accepted_at > coalesce(:at, now()))"
    " ON CONFLICT (msisdn) DO UPDATE SET"
    " blocked_at = greatest(sms_block.blocked_at, excluded.blocked_at)"
).bindparams(sa.bindparam("at", type_=sa.DateTime(timezone=True)))
_CLEAR = sa.text(
    "DELETE FROM sms_block WHERE msisdn = :msisdn AND blocked_at <= coalesce(:at, now())"
).bindparams(sa.bindparam("at", type_=sa.DateTime(timezone=True)))


def note(tx: Tx, signs: Iterable[Sign]) -> None:
    """Remember blocks, and forget those of numbers that a message reached after all.

    Call it last in a transaction, once: the numbers' locks are taken in sorted order, so that two
    groups cannot wait for each other in a circle, and what came before is seen by the other.
    """
    for sign in sorted(signs, key=lambda one: one.msisdn):
        tx.execute(
            sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:number, 8))"),
            {"number": sign.msisdn},
        )
        facts = {"msisdn": sign.msisdn, "at": sign.at}
        if sign.blocked:
            tx.execute(_BLOCK, {**facts, "member": sign.member_id})
        elif tx.execute(_CLEAR, facts).rowcount:
            logger().info("sms_block_over", member=sign.member_id)
