"""What calls and answers mean for the next call: whether it may be made, and how soon."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.db import Tx
from app.observability import logger
from app.payouts.claims import Payout
from app.payouts.evidence import Class
from app.providers import breaker, float_readings, throttle
from app.providers.breaker import Breaker, Cause
from app.providers.daraja import InDoubt, Mend, NotProcessed, NotSent, Outcome
from app.providers.daraja_answers import RATE_CODES
from app.providers.float_readings import FloatReading

RUN_MAX = 5
"""So many calls in a row that never reached M-PESA's core, or broke it, open the breaker."""
HTTP_SERVER_ERROR = 500
HTTP_TOO_MANY = 429

_ANSWERED = frozenset({Class.SUCCESS, Class.DEFINITE_NO, Class.OPEN, Class.NOT_KNOWN_NOW})
"""What a status query brings only while the API and our initiator work."""


@dataclass(frozen=True, slots=True)
class Left:
    """What was left of our float after a payout."""

    cents: int
    at: datetime | None
    """By M-PESA's clock; None where it did not say."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one message said, as far as the breaker cares."""

    payout: Payout
    query_id: UUID | None
    """The status query that it answers; None for a payout's own result."""
    of: Class
    code: str | None
    left: Left | None = None
    is_acknowledged: bool = True
    """Whether it came with the ConversationID that M-PESA had given us. What comes before that id
    is known has only its address for a proof, which is too little to stop everybody's payouts."""


def after_calls(tx: Tx, outcomes: Sequence[Outcome], *, calls_per_s_max: int) -> None:
    """Open the breaker when the calls that ended last, these among them, all brought nothing.

    Call it last in a database transaction: whoever holds the breaker or the rate waits for no
    payout. What it has to do about the rate is in `after_queries`.
    """
    if any(_brought_nothing(one) for one in outcomes) and _run(tx) >= RUN_MAX:
        breaker.open_for(tx, Cause.OUTAGE, probe_about=_earlier(tx))
    after_queries(tx, outcomes, calls_per_s_max=calls_per_s_max)


def after_queries(tx: Tx, outcomes: Sequence[Outcome], *, calls_per_s_max: int) -> None:
    """Slow down when M-PESA said that we call too often. Call it last in a transaction."""
    if any(isinstance(one, NotProcessed) and one.retry is Mend.RATE for one in outcomes):
        throttle.slow(tx, calls_per_s_max=calls_per_s_max)


def after_answers(tx: Tx, heard: Sequence[Heard]) -> None:
    """Open or close the breaker by what M-PESA answered."""
    for one in heard:
        cause = _cause(one)
        if cause is not None and _since(tx, one) > breaker.current(tx).changed_at:
            breaker.open_for(tx, cause, code=one.code, probe_about=_earlier(tx))
    if any(one.query_id is not None and one.of in _ANSWERED for one in heard):
        _close_if_shown(tx, heard)


def after_balances(tx: Tx, heard: Sequence[Heard], *, reserve_cents: int) -> None:
    """Keep the newest balance that came with these, and see what it means for the next payout."""
    told = [(one.left, one) for one in heard if one.left is not None]
    if not told:
        return
    # Without a time of M-PESA's it cannot be told which is newer; the last to come stands.
    left, one = max(told, key=lambda t: (t[0].at is not None, t[0].at))
    reading = float_readings.keep(
        tx, cents=left.cents, said_at=left.at, reference=one.payout.reference
    )
    after_reading(tx, reading, reserve_cents=reserve_cents)


def after_reading(tx: Tx, reading: FloatReading, *, reserve_cents: int) -> None:
    """Open the breaker when the newest balance is below the reserve; close it when it is enough.

    Enough is the reserve and, where M-PESA refused a payout for want of money, what that one asked
    for: or the next of its size would fail like it.
    """
    newest = float_readings.newest(tx)
    if newest is None or newest.said_at > reading.said_at:
        return
    now = breaker.current(tx)
    if reading.said_at <= now.changed_at:
        return  # somebody may have topped it up since
    if reading.cents < reserve_cents:
        breaker.open_for(tx, Cause.FLOAT, probe_about=None)
    elif now.cause is Cause.FLOAT and reading.cents >= _refused_cents(tx, now, reserve_cents):
        _close(tx, why="the float is enough again")


def after_failed_balance(tx: Tx, *, code: str, asked_at: datetime) -> None:
    """Stop when M-PESA refuses our login in answer to a balance query: each one more may lock it.

    Of whatever else a query may lack, such as the role to ask, nothing follows for payouts.
    """
    if breaker.cause_of(code) is Cause.LOGIN and asked_at > breaker.current(tx).changed_at:
        breaker.open_for(tx, Cause.LOGIN, code=code, probe_about=_earlier(tx))


def _refused_cents(tx: Tx, now: Breaker, otherwise_cents: int) -> int:
    """What the last payout asked for that was refused for want of money, if one opened it."""
    if now.code is None:
        return otherwise_cents
    found = tx.scalar(
        sa.text(
            "SELECT p.amount_cents FROM evidence e JOIN payout p ON p.id = e.payout_id"
            " WHERE e.class = 'definite_no' AND e.code = :code ORDER BY e.id DESC LIMIT 1"
        ),
        {"code": now.code},
    )
    return otherwise_cents if found is None else int(found)


def _cause(one: Heard) -> Cause | None:
    cause = breaker.cause_of(one.code)
    if one.of is Class.DEFINITE_NO:
        return cause if one.is_acknowledged else None
    # Of what a query may lack, such as the role to ask, only a bad login holds for payouts too.
    return cause if one.of is Class.ABOUT_QUERY and cause is Cause.LOGIN else None


def _close_if_shown(tx: Tx, heard: Sequence[Heard]) -> None:
    now = breaker.current(tx)
    if now.cause not in {Cause.OUTAGE, Cause.LOGIN}:
        return  # an answer fills no account and mends no contract
    answers = [one for one in heard if one.query_id is not None and one.of in _ANSWERED]
    if any(_since(tx, one) > now.changed_at for one in answers):
        _close(tx, why="a status query was answered")


def _close(tx: Tx, *, why: str) -> None:
    if breaker.close(tx):
        logger().warning("breaker_closed", why=why)


def _since(tx: Tx, one: Heard) -> datetime:
    """When we asked for what was answered: older news says nothing of how things stand now."""
    if one.query_id is not None:
        asked = tx.scalar(
            sa.text("SELECT asked_at FROM status_query WHERE id = :id"), {"id": one.query_id}
        )
        if isinstance(asked, datetime):
            return asked
    return one.payout.first_call_at or one.payout.requested_at


def _brought_nothing(outcome: Outcome) -> bool:
    match outcome:
        case NotSent():
            return True
        case NotProcessed():
            return outcome.retry is not Mend.RATE
        case InDoubt():
            return (outcome.http_status or 0) >= HTTP_SERVER_ERROR
        case _:
            return False


def _run(tx: Tx) -> int:
    """How many of the calls that ended last, since the breaker changed, brought nothing."""
    run = tx.scalar(
        sa.text(
            "SELECT count(*) FILTER (WHERE outcome = 'not_sent' OR (http_status >= :broken"
            "   OR outcome = 'not_processed') AND http_status <> :too_many"
            "   AND coalesce(error_code, '') <> ALL(:rate))"
            " FROM (SELECT a.outcome, a.http_status, a.error_code FROM attempt a"
            "  WHERE a.finished_at > (SELECT changed_at FROM provider_breaker"
            "   WHERE provider = 'daraja') ORDER BY a.id DESC LIMIT :most) AS ended"
        ),
        {
            "most": RUN_MAX,
            "broken": HTTP_SERVER_ERROR,
            "too_many": HTTP_TOO_MANY,
            "rate": list(RATE_CODES),
        },
    )
    return int(run or 0)


def _earlier(tx: Tx) -> UUID | None:
    """The payout to ask about: the last that M-PESA took, or else the last that we called for."""
    for known in ("conversation_id", "first_call_at"):
        found = tx.scalar(
            sa.text(
                f"SELECT id FROM payout WHERE {known} IS NOT NULL AND NOT frozen"  # noqa: S608 - constants
                " ORDER BY requested_at DESC LIMIT 1"
            )
        )
        if isinstance(found, UUID):
            return found
    return None
