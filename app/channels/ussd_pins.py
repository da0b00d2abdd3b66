"""What screens about PINs set off: the first one, a new one, and what receipts may show."""

from app import audit
from app.channels.ussd_calls import (
    Call,
    Done,
    NoLongerAllowed,
    member_of,
    now,
    pin_refused,
    refused,
    tell,
)
from app.doorbell import Step
from app.members import directory, pins
from app.members.directory import Member
from app.members.pins import PinLocked, PinUsedBefore, StartExpired


def check_start(call: Call) -> Done:
    """Check the start PIN and the last digits of the ID together: neither is told apart."""
    member = member_of(call)
    verdict = call.doors.pins.check_start(
        call.tx,
        member_id=member.id,
        pin=str(call.state.answers["start_pin"]),
        id_digits=call.token,
        session_id=call.session.session_id,
        transcript_mac=call.mac,
    )
    if isinstance(verdict, StartExpired):
        return Done("expired")
    if isinstance(verdict, PinLocked):
        # The lock has voided the start PIN: no hour opens it again.
        verdict = PinLocked(None, newly=verdict.newly)
    refusal = refused(call, member, verdict)
    if refusal is None:
        return Done("right")
    outcome = "wrong_start" if refusal.outcome == "wrong_pin" else "locked"
    return Done(outcome, refusal.facts, refusal.ring)


def set_first_pin(call: Call) -> Done:
    """Give the member the PIN that she chose in the start PIN's place."""
    return _set_pin(call, _who_has(call, "start"), "pin_set")


def check_pin(call: Call) -> Done:
    """Check the present PIN, before a new one may be chosen."""
    refusal = pin_refused(call, member_of(call))
    return Done("right") if refusal is None else refusal


def change_pin(call: Call) -> Done:
    """Give the member the PIN that she chose in the present one's place."""
    return _set_pin(call, _who_has(call, "own"), "pin_changed")


def show_balance(call: Call) -> Done:
    """Let SMS receipts name the balance, if the PIN is right."""
    return _set_receipts(call, on=True)


def hide_balance(call: Call) -> Done:
    """Keep the balance out of SMS receipts, if the PIN is right: others read them too."""
    return _set_receipts(call, on=False)


def _set_pin(call: Call, member: Member, act: str) -> Done:
    """The screens lead here only past the right present PIN or start PIN, in this session."""
    new = str(call.state.answers["new_pin"])
    if new != call.token:
        return Done("different")
    try:
        call.doors.pins.change(call.tx, member_id=member.id, new=new)
    except PinUsedBefore:
        return Done("used_before")
    audit.record(call.tx, act, by=audit.MEMBER, member_no=member.member_no)
    tell(call, member, "pin_changed", {"when": now(call.tx)})
    return Done("changed", ring=(Step.SMS,))


def _set_receipts(call: Call, *, on: bool) -> Done:
    member = member_of(call)
    refusal = pin_refused(call, member)
    if refusal is not None:
        return refusal
    directory.set_receipt_balance(call.tx, member.id, on)
    return Done("kept")


def _who_has(call: Call, pin: str) -> Member:
    """The member, who still has this kind of PIN and no lock: staff may have reset it meanwhile.

    Raises:
        NoLongerAllowed: another kind, or it was locked from another phone.
    """
    member = member_of(call)
    proved = pins.proved_in(call.tx, member.id, call.session.session_id)
    if not proved or member.pin != pin or pins.lock_of(call.tx, member.id) is not None:
        raise NoLongerAllowed("the PIN was reset or locked during the session")
    return member
