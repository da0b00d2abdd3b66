"""Where a session begins: one look at the world, stored so that no key changes its meaning."""

from dataclasses import dataclass, fields

import sqlalchemy as sa

from app.channels.ussd_money import status_facts
from app.channels.ussd_sessions import Hop, Session
from app.clock import nairobi
from app.config import Settings
from app.db import Tx
from app.members import directory
from app.members.directory import Member
from app.members.standing import SERVED
from app.msisdn import mask
from app.payouts import intake, limits, switch
from app.payouts.intake import OpenPayout
from app.payouts.limits import Range
from ussd_menus import menu
from ussd_menus.model import Facts, Row

ACTIVE = "active"
SOLE = "sole"

# One statement: a dial is what members wait for most often, and what a flood would be made of.
_LOOK = sa.text(
    "SELECT m.*, p.*, l.*,"  # noqa: S608 - constants
    " (SELECT json_agg(json_build_array(account_id, name) ORDER BY account_id) FROM member_account"
    "   WHERE member_id = m.id AND withdrawable) AS accounts,"
    f" {switch.IS_STOPPED} AS is_stopped"
    f" FROM ({directory.MEMBER} WHERE msisdn = :msisdn) m"
    f" LEFT JOIN LATERAL ({intake.OPEN} AND member_id = m.id) p ON true"
    f" LEFT JOIN LATERAL ({limits.SHOWN}) l ON true"
)
_OF_MEMBER = len(fields(Member))
_OF_MEMBER_AND_PAYOUT = _OF_MEMBER + len(fields(OpenPayout))


@dataclass(frozen=True, slots=True)
class Look:
    """What a dial finds of who dials."""

    member: Member
    accounts: list[Row]
    """Number and name of those that can be withdrawn from, oldest first."""
    open_payout: OpenPayout | None
    is_stopped: bool
    range: Range | None
    """What one withdrawal may be at this hour; without limits in force there is none."""


def session(tx: Tx, settings: Settings, hop: Hop) -> Session:
    """A new session with everything that its screens will branch on or may show of the start."""
    found = _look(tx, hop.msisdn)
    start: Facts = {"start": "unregistered"} if found is None else _start(found)
    return Session(
        hop.session_id,
        hop.msisdn,
        hop.service_code,
        None if found is None else found.member.id,
        menu.VERSION,
        "en" if found is None else found.member.language,
        {**_of_everybody(settings, hop.msisdn), **start},
    )


def _look(tx: Tx, msisdn: str) -> Look | None:
    row = tx.execute(_LOOK, {"msisdn": msisdn}).one_or_none()
    if row is None:
        return None
    payout = row[_OF_MEMBER:_OF_MEMBER_AND_PAYOUT]
    return Look(
        Member(*row[:_OF_MEMBER]),
        row.accounts or [],
        None if row.reference is None else OpenPayout(*payout),
        row.is_stopped,
        None if row.at is None else limits.range_shown(row),
    )


def _of_everybody(settings: Settings, msisdn: str) -> Facts:
    return {
        "sacco": settings.sacco_name,
        "tel": settings.sacco_phone,
        "hours": settings.sacco_hours,
        "phone": mask(msisdn),
    }


def _start(found: Look) -> Facts:
    """The first screen. What is no matter of the PIN comes first: no PIN would open it."""
    if found.member.status not in SERVED or not found.accounts:
        return {"start": "not_active"}
    if found.member.phone_locked:
        return {"start": "phone_locked"}
    return _without_pin(found.member) or {"accounts": found.accounts, **_main(found)}


def _without_pin(member: Member) -> Facts | None:
    """The first screen of who has no PIN of her own that could be typed now."""
    if member.pin == "none":
        return {"start": "no_pin"}
    if member.pin == "expired":
        return {"start": "start.expired"}
    if member.pin_locked_until is not None:
        return {"start": "pin.locked", "until": nairobi(member.pin_locked_until)}
    return {"start": "start.pin"} if member.pin == "start" else None


def _main(found: Look) -> Facts:
    """Which main menu, with what its first option leads to."""
    if found.open_payout is not None:
        start = "main.unsent" if found.open_payout.can_cancel else "main.open"
        return {"start": start, **status_facts(found.open_payout)}
    if found.member.status != ACTIVE or found.member.mandate != SOLE:
        return {"start": "main.branch"}
    if found.is_stopped or found.range is None:
        # Where no limits are in force nobody may withdraw; a balance can still be read.
        return {"start": "main.stopped"}
    return {
        "start": "main",
        "minimum": found.range.minimum_cents,
        "maximum": found.range.maximum_cents,
    }
