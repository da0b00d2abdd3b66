"""The acts that need a second person: what each depends on, does, and brings about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from app.audit import Actor
from app.db import Tx
from app.members import standing
from app.operations import holds, limits_by_two, member_acts, member_file, tariff_by_two
from app.operations.holds import HeldBack
from app.operations.member_acts import Act
from app.payouts import limit_plans, switch, tariff_plans
from app.payouts.switch import Waiting
from app.providers.pauses import Held
from app.staff import staffing
from app.staff.staffing import Change

WITHDRAWALS = "withdrawals"
"""The subject of what is about all members; else it is named by its kind."""


class Kind(StrEnum):
    """What needs a second person."""

    RESUME_WITHDRAWALS = "resume_withdrawals"
    UNLOCK_MEMBER = "unlock_member"
    RESET_PIN = "reset_pin"
    CHANGE_NUMBER = "change_number"
    HIRE = "hire"
    DISMISS = "dismiss"
    CHANGE_ROLE = "change_role"
    RENEW_ACCESS = "renew_access"
    RESUME_PROVIDER = "resume_provider"
    """Its subject is a `Held`."""
    SET_LIMITS = "set_limits"
    """Its subject is the day from which they hold."""
    SET_TARIFF = "set_tariff"
    """So is its."""


ABOUT_MEMBERS = frozenset({Kind.UNLOCK_MEMBER, Kind.RESET_PIN, Kind.CHANGE_NUMBER})
ABOUT_STAFF = frozenset({Kind.HIRE, Kind.DISMISS, Kind.CHANGE_ROLE, Kind.RENEW_ACCESS})


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, about whom, why, and what else the act needs."""

    kind: Kind
    subject: str
    reason: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    """`valid_h`, the hours of a start PIN; `msisdn`, the new number; `name` and `role` of an
    account."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What comes of it."""

    waiting: Waiting | None = None
    """The withdrawals that go on at once."""
    sms: tuple[str, ...] = ()
    """What her phone is told. A start PIN is never shown."""
    account: Change | None = None
    """What becomes of a colleague's account. Its code is shown to whoever agrees, once."""
    held: HeldBack | None = None
    """What goes to a provider again, and how much of it waits."""
    limits: limit_plans.Plan | None = None
    """What members may draw from a day on."""
    tariff: tariff_plans.Plan | None = None
    """What withdrawals cost from a day on."""


@dataclass(frozen=True, slots=True)
class Way:
    """How one kind is looked at and done."""

    seen: Callable[[Tx, str], Mapping[str, Any]]
    """How things stand, as far as the request depends on it; takes the subject."""
    do: Callable[[Tx, Asked, Actor], Effect]
    write: Callable[[Tx, int], None] | None = None
    """What the database itself carries out for an executed request, by its number, since no login
    of ours may. It writes what `do` has checked and shown."""


_TEXTS = sa.text(
    "SELECT body FROM message WHERE member_id = :member AND payout_id IS NULL"
    " AND queued_at = now() ORDER BY id"
)


def _stop(tx: Tx, _subject: str) -> Mapping[str, Any]:
    stop = switch.stopped(tx)
    if stop is None:
        raise switch.NotStopped("Withdrawals are not stopped.")
    return {"since": stop.since.isoformat()}


def _resume(tx: Tx, asked: Asked, by: Actor) -> Effect:
    switch.resume(tx, reason=asked.reason, by=by)
    return Effect(waiting=switch.waiting(tx))


def _standing(tx: Tx, subject: str) -> Mapping[str, Any]:
    view = member_file.read(tx, member_file.found(tx, subject))
    facts = (view.phone_locked_at, view.pin_reset_at, view.number_changed_at)
    return {
        "status": view.status,
        "pin": view.pin,
        "phone": view.phone,
        "changes": [at.isoformat() if at else None for at in facts],
    }


def _to_member(tx: Tx, asked: Asked, act: Act) -> Effect:
    member = member_file.found(tx, asked.subject)
    member_acts.do(tx, member, act)
    return Effect(sms=tuple(tx.scalars(_TEXTS, {"member": member.id})))


def _unlock(tx: Tx, asked: Asked, by: Actor) -> Effect:
    return _to_member(
        tx, asked, lambda tx, her: standing.unlock(tx, her.id, reason=asked.reason, by=by)
    )


def _reset_pin(tx: Tx, asked: Asked, by: Actor) -> Effect:
    return _to_member(
        tx,
        asked,
        lambda tx, her: standing.reset_pin(
            tx, her.id, reason=asked.reason, by=by, valid_h=asked.detail["valid_h"]
        ),
    )


def _change_number(tx: Tx, asked: Asked, by: Actor) -> Effect:
    return _to_member(
        tx,
        asked,
        lambda tx, her: standing.change_number(
            tx, her.id, asked.detail["msisdn"], reason=asked.reason, by=by
        ),
    )


def _account(tx: Tx, asked: Asked, by: Actor) -> Effect:
    told = {"reason": asked.reason, "by": by, **asked.detail}
    return Effect(account=_STAFFING[asked.kind](tx, asked.subject, **told))


_STAFFING: dict[Kind, Callable[..., Change]] = {
    Kind.HIRE: staffing.hire,
    Kind.DISMISS: staffing.dismiss,
    Kind.CHANGE_ROLE: staffing.change_role,
    Kind.RENEW_ACCESS: staffing.renew_access,
}


def _held(tx: Tx, subject: str) -> Mapping[str, Any]:
    return holds.seen(tx, Held(subject))


def _let_go(tx: Tx, asked: Asked, by: Actor) -> Effect:
    return Effect(held=holds.let_go(tx, Held(asked.subject), reason=asked.reason, by=by))


def _limits_of_day(tx: Tx, subject: str) -> Mapping[str, Any]:
    return limits_by_two.seen(tx, date.fromisoformat(subject))


def _set_limits(tx: Tx, asked: Asked, by: Actor) -> Effect:
    day, given = date.fromisoformat(asked.subject), asked.detail["limits"]
    return Effect(limits=limits_by_two.prepare(tx, given, day=day, reason=asked.reason, by=by))


def _tariff_of_day(tx: Tx, subject: str) -> Mapping[str, Any]:
    return tariff_by_two.seen(tx, date.fromisoformat(subject))


def _set_tariff(tx: Tx, asked: Asked, by: Actor) -> Effect:
    day, given = date.fromisoformat(asked.subject), asked.detail["bands"]
    return Effect(tariff=tariff_by_two.prepare(tx, given, day=day, reason=asked.reason, by=by))


WAYS = {
    Kind.RESUME_WITHDRAWALS: Way(_stop, _resume),
    Kind.UNLOCK_MEMBER: Way(_standing, _unlock),
    Kind.RESET_PIN: Way(_standing, _reset_pin),
    Kind.CHANGE_NUMBER: Way(_standing, _change_number),
    **{kind: Way(staffing.standing, _account) for kind in _STAFFING},
    Kind.RESUME_PROVIDER: Way(_held, _let_go),
    Kind.SET_LIMITS: Way(_limits_of_day, _set_limits, limits_by_two.write),
    Kind.SET_TARIFF: Way(_tariff_of_day, _set_tariff, tariff_by_two.write),
}
