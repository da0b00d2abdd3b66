"""What staff decide about a member: her phone service, her PIN, her status, her number.

Each act is recorded with who did it and why, in the transaction of the change, and leaves a notice
for the member's phone, which the caller queues. Nobody here learns or sets a PIN.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from app import audit
from app.audit import Actor
from app.db import Tx, constraint_of
from app.errors import Refused
from app.members import directory, pins
from app.members.directory import Member, NumberTaken
from app.msisdn import mask

Status = Literal["active", "dormant", "deceased", "exited", "minor", "court_lien"]
STATUSES: tuple[Status, ...] = ("active", "dormant", "deceased", "exited", "minor", "court_lien")
Mandate = Literal["sole", "joint"]
MANDATES: tuple[Mandate, ...] = ("sole", "joint")
SERVED: frozenset[str] = frozenset({"active", "court_lien"})
"""Who may use the phone service; a court's order holds back withdrawals alone."""


class NoSuchMember(Refused):
    """No member has this number."""

    code = "MB-02"


class NothingToDo(Refused):
    """It is already as asked; nothing was written."""

    code = "MB-03"


class NotEligible(Refused):
    """Her standing does not allow it, or something that it needs is not on file."""

    code = "MB-04"


@dataclass(frozen=True, slots=True)
class Notice:
    """An SMS to be queued: its kind, its facts besides the help line, and where it goes."""

    kind: str
    msisdn: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def lock_phone(tx: Tx, member_id: int, *, reason: str, by: Actor) -> list[Notice]:
    """Close the phone service until staff open it: a lost phone, a suspicion.

    Raises:
        NothingToDo: it is closed already.
    """
    member = _hold(tx, member_id)
    if member.phone_locked:
        raise NothingToDo(f"the phone service of {member.member_no} is locked already")
    _set(tx, member_id, "phone_locked_at = now(), phone_lock_reason = :reason", reason=reason)
    _record(tx, "phone_locked", member, reason=reason, by=by)
    return [Notice("phone_locked", member.msisdn, {"when": _now(tx)})]


def unlock(tx: Tx, member_id: int, *, reason: str, by: Actor) -> list[Notice]:
    """Open the phone service and every lock of the PIN, after looking at the ID.

    Raises:
        NothingToDo: nothing is locked.
    """
    member = _hold(tx, member_id)
    if pins.lock_of(tx, member_id) is None:
        raise NothingToDo(f"nothing of {member.member_no} is locked")
    _set(
        tx,
        member_id,
        "phone_locked_at = NULL, phone_lock_reason = NULL, pin_locked_until = NULL,"
        " pin_failures = 0, pin_lockouts = 0, pin_counted_from = clock_timestamp()",
    )
    _record(tx, "phone_unlocked", member, reason=reason, by=by)
    return [Notice("phone_unlocked", member.msisdn, {"when": _now(tx)})]


def reset_pin(tx: Tx, member_id: int, *, reason: str, by: Actor, valid_h: int) -> list[Notice]:
    """Take her PIN away and let a start PIN be out. For a while only little may be withdrawn.

    Raises:
        NotEligible: a start PIN would open nothing: her phone service is closed, or no ID is on
            file. The message says what comes first.
    """
    member = _hold(tx, member_id)
    _refuse_idle_start_pin(tx, member)
    # Also where an earlier reset's start PIN was never used: its hours of caution begin anew.
    is_reset = member.pin == "own" or bool(tx.scalar(_WAS_RESET, {"member": member_id}))
    # The PIN that is taken away is one of those that must not come back.
    tx.execute(_REMEMBER, {"member": member_id})
    # A first PIN is no change that a thief could hide behind; the next one is.
    changed = ", pin_reset_at = now()" if is_reset else ""
    # Wrong tries of the PIN that is taken away do not count against the start PIN.
    _set(
        tx,
        member_id,
        "pin_hash = NULL, pin_failures = 0, pin_locked_until = NULL,"
        f" pin_counted_from = clock_timestamp(){changed}",
    )
    pins.issue_starts(tx, [member_id], valid_h=valid_h)
    _record(tx, "pin_reset" if is_reset else "start_pin_issued", member, reason=reason, by=by)
    until = tx.scalar(
        sa.text("SELECT start_pin_until FROM member WHERE id = :member"), {"member": member_id}
    )
    told = [Notice("pin_reset", member.msisdn, {"when": _now(tx)})] if is_reset else []
    return [*told, Notice("start_pin", member.msisdn, {"until": until})]


def set_status(tx: Tx, member_id: int, status: Status, *, reason: str, by: Actor) -> list[Notice]:
    """Change what she is to the SACCO. Only active members withdraw by phone.

    Raises:
        NothingToDo: she is that already.
    """
    member = _hold(tx, member_id)
    if member.status == status:
        raise NothingToDo(f"{member.member_no} is {status} already")
    _set(tx, member_id, "status = :status", status=status)
    _record(tx, "status_changed", member, reason=reason, by=by, before=member.status, after=status)
    return []


def set_mandate(
    tx: Tx, member_id: int, mandate: Mandate, *, reason: str, by: Actor
) -> list[Notice]:
    """Change who signs. Where several do, nothing is withdrawn by phone.

    Raises:
        NothingToDo: it is that already.
    """
    member = _hold(tx, member_id)
    if member.mandate == mandate:
        raise NothingToDo(f"the mandate of {member.member_no} is {mandate} already")
    _set(tx, member_id, "mandate = :mandate", mandate=mandate)
    _record(
        tx, "mandate_changed", member, reason=reason, by=by, before=member.mandate, after=mandate
    )
    return []


def change_number(tx: Tx, member_id: int, msisdn: str, *, reason: str, by: Actor) -> list[Notice]:
    """Give her another phone number. Both phones are told; a start PIN that was out is void.

    Raises:
        NothingToDo: it is hers already.
        NumberTaken: another member has it.
    """
    member = _hold(tx, member_id)
    if member.msisdn == msisdn:
        raise NothingToDo(f"{mask(msisdn)} is the number of {member.member_no} already")
    try:
        with tx.begin_nested():
            _set(
                tx,
                member_id,
                "msisdn = :msisdn, number_changed_at = now(),"
                " start_pin_nonce = NULL, start_pin_until = NULL",
                msisdn=msisdn,
            )
    except sa.exc.IntegrityError as refused:
        if constraint_of(refused) != "member_msisdn_key":
            raise
        raise NumberTaken(f"{mask(msisdn)} belongs to another member") from None
    _record(
        tx, "number_changed", member, reason=reason, by=by,
        before=mask(member.msisdn), after=mask(msisdn),
    )  # fmt: skip
    facts = {"when": _now(tx), "phone": mask(msisdn)}
    return [Notice("number_changed", phone, facts) for phone in (member.msisdn, msisdn)]


def set_id(tx: Tx, member_id: int, proof: bytes, *, reason: str, by: Actor) -> list[Notice]:
    """Put the ID on file: the keyed digest of its last digits, from `Pins.id_check`."""
    member = _hold(tx, member_id)
    _set(tx, member_id, "id_check = :proof", proof=proof)
    _record(tx, "id_on_file", member, reason=reason, by=by)
    return []


_HOLD = sa.text("SELECT member_no FROM member WHERE id = :member FOR NO KEY UPDATE")
_REMEMBER = sa.text(
    "INSERT INTO pin_history (member_id, pin_hash) SELECT id, pin_hash FROM member"
    " WHERE id = :member AND pin_hash IS NOT NULL"
)
_WAS_RESET = sa.text("SELECT pin_reset_at IS NOT NULL FROM member WHERE id = :member")
_HAS_ID = sa.text("SELECT id_check IS NOT NULL FROM member WHERE id = :member")


def _hold(tx: Tx, member_id: int) -> Member:
    """The member, locked, so that two acts and a PIN come one after the other."""
    member_no = tx.scalar(_HOLD, {"member": member_id})
    member = None if member_no is None else directory.by_number(tx, member_no)
    if member is None:
        raise NoSuchMember("there is no such member")
    return member


def _refuse_idle_start_pin(tx: Tx, member: Member) -> None:
    """A start PIN that opens nothing only lies about, perhaps in a stolen phone."""
    if member.status not in SERVED:
        raise NotEligible(
            f"{member.member_no} is {member.status}, which closes the phone service."
            " `baraza members status` changes it"
        )
    if member.phone_locked:
        raise NotEligible(
            f"the phone service of {member.member_no} is locked. `baraza members unlock` opens it"
        )
    if not tx.scalar(_HAS_ID, {"member": member.id}):
        raise NotEligible(
            f"{member.member_no} has no ID on file; without its last digits a start PIN opens"
            " nothing. `baraza members id` puts it on file"
        )


def _set(tx: Tx, member_id: int, what: str, **values: object) -> None:
    """Write columns; `what` is this module's own text."""
    tx.execute(
        sa.text(f"UPDATE member SET {what} WHERE id = :member"),  # noqa: S608 - constants
        {"member": member_id, **values},
    )


def _record(tx: Tx, action: str, member: Member, *, reason: str, by: Actor, **more: str) -> None:
    audit.record(tx, action, by=by, member_no=member.member_no, reason=reason, **more)


def _now(tx: Tx) -> datetime:
    at = tx.scalar(sa.select(sa.func.now()))
    assert isinstance(at, datetime)
    return at
