"""The outbox of SMS: a text is queued in the transaction of the change that it tells about.

Delivery is at least once: the gateway knows no idempotency key, so a call without an answer is
repeated, and the reference in the text makes a repeat read as one. A receipt is never given up
silently: what could not be sent is `failed`, with the reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa

from app import config, rows
from app.db import Database, Tx
from app.messages import texts
from app.providers import pauses
from app.providers.pauses import Held

if TYPE_CHECKING:
    from app.messages.sending import StartPins
    from app.providers.africastalking import Sms

BATCH_MAX = 64
"""Messages for one ringing: a few waves, so that a rush costs few jobs."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One of many members who get the same text, each in her own language."""

    message_id: UUID
    member_id: int
    msisdn: str
    language: str


@dataclass(frozen=True, slots=True)
class Text:
    """One SMS to one member, to be sent once the change that it tells about is committed."""

    kind: str
    """One of `texts.KINDS`."""
    message_id: UUID
    """Made before; the same id is queued once."""
    member_id: int
    msisdn: str
    """E.164."""
    language: str
    """`en` or `sw`."""
    facts: Mapping[str, Any]
    """What the text of this kind needs. The SACCO's help line (`tel`) and service code (`dial`)
    are known here unless given."""
    payout_id: UUID | None = None
    """The payout that it tells about, if it tells about one."""


_QUEUED = {
    "id": "uuid",
    "kind": "text",
    "payout": "uuid",
    "member": "bigint",
    "msisdn": "text",
    "language": "text",
    "body": "text",
}
_QUEUE = sa.text(
    "INSERT INTO message (id, kind, payout_id, member_id, msisdn, language, body)"  # noqa: S608 - constants
    " SELECT id, kind, payout, member, msisdn, language, body"
    f" FROM {rows.source(_QUEUED)} ORDER BY nth ON CONFLICT DO NOTHING"
)
_QUEUE_MANY = sa.text(
    "INSERT INTO message (id, kind, member_id, msisdn, language, body, bulk)"
    " SELECT r.id, :kind, r.member_id, r.msisdn, :language, :body, true FROM unnest("
    " CAST(:ids AS uuid[]), CAST(:members AS bigint[]), CAST(:numbers AS text[])"
    ") r (id, member_id, msisdn) ON CONFLICT DO NOTHING"
)
_WAITING = sa.text(
    "SELECT EXISTS (SELECT FROM message WHERE due_at <= now())"  # noqa: S608 - a constant
    " AND NOT EXISTS (SELECT FROM sms_pause WHERE probe_at > now())"
    f" AND NOT {pauses.is_paused(Held.SMS)}"
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
    """Write one SMS to be sent once this database transaction is committed. Whether it is new.

    A payout has at most one message of a kind, so a repeated step may queue again without harm.

    Raises:
        Broken: there is no such text, or the facts do not fit it.
    """
    text = Text(kind, message_id, member_id, msisdn, language, facts, payout_id)
    return queue_all(tx, [text]) == 1


def queue_all(tx: Tx, wanted: Sequence[Text]) -> int:
    """Write many SMS, as `queue` does one. Returns how many are new.

    Raises:
        Broken: as `queue`, for any of them.
    """
    if not wanted:
        return 0
    facts = [
        {
            "id": one.message_id,
            "kind": one.kind,
            "payout": one.payout_id,
            "member": one.member_id,
            "msisdn": one.msisdn,
            "language": one.language,
            "body": _render(one.kind, one.language, one.facts),
        }
        for one in wanted
    ]
    return tx.execute(_QUEUE, rows.arrays(_QUEUED, facts)).rowcount


def queue_many(tx: Tx, kind: str, recipients: Sequence[Recipient], facts: Mapping[str, Any]) -> int:
    """Write the same SMS for many members, to be sent once this transaction is committed.

    They wait behind everything that was queued for one member: a large import must not hold up
    anybody's receipt.

    Returns:
        How many are new. A message id is queued once.

    Raises:
        Broken: there is no such text, or the facts do not fit it.
    """
    new = 0
    for language in texts.LANGUAGES:
        theirs = [one for one in recipients if one.language == language]
        if not theirs:
            continue
        columns = {
            "kind": kind,
            "language": language,
            "body": _render(kind, language, facts),
            "ids": [one.message_id for one in theirs],
            "members": [one.member_id for one in theirs],
            "numbers": [one.msisdn for one in theirs],
        }
        new += tx.execute(_QUEUE_MANY, columns).rowcount
    return new


def _render(kind: str, language: str, facts: Mapping[str, Any]) -> str:
    needed = texts.names(kind)
    known = {name: value for name, value in _house().items() if name in needed}
    return texts.render(kind, language, {**known, **facts})


@cache
def _house() -> Mapping[str, str]:
    """The SACCO's phone number and service code.

    Texts are written deep inside steps that carry no settings, and a process has one environment
    for its whole life.
    """
    settings = config.load()
    return {"tel": settings.sacco_phone, "dial": settings.ussd_service_codes[0]}


def waiting(tx: Tx) -> bool:
    """Whether a message is due and may be sent. For the timekeeper, who then rings."""
    return tx.scalar(_WAITING) is True


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
    db: Database,
    gateway: "Sms",
    *,
    worker: str,
    start_pins: "StartPins",
    limit: int = BATCH_MAX,
) -> dict[str, int]:
    """Send what is due, at most `limit` messages, several at once.

    Args:
        db: Where the outbox is.
        gateway: Who takes the messages.
        worker: The name of this process, under which messages are claimed.
        start_pins: Finds the PINs that are put into start PIN texts on their way out.
        limit: How many at most.

    Returns:
        Counts for the dashboard: `accepted`, `failed` for good, to be tried `again`, and `late`,
        whose claim had passed to another worker before the answer came. Together they are what
        was claimed; when that is `limit`, more may be due.
    """
    # Late, because the web queues messages too and has no use for the gateway's SDK.
    from app.messages import answers, sending

    counts: dict[str, int] = dict.fromkeys(answers.ENDS, 0)
    more = True
    while more and (room := limit - sum(counts.values())) > 0:
        wave = min(room, sending.CALLS_MAX)
        with db.transaction() as tx:
            claimed = sending.claim(tx, worker=worker, limit=wave)
        more = len(claimed) == wave or any(message.probe for message in claimed)
        ends = sending.send(db, gateway, claimed, worker=worker, start_pins=start_pins)
        for end, number in ends.items():
            counts[end] += number
    return counts
