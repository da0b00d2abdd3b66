"""A tariff that two people agree on: what the request depends on, what it does, and doing it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from app import audit
from app.audit import Actor
from app.db import Tx
from app.payouts import tariff_plans
from app.payouts.tariff_plans import Plan
from app.payouts.tariffs import Band

_WRITE = sa.text("SELECT set_tariff_by_two(:number)")


def detail(wanted: Sequence[Band]) -> Mapping[str, Any]:
    """What a request keeps of the tariff that is asked for."""
    return {"bands": tariff_plans.recorded(wanted)}


def seen(tx: Tx, day: date) -> Mapping[str, Any]:
    """What withdrawals cost on a day, and until when: a request for another depends on it."""
    now = tariff_plans.plan(tx, (), day=day)
    return {
        "bands": tariff_plans.recorded(now.before),
        "basis_points": now.basis_points,
        "until": now.until.isoformat() if now.until else None,
    }


def prepare(tx: Tx, given: Sequence[Sequence[int]], *, day: date, reason: str, by: Actor) -> Plan:
    """See that a tariff can be loaded, and put on record that it is. `write` loads it.

    Raises:
        InThePast: the day has passed.
        BadTariff: some amount that members may draw has no price in it.
        NothingNew: it holds on that day already.
    """
    plan = tariff_plans.sound(tx, tariff_plans.from_record(given), day=day)
    audit.record(
        tx,
        "tariff_loaded",
        by=by,
        reason=reason,
        effective_from=str(day),
        before=tariff_plans.recorded(plan.before),
        after=tariff_plans.recorded(plan.after),
    )
    return plan


def write(tx: Tx, number: int) -> None:
    """Load the tariff of a request that is executed in this database transaction."""
    tx.execute(_WRITE, {"number": number})
