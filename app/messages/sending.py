"""Handing claimed messages to the gateway, and what follows from each answer."""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.db import Database, Tx
from app.messages import delivery
from app.observability import logger
from app.providers import africastalking
from app.providers.africastalking import Sms, SmsOutcome

CALLS_MAX = 16
"""Calls at once. A wave is no longer than this, so no claimed message waits unsent."""
LEASE_S = 60
"""Several times the gateway's longest answer."""
AGAIN_AFTER_S = (5, 30, 120, 600, 3600)
"""Waits between attempts; the last one repeats."""
ATTEMPTS_MAX = 12
"""About eight hours of trying."""
DOUBTS_MAX = 6
"""Attempts when the last had no answer: the member may be reading every one of them."""
DOUBT_WAIT_S_MIN = 120
NO_CREDIT_WAIT_S_MIN = 600
FAILURE_LENGTH_MAX = 200

End = Literal["accepted", "failed", "again", "late"]
ENDS: tuple[End, ...] = ("accepted", "failed", "again", "late")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours to send until its lease ends. This attempt is already counted."""

    id: UUID
    msisdn: str
    body: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Result:
    """What to write into a message's row."""

    end: End
    failure: str | None = None
    provider_message_id: str | None = None
    wait_s: int | None = None


_GIVE_UP = sa.text(
    "UPDATE message SET state = 'failed', due_at = NULL, lease_until = NULL, finished_at = now(),"
    " failure = 'the worker ended during the last attempt; it may have arrived'"
    " WHERE due_at <= now() AND attempts >= :attempts_max"
)
_CLAIM = sa.text(
    "UPDATE message m SET claimed_by = :worker, attempts = attempts + 1,"
    " lease_until = now() + :lease, due_at = now() + :lease"
    " FROM (SELECT id FROM message WHERE due_at <= now() ORDER BY due_at LIMIT :limit"
    "       FOR UPDATE SKIP LOCKED) due"
    " WHERE m.id = due.id RETURNING m.id, m.msisdn, m.body, m.attempts"
)
# Whoever lost the claim writes nothing: another worker's attempt is under way.
_RECORD = sa.text(
    "UPDATE message SET state = :state, failure = :failure,"
    " provider_message_id = coalesce(:provider_message_id, provider_message_id),"
    " due_at = now() + :wait, lease_until = NULL,"
    " accepted_at = CASE WHEN :state = 'accepted' THEN now() END,"
    " finished_at = CASE WHEN :state = 'failed' THEN now() END"
    " WHERE id = :id AND claimed_by = :worker AND attempts = :attempts AND state = 'queued'"
)


def claim(tx: Tx, *, worker: str, limit: int) -> list[Claimed]:
    """Take messages that are due. Commit before calling: a call must never be forgotten.

    The lease is the new `due_at`: if this worker dies, the messages come due by themselves.
    """
    tx.execute(_GIVE_UP, {"attempts_max": ATTEMPTS_MAX})
    rows = tx.execute(
        _CLAIM, {"worker": worker, "limit": limit, "lease": timedelta(seconds=LEASE_S)}
    )
    return [Claimed(*row) for row in rows]


def send(db: Database, gateway: Sms, claimed: Sequence[Claimed], *, worker: str) -> dict[End, int]:
    """Send all of these at once and record each answer as it comes. No transaction is held open."""
    counts = dict.fromkeys(ENDS, 0)
    with ThreadPoolExecutor(len(claimed), thread_name_prefix="sms") as pool:
        calls = {pool.submit(_call, gateway, message): message for message in claimed}
        for group in _as_they_come(calls):
            for end in _record_group(db, group, worker=worker):
                counts[end] += 1
    return counts


def _call(gateway: Sms, message: Claimed) -> Result:
    try:
        return judge(gateway.send(to=message.msisdn, text=message.body), attempt=message.attempts)
    except Exception as raised:  # noqa: BLE001 - one message must not hold up the others
        logger().error("sms_gateway_raised", message=str(message.id), reason=type(raised).__name__)
        doubt = africastalking.InDoubt(type(raised).__name__)
        return judge(doubt, attempt=message.attempts)


def judge(outcome: SmsOutcome, *, attempt: int) -> Result:
    """What follows from one answer of the gateway to this attempt, counted from one."""
    wait_s = AGAIN_AFTER_S[min(attempt, len(AGAIN_AFTER_S)) - 1]
    match outcome:
        case africastalking.Accepted(message_id=message_id):
            return Result("accepted", provider_message_id=delivery.fit(message_id or "") or None)
        case africastalking.Rejected(code=code, status=status, permanent=True):
            return Result("failed", failure=f"{status} ({code})")
        case africastalking.Rejected(code=code, status=status):
            return _again(f"{status} ({code})", attempt, wait_s=wait_s)
        case africastalking.TryLater(reason=reason, out_of_credit=out_of_credit):
            if out_of_credit:
                logger().critical("sms_credit_used_up")
                wait_s = max(wait_s, NO_CREDIT_WAIT_S_MIN)
            return _again(reason, attempt, wait_s=wait_s)
        case africastalking.InDoubt(reason=reason):
            doubt = f"no clear answer: {reason}; it may have arrived"
            wait_s = max(wait_s, DOUBT_WAIT_S_MIN)
            return _again(doubt, attempt, wait_s=wait_s, attempts_max=DOUBTS_MAX)


def _again(failure: str, attempt: int, *, wait_s: int, attempts_max: int = ATTEMPTS_MAX) -> Result:
    if attempt >= attempts_max:
        return Result("failed", failure=f"given up after {attempt} attempts: {failure}")
    return Result("again", failure=failure, wait_s=wait_s)


def _as_they_come(
    calls: dict[Future[Result], Claimed],
) -> Iterator[list[tuple[Claimed, Result]]]:
    left = set(calls)
    while left:
        done, left = wait(left, return_when=FIRST_COMPLETED)
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
    for message, result in group:
        held = tx.execute(_RECORD, _columns(message, result, worker=worker)).rowcount == 1
        if not held:
            logger().warning("sms_outcome_late", message=str(message.id), outcome=result.end)
        elif result.end != "accepted":
            logger().warning("sms_not_sent", message=str(message.id), reason=result.failure)
        ends.append(result.end if held else "late")
    delivery.apply(tx, accepted)
    return ends


def _columns(message: Claimed, result: Result, *, worker: str) -> dict[str, Any]:
    return {
        "id": message.id,
        "attempts": message.attempts,
        "worker": worker,
        "state": "queued" if result.end == "again" else result.end,
        "failure": None if result.failure is None else result.failure[:FAILURE_LENGTH_MAX],
        "provider_message_id": result.provider_message_id,
        "wait": None if result.wait_s is None else timedelta(seconds=result.wait_s),
    }
