"""Sending an SMS once more, because a person asks for it."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db import Tx
from app.errors import Refused

ID_END_MIN = 6
"""Letters from the end of an id that name a message. The end is random, the beginning a time."""
ID_LENGTH = 36
_PART_OF_ID = re.compile(r"[0-9a-f-]{1,27}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class CannotResend(Refused):
    """This SMS is not sent again; the message says why and what helps instead."""

    code = "SMS-01"


@dataclass(frozen=True, slots=True)
class Resent:
    """What is on its way again, for the record of acts."""

    id: UUID
    kind: str
    member_no: str
    reference: str | None
    msisdn: str


# By the whole id where that was given, which is quick; by its end otherwise.
_FIND = sa.text(
    "SELECT m.id, m.kind, m.state, m.msisdn, u.msisdn AS number_now, u.member_no, p.reference"
    " FROM message m JOIN member u ON u.id = m.member_id LEFT JOIN payout p ON p.id = m.payout_id"
    " WHERE m.id = ANY(CASE WHEN CAST(:id AS uuid) IS NOT NULL THEN ARRAY[CAST(:id AS uuid)]"
    "  ELSE ARRAY(SELECT id FROM message WHERE CAST(id AS text) LIKE :ending LIMIT 2) END)"
    " FOR UPDATE OF m"
)
# The earlier id at the gateway goes: what is reported about it from now on is about the past.
_AGAIN = sa.text(
    "UPDATE message SET state = 'queued', due_at = now(), attempts = 0, failure = NULL,"
    " provider_message_id = NULL, accepted_at = NULL, finished_at = NULL WHERE id = :id"
)


def resend(tx: Tx, name: str) -> Resent:
    """Queue a message again with the same text, so that a repeat reads as one.

    Args:
        tx: The transaction, in which the caller also records who asked for it.
        name: Its id, or the end of it.

    Raises:
        CannotResend: there is no such message, it is still on its way, its number belongs to the
            member no more, or it holds a start PIN.
    """
    row = _find(tx, name.strip().lower())
    if row.kind == "start_pin":
        raise CannotResend("a start PIN is not sent twice; `baraza members pin-reset` makes one")
    if row.state == "queued":
        raise CannotResend("it is still waiting to be sent; `baraza sms status` says why")
    if row.msisdn != row.number_now:
        raise CannotResend("the member has another number now, and the text may not be its owner's")
    tx.execute(_AGAIN, {"id": row.id})
    return Resent(row.id, row.kind, row.member_no, row.reference, row.msisdn)


def _find(tx: Tx, name: str) -> sa.Row[Any]:
    if len(name) < ID_END_MIN or not _PART_OF_ID.fullmatch(name):
        raise CannotResend(f"{name[:40]!r} is no id; `baraza sms list` shows them")
    whole = name if len(name) == ID_LENGTH else None
    found = tx.execute(_FIND, {"id": whole, "ending": f"%{name}"}).all()
    if not found:
        raise CannotResend("there is no SMS with this id; `baraza sms list` shows the latest")
    if len(found) > 1:
        raise CannotResend("several SMS have an id that ends so; give more of it")
    return found[0]
