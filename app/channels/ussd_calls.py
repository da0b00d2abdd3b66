"""What every effect of a USSD screen is given, what it gives back, and the gate of the PIN.

An effect runs in the hop's one transaction and ends in an outcome that its screen declares. A PIN
that was typed stays counted, whatever comes of what it was typed for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app import ids
from app.channels.doors import Doors
from app.channels.ussd_sessions import Session
from app.clock import nairobi
from app.db import Tx
from app.doorbell import Step
from app.errors import Refused
from app.members import directory
from app.members.directory import Member
from app.members.pins import (
    WRONG_TRIES_A_DAY_MAX,
    WRONG_TRIES_MAX,
    PinRight,
    PinWrong,
    Verdict,
)
from app.members.standing import SERVED
from app.messages import outbox
from ussd_menus.engine import State
from ussd_menus.model import Facts, Row, as_row, as_rows


class NoLongerAllowed(Refused):
    """The number changed hands or the member's standing changed since the session began."""

    code = "US-02"


@dataclass(frozen=True, slots=True)
class Call:
    """An effect's surroundings. `token` is what the member typed last."""

    tx: Tx
    doors: Doors
    session: Session
    mac: bytes
    state: State
    token: str = field(repr=False)

    def accounts(self) -> list[tuple[int, str]]:
        """The member's accounts that can be withdrawn from, as the session began with them."""
        return [_account(row) for row in as_rows(self.session.facts["accounts"])]

    def chosen_account(self) -> int:
        """The account that this part of the menu is about."""
        number, _ = _account(as_row(self.state.facts["account"]))
        return number


@dataclass(frozen=True, slots=True)
class Done:
    """How an effect ended, what its screen shows of it, and whom to wake after the commit."""

    outcome: str
    facts: Facts = field(default_factory=dict)
    ring: tuple[Step, ...] = ()


def member_of(call: Call) -> Member:
    """The member of the session, looked at again: an effect needs today's truth.

    Raises:
        NoLongerAllowed: she is not who, or not what, the session began with.
    """
    member = directory.by_msisdn(call.tx, call.session.msisdn)
    if (
        member is None
        or member.id != call.session.member_id
        or member.status not in SERVED
        or member.phone_locked
    ):
        raise NoLongerAllowed("the member changed during the session")
    return member


def pin_refused(call: Call, member: Member) -> Done | None:
    """None if the token is the member's PIN, else what the screen says to it. Counts the try."""
    verdict = call.doors.pins.check(
        call.tx,
        member_id=member.id,
        pin=call.token,
        session_id=call.session.session_id,
        transcript_mac=call.mac,
    )
    return refused(call, member, verdict)


def refused(call: Call, member: Member, verdict: Verdict) -> Done | None:
    """What a screen says to a PIN that is wrong or locked. The first lock is told by SMS too."""
    if isinstance(verdict, PinRight):
        return None
    if isinstance(verdict, PinWrong):
        return Done("wrong_pin", {"tries": verdict.tries_left})
    ring: tuple[Step, ...] = ()
    if verdict.newly:
        # A start PIN is locked for good by the first lock, her own by the day's count.
        in_a_day = verdict.until is None and member.pin == "own"
        tries = WRONG_TRIES_A_DAY_MAX if in_a_day else WRONG_TRIES_MAX
        tell(call, member, "pin_locked", {"time": verdict.until, "tries": tries})
        ring = (Step.SMS,)
    if verdict.until is None:
        return Done("locked_by_us", ring=ring)
    return Done("locked", {"until": nairobi(verdict.until)}, ring)


def tell(call: Call, member: Member, kind: str, facts: Mapping[str, Any]) -> None:
    """Queue an SMS to the member about what she did herself."""
    outbox.queue(
        call.tx,
        kind,
        message_id=ids.uuid7(now(call.tx)),
        member_id=member.id,
        msisdn=member.msisdn,
        language=member.language,
        facts={"tel": call.doors.settings.sacco_phone, **facts},
    )


def now(tx: Tx) -> datetime:
    """The time of the database transaction."""
    at = tx.scalar(sa.select(sa.func.now()))
    assert isinstance(at, datetime)
    return at


def _account(row: Row) -> tuple[int, str]:
    number, name = row
    assert isinstance(number, int)
    return number, str(name)
