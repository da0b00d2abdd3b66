"""Limits that two people agree on: what the request depends on, what it does, and doing it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from app import audit
from app.audit import Actor
from app.db import Tx
from app.payouts import limit_book, limit_plans, limits
from app.payouts.limit_plans import Plan
from app.payouts.limits import Limits

_WRITE = sa.text("SELECT set_limits_by_two(:number)")


def detail(wanted: Limits) -> Mapping[str, Any]:
    """What a request keeps of the limits that are asked for."""
    return {"limits": limit_plans.recorded(limits.columns(wanted))}


def seen(tx: Tx, day: date) -> Mapping[str, Any]:
    """What holds on a day, and until when: a request for other limits depends on it."""
    before = limit_book.in_force(tx, day)
    later = [one.effective_from for one in limit_book.history(tx) if one.effective_from > day]
    return {
        "limits": limit_plans.recorded(limits.columns(before)) if before else None,
        "until": min(later).isoformat() if later else None,
    }


def prepare(tx: Tx, given: Mapping[str, Any], *, day: date, reason: str, by: Actor) -> Plan:
    """See that limits can be set, and put on record that they are. `write` sets them.

    Raises:
        InThePast: the day has passed.
        BadLimits: they contradict each other or the tariff.
        NothingNew: they hold on that day already.
    """
    plan = limit_plans.sound(tx, limit_plans.from_record(given), day=day)
    audit.record(
        tx,
        "limits_set",
        by=by,
        reason=reason,
        effective_from=str(day),
        before=limit_plans.recorded({name: old for name, (old, _) in plan.changed.items()}),
        after=limit_plans.recorded({name: new for name, (_, new) in plan.changed.items()}),
    )
    return plan


def write(tx: Tx, number: int) -> None:
    """Set the limits of a request that is executed in this database transaction."""
    tx.execute(_WRITE, {"number": number})
