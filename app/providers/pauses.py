"""A person's hold on one kind of call: payouts, queries or SMS. It ends by itself.

To stop withdrawals as a whole there is `app.payouts.switch`; this holds back what goes to one
provider, while members go on as before.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from app import audit
from app.audit import Actor
from app.db import Tx
from app.errors import Refused
from app.providers import breaker

FOR_S_MAX = 7 * 24 * 3600


class Held(StrEnum):
    """What can be held back."""

    PAY = "pay"
    """Payouts that M-PESA has not taken yet."""
    ASK = "ask"
    """Status and balance queries."""
    SMS = "sms"


class NotPaused(Refused):
    """There is nothing to resume."""

    code = "PRV-11"


@dataclass(frozen=True, slots=True)
class Pause:
    """One hold that is in force."""

    step: Held
    reason: str
    by: str
    since: datetime
    until: datetime


def is_paused(step: Held) -> str:
    """For the conditions of steps: whether this kind of call is held back."""
    return (
        f"EXISTS (SELECT FROM provider_pause WHERE step = '{step}' AND ended_at IS NULL"
        " AND until > now())"
    )


def pause(tx: Tx, step: Held, *, reason: str, by: Actor, for_s: int) -> Pause:
    """Hold back a kind of call. Once this is committed, no such call is begun any more.

    A hold that is in force already is replaced by this one.
    """
    assert 0 < for_s <= FOR_S_MAX
    _settle(tx, step, by=by)
    tx.execute(
        sa.text(
            "INSERT INTO provider_pause (step, reason, paused_by, until)"
            " VALUES (:step, :reason, :by, clock_timestamp() + :length)"
        ),
        {"step": step, "reason": reason, "by": by.title, "length": timedelta(seconds=for_s)},
    )
    audit.record(tx, "provider_paused", by=by, step=str(step), reason=reason, for_s=for_s)
    return next(one for one in in_force(tx) if one.step is step)


def resume(tx: Tx, step: Held, *, reason: str, by: Actor) -> bool:
    """End the hold on a kind of call; for payouts, close the breaker too.

    Returns:
        Whether the breaker was open.

    Raises:
        NotPaused: nothing is held back.
    """
    ended = _settle(tx, step, by=by)
    was_open = step is Held.PAY and breaker.close(tx)
    if not (ended or was_open):
        raise NotPaused(f"{step} is not held back; `baraza providers status` shows what is")
    audit.record(
        tx, "provider_resumed", by=by, step=str(step), reason=reason, breaker_was_open=was_open
    )
    return was_open


def in_force(tx: Tx) -> list[Pause]:
    """What is held back, by whom and until when."""
    rows = tx.execute(
        sa.text(
            "SELECT step, reason, paused_by, paused_at, until FROM provider_pause"
            " WHERE ended_at IS NULL AND until > clock_timestamp() ORDER BY step"
        )
    )
    return [Pause(Held(row[0]), *row[1:]) for row in rows]


def _settle(tx: Tx, step: Held, *, by: Actor) -> bool:
    """Close the row of a step. Whether its hold was in force."""
    # Steps that are about to call hold the breaker until their commit, so this waits for them.
    breaker.alone(tx)
    was = tx.scalar(
        sa.text(
            "UPDATE provider_pause SET ended_at = least(until, clock_timestamp()),"
            " ended_by = CASE WHEN until > clock_timestamp() THEN :by ELSE 'its end' END"
            " WHERE step = :step AND ended_at IS NULL RETURNING until > clock_timestamp()"
        ),
        {"step": step, "by": by.title},
    )
    return was is True
