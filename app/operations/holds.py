"""What is held back from M-PESA and from the SMS gateway: by a person, or since it would fail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.audit import Actor
from app.db import Tx
from app.errors import Refused
from app.messages import pause as credit
from app.payouts import switch
from app.providers import breaker, pauses
from app.providers.breaker import Breaker
from app.providers.pauses import Held, Pause

HOURS = (1, 4, 24)
"""So long somebody may hold back one kind of call; it ends by itself."""


class HeldLonger(Refused):
    """Somebody holds it back until later: a shorter hold would let it go on too early."""

    code = "PRV-12"


@dataclass(frozen=True, slots=True)
class HeldBack:
    """One kind of call, and whatever stands in its way."""

    step: Held
    pause: Pause | None
    """A person's hold."""
    breaker: Breaker | None
    """M-PESA's breaker while it is open. For payouts only."""
    credit: credit.Pause | None
    """Our account at the SMS gateway is empty. For SMS only."""
    waiting: int
    """Payouts, questions or SMS that wait to go out, held back or not."""
    waiting_cents: int | None
    """What those payouts come to. For payouts only."""

    @property
    def is_held(self) -> bool:
        """Whether two people have to let it go on, unless it ends by itself."""
        return self.pause is not None or self.breaker is not None


_QUESTIONS = sa.text(
    "SELECT count(*) FROM payout WHERE ask_due_at <= now()"
    " AND (state IN ('submitted', 'in_doubt') OR frozen)"
)
_SMS = sa.text("SELECT count(*) FROM message WHERE due_at IS NOT NULL")


def read(tx: Tx) -> list[HeldBack]:
    """Every kind of call, whether it is held back or not."""
    by_step = {one.step: one for one in pauses.in_force(tx)}
    return [_read(tx, step, by_step.get(step)) for step in Held]


def hold_back(tx: Tx, step: Held, *, hours: int, reason: str, by: Actor) -> Pause:
    """Hold back a kind of call for one of `HOURS`. Once committed, no such call is begun.

    Raises:
        HeldLonger: a hold that ends later is in force; to end it early takes two people.
    """
    assert hours in HOURS
    breaker.alone(tx)
    known = _pause(tx, step)
    wanted = timedelta(hours=hours)
    if known is not None and known.until > _now(tx) + wanted:
        raise HeldLonger(f"{known.by} holds it back for longer than that: {known.reason}")
    return pauses.pause(tx, step, reason=reason, by=by, for_s=int(wanted.total_seconds()))


def seen(tx: Tx, step: Held) -> Mapping[str, Any]:
    """How things stand, as far as letting a kind of call go on depends on it.

    Nobody opens the breaker or adds a hold before our commit.

    Raises:
        NotPaused: nothing is held back.
    """
    now = breaker.alone(tx)
    found = _read(tx, step, _pause(tx, step))
    if not found.is_held:
        raise pauses.NotPaused("This is not held back any more.")
    held, is_pay = found.pause, step is Held.PAY
    return {
        "held": [held.since.isoformat(), held.until.isoformat()] if held else None,
        "breaker": [now.opened_at.isoformat(), now.cause] if is_pay and now.opened_at else None,
    }


def let_go(tx: Tx, step: Held, *, reason: str, by: Actor) -> HeldBack:
    """Let a kind of call go on; for payouts, close the breaker too. Returns what was held back.

    Raises:
        NotPaused: nothing is held back.
    """
    before = _read(tx, step, _pause(tx, step))
    pauses.resume(tx, step, reason=reason, by=by)
    return before


def _read(tx: Tx, step: Held, pause: Pause | None) -> HeldBack:
    if step is Held.PAY:
        now, unsent = breaker.current(tx), switch.waiting(tx)
        opened = now if now.is_open else None
        return HeldBack(step, pause, opened, None, unsent.payouts, unsent.amount_cents)
    if step is Held.ASK:
        return HeldBack(step, pause, None, None, tx.execute(_QUESTIONS).scalar_one(), None)
    waiting = tx.execute(_SMS).scalar_one()
    return HeldBack(step, pause, None, credit.current(tx), waiting, None)


def _pause(tx: Tx, step: Held) -> Pause | None:
    return next((one for one in pauses.in_force(tx) if one.step is step), None)


def _now(tx: Tx) -> Any:
    return tx.scalar(sa.select(sa.func.clock_timestamp()))
