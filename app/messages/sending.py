"""Handing claimed messages to the gateway, and keeping what it answers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app import rows
from app.db import Database, Tx
from app.messages import blocks, delivery, pause
from app.messages.answers import ATTEMPTS_MAX, ENDS, NO_LONGER_VALID, End, Result, judge
from app.messages.blocks import Sign
from app.messages.texts import PIN_MARK
from app.observability import logger
from app.providers import africastalking, pauses
from app.providers.africastalking import Sms
from app.providers.pauses import Held

CALLS_MAX = 32
"""Calls at once. A wave is no longer than this, so no claimed message waits unsent."""
GATHER_S = 0.02
"""After a first answer, others that come within this long are recorded with it."""
LEASE_S = 60
"""Several times the gateway's longest answer."""
FAILURE_LENGTH_MAX = 200
START_PIN = "start_pin"
"""The one kind whose text is not whole before it is sent."""

StartPins = Callable[[Tx, Mapping[int, str]], Mapping[int, str]]
"""Given members and the numbers that would be told: the start PINs that are out, by member.

Whoever has none, or another number by now, is left out. It comes from outside, because messages
know nothing of PINs.
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours to send until its lease ends. This attempt is already counted."""

    id: UUID
    kind: str
    member_id: int
    msisdn: str
    body: str
    attempts: int
    blocked: bool
    """Its number had blocked our sender."""
    replaced: bool
    """A later message of this kind went to the same member. Asked about start PINs only."""
    probe: bool = False
    """It finds out whether our account has credit again."""


# What has used up its attempts is in here only if the worker ended during the last one.
_CLAIM = sa.text(
    """
    WITH due AS (
        SELECT id, attempts FROM message WHERE due_at <= now() ORDER BY bulk, due_at LIMIT :limit
        FOR UPDATE SKIP LOCKED
    ), given_up AS (
        UPDATE message m SET state = 'failed', due_at = NULL, lease_until = NULL,
            finished_at = now(),
            failure = 'the worker ended during the last attempt; it may have arrived'
        FROM due WHERE m.id = due.id AND due.attempts >= :attempts_max
    )
    UPDATE message m SET claimed_by = :worker, attempts = m.attempts + 1,
        lease_until = now() + :lease, due_at = now() + :lease
    FROM due WHERE m.id = due.id AND due.attempts < :attempts_max
    RETURNING m.id, m.kind, m.member_id, m.msisdn, m.body, m.attempts,
        EXISTS (SELECT FROM sms_block b WHERE b.msisdn = m.msisdn) AS blocked,
        m.kind = :start_pin AND EXISTS (
            SELECT FROM message n WHERE n.member_id = m.member_id AND n.kind = m.kind
            AND (n.queued_at, n.id) > (m.queued_at, m.id)
        ) AS replaced
    """
)
_ANSWERED = {
    "id": "uuid",
    "attempts": "smallint",
    "uncounted": "smallint",
    "state": "text",
    "failure": "text",
    "provider_message_id": "text",
    "wait": "interval",
}
# Whoever lost the claim writes nothing: another worker's attempt is under way.
_RECORD = sa.text(
    "UPDATE message m SET state = r.state, failure = r.failure,"  # noqa: S608 - constants
    " provider_message_id = coalesce(r.provider_message_id, m.provider_message_id),"
    " attempts = m.attempts - r.uncounted, due_at = now() + r.wait, lease_until = NULL,"
    " accepted_at = CASE WHEN r.state = 'accepted' THEN now() END,"
    " finished_at = CASE WHEN r.state = 'failed' THEN now() END"
    f" FROM {rows.source(_ANSWERED)}"
    " WHERE m.id = r.id AND m.claimed_by = :worker AND m.attempts = r.attempts"
    " AND m.state = 'queued' RETURNING m.id"
)


def claim(tx: Tx, *, worker: str, limit: int) -> list[Claimed]:
    """Take messages that are due. Commit before calling: a call must never be forgotten.

    The lease is the new `due_at`: if this worker dies, the messages come due by themselves.
    """
    if any(one.step is Held.SMS for one in pauses.in_force(tx)):
        return []
    permit = pause.permit(tx)
    if permit == "none":
        return []
    facts = {
        "worker": worker,
        "limit": limit if permit == "all" else 1,
        "lease": timedelta(seconds=LEASE_S),
        "attempts_max": ATTEMPTS_MAX,
        "start_pin": START_PIN,
    }
    claimed = [Claimed(*row) for row in tx.execute(_CLAIM, facts)]
    if claimed and permit == "probe":
        pause.probing(tx, lease_s=LEASE_S)
        return [replace(message, probe=True) for message in claimed]
    return claimed


def send(
    db: Database,
    gateway: Sms,
    claimed: Sequence[Claimed],
    *,
    worker: str,
    start_pins: StartPins,
) -> dict[End, int]:
    """Send all of these at once and record each answer as it comes. No transaction is held open."""
    counts = dict.fromkeys(ENDS, 0)
    if not claimed:
        return counts
    pins = _start_pins(db, claimed, start_pins)
    with ThreadPoolExecutor(len(claimed), thread_name_prefix="sms") as pool:
        calls = {
            pool.submit(_call, gateway, message, pins.get(message.id)): message
            for message in claimed
        }
        for group in _as_they_come(calls):
            for end in _record_group(db, group, worker=worker):
                counts[end] += 1
    return counts


def _start_pins(db: Database, claimed: Sequence[Claimed], start_pins: StartPins) -> dict[UUID, str]:
    """The PINs to put into these texts, by message. They go nowhere but into the call."""
    asked = [m for m in claimed if m.kind == START_PIN and not m.replaced]
    if not asked:
        return {}
    with db.transaction() as tx:
        known = start_pins(tx, {message.member_id: message.msisdn for message in asked})
    return {m.id: known[m.member_id] for m in asked if m.member_id in known}


def _call(gateway: Sms, message: Claimed, pin: str | None) -> Result:
    secret = message.kind == START_PIN
    if secret and pin is None:
        return Result("failed", NO_LONGER_VALID)
    try:
        text = message.body.replace(PIN_MARK, pin) if pin else message.body
        outcome = gateway.send(to=message.msisdn, text=text)
    except Exception as raised:  # noqa: BLE001 - one message must not hold up the others
        logger().error("sms_gateway_raised", message=str(message.id), reason=type(raised).__name__)
        outcome = africastalking.InDoubt(type(raised).__name__)
    return judge(outcome, attempt=message.attempts, blocked=message.blocked, secret=secret)


def _as_they_come(
    calls: dict[Future[Result], Claimed],
) -> Iterator[list[tuple[Claimed, Result]]]:
    left = set(calls)
    while left:
        wait(left, return_when=FIRST_COMPLETED)
        done, left = wait(left, timeout=GATHER_S)
        yield [(calls[future], future.result()) for future in done]


def _record_group(
    db: Database, group: list[tuple[Claimed, Result]], *, worker: str
) -> Iterator[End]:
    """Record together; if PostgreSQL refuses one of them, each alone."""
    try:
        with db.transaction() as tx:
            ends = _record(tx, group, worker=worker)
    except DBAPIError as refused:
        if len(group) == 1:
            # Its lease brings it back; sent twice is better than never known.
            logger().error("sms_unrecorded", reason=type(refused.orig).__name__)
            yield "late"
            return
        for one in group:
            yield from _record_group(db, [one], worker=worker)
        return
    yield from ends


def _record(tx: Tx, group: list[tuple[Claimed, Result]], *, worker: str) -> list[End]:
    accepted = [r.provider_message_id for _, r in group if r.provider_message_id]
    delivery.lock(tx, accepted)
    ends: list[End] = []
    answered = rows.arrays(_ANSWERED, [_columns(message, result) for message, result in group])
    kept = set(tx.scalars(_RECORD, {**answered, "worker": worker}))
    for message, result in group:
        held = message.id in kept
        if not held:
            logger().warning("sms_outcome_late", message=str(message.id), outcome=result.end)
        elif result.end != "accepted":
            logger().warning("sms_not_sent", message=str(message.id), reason=result.failure)
        ends.append(result.end if held else "late")
    _record_credit(tx, group)
    signs = [Sign(m.msisdn, m.member_id, blocked=True, at=None) for m, r in group if r.blocked]
    blocks.note(tx, [*signs, *delivery.apply(tx, accepted)])
    return ends


def _record_credit(tx: Tx, group: list[tuple[Claimed, Result]]) -> None:
    """Begin, prolong or end the pause.

    Only a probe ends it: of several calls at once, one can be taken just before the credit ran out
    and answered just after.
    """
    refusals = [result.failure or "" for _, result in group if result.out_of_credit]
    if refusals:
        pause.refused(tx, refusals[0])
    elif any(message.probe and result.end == "accepted" for message, result in group):
        pause.over(tx)
    elif any(message.probe and result.failure == NO_LONGER_VALID for message, result in group):
        # It never reached the gateway, so it found nothing out; thousands may be like it.
        pause.probing(tx, lease_s=0)


def _columns(message: Claimed, result: Result) -> dict[str, Any]:
    return {
        "id": message.id,
        "attempts": message.attempts,
        "uncounted": 1 if result.out_of_credit else 0,
        "state": "queued" if result.end == "again" else result.end,
        "failure": None if result.failure is None else result.failure[:FAILURE_LENGTH_MAX],
        "provider_message_id": result.provider_message_id,
        "wait": None if result.wait_s is None else timedelta(seconds=result.wait_s),
    }
