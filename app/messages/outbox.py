"""The outbox of SMS: a text is queued in the transaction of the change that it tells about.

Delivery is at least once: the gateway knows no idempotency key, so a call without an answer is
repeated, and the reference in the text makes a repeat read as one. A receipt is never given up
silently: what could not be sent is `failed`, with the reason.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from app import config
from app.db import Database, Tx
from app.messages import texts

if TYPE_CHECKING:
    from app.providers.africastalking import Sms

BATCH_MAX = 48
"""Messages for one ringing: a few waves, so that a rush costs few jobs."""

_QUEUE = sa.text(
    "INSERT INTO message (id, kind, payout_id, member_id, msisdn, language, body)"
    " VALUES (:id, :kind, :payout, :member, :msisdn, :language, :body)"
    " ON CONFLICT DO NOTHING RETURNING true"
)


def queue(
    tx: Tx,
    kind: str,
    *,
    message_id: UUID,
    member_id: int,
    msisdn: str,
    language: str,
    facts: Mapping[str, Any],
    payout_id: UUID | None = None,
) -> bool:
    """Write one SMS to be sent once this database transaction is committed.

    A payout has at most one message of a kind, so a repeated step may queue again without harm.

    Args:
        tx: The transaction of the change.
        kind: One of `texts.KINDS`.
        message_id: Made before; the same id is queued once.
        member_id: Whom it is for.
        msisdn: Where it goes, E.164.
        language: `en` or `sw`.
        facts: What the text of this kind needs. `tel` is the SACCO's help line unless given.
        payout_id: The payout that it tells about, if it tells about one.

    Returns:
        Whether it is new.

    Raises:
        Broken: there is no such text, or the facts do not fit it.
    """
    body = texts.render(kind, language, {"tel": _help_line(), **facts})
    row = {
        "id": message_id,
        "kind": kind,
        "payout": payout_id,
        "member": member_id,
        "msisdn": msisdn,
        "language": language,
        "body": body,
    }
    return tx.scalar(_QUEUE, row) is True


@cache
def _help_line() -> str:
    """The SACCO's phone number.

    Texts are written deep inside steps that carry no settings, and a process has one environment
    for its whole life.
    """
    return config.load().sacco_phone


def waiting(tx: Tx) -> bool:
    """Whether a message is due. For the timekeeper, who then rings."""
    return tx.scalar(sa.text("SELECT EXISTS (SELECT FROM message WHERE due_at <= now())")) is True


def release(tx: Tx, worker: str) -> int:
    """Make what a dead worker had claimed due at once. Returns how many messages that were."""
    return tx.execute(
        sa.text(
            "UPDATE message SET due_at = now(), claimed_by = NULL, lease_until = NULL"
            " WHERE claimed_by = :worker AND lease_until IS NOT NULL"
        ),
        {"worker": worker},
    ).rowcount


def send_due(
    db: Database, gateway: "Sms", *, worker: str, limit: int = BATCH_MAX
) -> dict[str, int]:
    """Send what is due, at most `limit` messages, several at once.

    Returns:
        Counts for the dashboard: `accepted`, `failed` for good, to be tried `again`, and `late`,
        whose claim had passed to another worker before the answer came. Together they are what
        was claimed; when that is `limit`, more may be due.
    """
    # Late, because the web queues messages too and has no use for the gateway's SDK.
    from app.messages import sending

    counts: dict[str, int] = dict.fromkeys(sending.ENDS, 0)
    while (room := limit - sum(counts.values())) > 0:
        with db.transaction() as tx:
            claimed = sending.claim(tx, worker=worker, limit=min(room, sending.CALLS_MAX))
        if not claimed:
            break
        for end, number in sending.send(db, gateway, claimed, worker=worker).items():
            counts[end] += number
    return counts
