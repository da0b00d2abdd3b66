"""Where a session begins: one look at the world, stored so that no key changes its meaning."""

from app.channels.doors import Doors
from app.channels.ussd_money import status_facts
from app.clock import nairobi
from app.config import Settings
from app.db import Tx
from app.errors import Refused
from app.members import directory, pins
from app.members.directory import Member
from app.members.standing import SERVED
from app.msisdn import mask
from app.payouts import intake, limits, switch
from ussd_menus.model import Facts, Row

ACTIVE = "active"
SOLE = "sole"


def first_facts(tx: Tx, doors: Doors, msisdn: str, member: Member | None) -> Facts:
    """Everything that this session's screens will branch on or may show before an effect."""
    start = {"start": "unregistered"} if member is None else _start(tx, member)
    return {**_of_everybody(doors.settings, msisdn), **start}


def _of_everybody(settings: Settings, msisdn: str) -> Facts:
    return {
        "sacco": settings.sacco_name,
        "tel": settings.sacco_phone,
        "hours": settings.sacco_hours,
        "phone": mask(msisdn),
    }


def _start(tx: Tx, member: Member) -> Facts:
    """The first screen. What is no matter of the PIN comes first: no PIN would open it."""
    accounts = [a for a in directory.accounts(tx, member.id) if a.withdrawable]
    if member.status not in SERVED or not accounts:
        return {"start": "not_active"}
    if member.phone_locked:
        return {"start": "phone_locked"}
    rows: list[Row] = [[account.account_id, account.name] for account in accounts]
    return _without_pin(tx, member) or {"accounts": rows, **_main(tx, member)}


def _without_pin(tx: Tx, member: Member) -> Facts | None:
    """The first screen of who has no PIN of her own that could be typed now."""
    if member.pin == "none":
        return {"start": "no_pin"}
    if member.pin == "expired":
        return {"start": "start.expired"}
    lock = pins.lock_of(tx, member.id)
    if lock is not None:
        # A lock without an end closes the whole service, which was looked at before.
        assert lock.until is not None
        return {"start": "pin.locked", "until": nairobi(lock.until)}
    return {"start": "start.pin"} if member.pin == "start" else None


def _main(tx: Tx, member: Member) -> Facts:
    """Which main menu, with what its first option leads to."""
    payout = intake.open_payout(tx, member.id)
    if payout is not None:
        start = "main.unsent" if payout.can_cancel else "main.open"
        return {"start": start, **status_facts(payout)}
    if member.status != ACTIVE or member.mandate != SOLE:
        return {"start": "main.branch"}
    if switch.stopped(tx) is not None:
        return {"start": "main.stopped"}
    try:
        shown = limits.shown(tx)
    except Refused:
        # No limits are in force, so nobody may withdraw; a balance can still be read.
        return {"start": "main.stopped"}
    return {"start": "main", "minimum": shown.minimum_cents, "maximum": shown.maximum_cents}
