"""What USSD screens can set off. The only code of the channel with side effects.

Each effect runs in the hop's one transaction and ends in an outcome that its screen declares.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa

from app import ids
from app.channels.doors import Doors
from app.channels.ussd_sessions import Session
from app.clock import nairobi
from app.db import Tx
from app.doorbell import Step
from app.errors import BarazaError, Broken, Refused
from app.ledger import statements
from app.members import directory
from app.members.directory import Member
from app.members.pins import WRONG_TRIES_MAX, PinLocked, PinWrong
from app.messages import outbox
from app.observability import logger
from app.payouts import intake, quotes
from app.payouts.intake import OpenPayout, Requested
from app.payouts.states import State as PayoutState
from ussd_menus.engine import State
from ussd_menus.model import Facts

ACTIVE = "active"


class NoLongerAllowed(Refused):
    """The number changed hands or the membership was stopped since the session began."""

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


@dataclass(frozen=True, slots=True)
class Done:
    """How an effect ended, what its screen shows of it, and whom to wake after the commit."""

    outcome: str
    facts: Facts = field(default_factory=dict)
    ring: tuple[Step, ...] = ()


def status_facts(payout: OpenPayout) -> Facts:
    """An open withdrawal in the words of a screen."""
    status = "doubt" if payout.state == PayoutState.IN_DOUBT else "processing"
    return {"ref": payout.reference, "status": status}


def prepare_quote(call: Call) -> Facts:
    """Price the withdrawal and store what the confirm screen will show: that binds us.

    Raises:
        Refused: nothing in force prices this amount.
    """
    amount, account = call.state.facts["amount"], call.session.facts["account"]
    assert isinstance(amount, int)
    assert isinstance(account, int)
    quote = quotes.make(
        call.tx,
        session_id=call.session.session_id,
        transcript_mac=call.mac,
        member_id=_member(call).id,
        account_id=account,
        amount_cents=amount,
    )
    return {
        "quote": str(quote.id),
        "fee": quote.fee_cents,
        "duty": quote.duty_cents,
        "total": quote.total_cents,
    }


def submit_withdrawal(call: Call) -> Done:
    """Turn the quote that was shown into a payout, if the PIN is right."""
    member = _member(call)
    refused = _pin_refused(call, member)
    if refused is not None:
        return refused
    quote_id = UUID(str(call.state.facts["quote"]))
    try:
        # The PIN was typed and counted whatever comes of the withdrawal: only this is undone.
        with call.tx.begin_nested():
            answer = intake.request(call.tx, quote_id=quote_id)
    except (BarazaError, sa.exc.DBAPIError) as failed:
        if isinstance(failed, sa.exc.DBAPIError) and failed.connection_invalidated:
            raise
        logger().error("ussd_intake_failed", error=type(failed).__name__, quote=str(quote_id))
        return Done("not_possible")
    if isinstance(answer, Requested):
        return Done("accepted", {"ref": answer.reference}, (Step.DEBIT,))
    if answer.reason is not intake.Reason.ONE_OPEN:
        return Done(answer.reason)
    other = intake.open_payout(call.tx, member.id)
    if other is None:
        # It ended between the two looks. The member may simply ask again.
        return Done("not_possible")
    return Done("one_open", status_facts(other))


def read_balance(call: Call) -> Done:
    """What the member can withdraw, if the PIN is right."""
    refused = _pin_refused(call, _member(call))
    if refused is not None:
        return refused
    account = call.session.facts["account"]
    assert isinstance(account, int)
    return Done("shown", {"available": statements.available(call.tx, account)})


EFFECTS: Mapping[str, Callable[[Call], Done]] = {
    "submit_withdrawal": submit_withdrawal,
    "read_balance": read_balance,
}
PREPARATIONS: Mapping[str, Callable[[Call], Facts]] = {"quote": prepare_quote}


def _member(call: Call) -> Member:
    """The member of the session, looked at again: an effect needs today's truth.

    Raises:
        NoLongerAllowed: she is not who, or not what, the session began with.
    """
    member = directory.by_msisdn(call.tx, call.session.msisdn)
    if member is None or member.id != call.session.member_id or member.status != ACTIVE:
        raise NoLongerAllowed("the member changed during the session")
    return member


def _pin_refused(call: Call, member: Member) -> Done | None:
    verdict = call.doors.pins.check(
        call.tx,
        member_id=member.id,
        pin=call.token,
        session_id=call.session.session_id,
        transcript_mac=call.mac,
    )
    if isinstance(verdict, PinWrong):
        return Done("wrong_pin", {"tries": verdict.tries_left})
    if not isinstance(verdict, PinLocked):
        return None
    ring: tuple[Step, ...] = ()
    if verdict.newly:
        _tell_of_lock(call, member, verdict)
        ring = (Step.SMS,)
    return Done("locked", {"until": nairobi(verdict.until)}, ring)


def _tell_of_lock(call: Call, member: Member, lock: PinLocked) -> None:
    at = call.tx.scalar(sa.select(sa.func.now()))
    if at is None:
        raise Broken("PostgreSQL has no time")
    outbox.queue(
        call.tx,
        "pin_locked",
        message_id=ids.uuid7(at),
        member_id=member.id,
        msisdn=member.msisdn,
        language=member.language,
        facts={
            "time": lock.until,
            "tries": WRONG_TRIES_MAX,
            "tel": call.doors.settings.sacco_phone,
        },
    )
