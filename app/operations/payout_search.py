"""Finding payouts: by whatever a member, M-PESA or a colleague may name them with."""

import re
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.db import Tx
from app.msisdn import mask, parse
from app.payouts.states import OPEN_STATES, State

PAGE = 50
_CONVERSATION = re.compile(
    r"AG_(?P<day>20[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01]))_\w{1,40}"
)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which payouts to list. Everything that is set must hold."""

    view: str = "all"
    """One of `VIEWS`."""
    member_no: str = ""
    from_cents: int | None = None
    before: datetime | None = None
    """Requested earlier than this: where the page before ended."""


@dataclass(frozen=True, slots=True)
class Found:
    """A payout in one line."""

    reference: str
    requested_at: datetime
    member_no: str
    first_name: str
    phone: str
    """Masked."""
    amount_cents: int
    fee_cents: int
    """With duty."""
    state: State
    frozen: bool
    state_since: datetime
    receipt: str | None
    next_at: datetime | None
    """When Baraza does something about it next, if it does."""
    calls: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some payouts, the newest first."""

    payouts: tuple[Found, ...]
    older: datetime | None
    """What to give as `before` for the next page; None: there is none."""


_OPEN = f"p.state IN ({', '.join(repr(str(state)) for state in sorted(OPEN_STATES))})"
VIEWS = {
    "all": "true",
    "open": _OPEN,
    "doubt": "(p.state = 'in_doubt' OR p.frozen)",
    "slow": f"{_OPEN} AND p.state_since < now() - interval '2 minutes'",
    "given_back": "p.state IN ('reversed', 'cancelled')",
    "paid": "p.state = 'paid'",
    "recovery": "p.state = 'recovery'",
    "touched": "p.reference IN (SELECT detail ->> 'reference' FROM staff_action"
    " WHERE detail ? 'reference' AND staff_id IS NOT NULL AND at > now() - interval '30 days')",
}
"""What staff look for often, as conditions. Nothing of them comes from outside."""

_LIST = """
    SELECT p.reference, p.requested_at, m.member_no, split_part(m.name, ' ', 1) AS first_name,
           p.msisdn AS phone, p.amount_cents, p.fee_cents + p.duty_cents AS fee_cents, p.state,
           p.frozen, p.state_since, p.receipt,
           least(p.work_due_at, p.ask_due_at, p.resend_due_at, p.doubt_due_at) AS next_at,
           (SELECT count(*) FROM attempt a WHERE a.payout_id = p.id) AS calls
      FROM payout p JOIN member m ON m.id = p.member_id
     WHERE {view}
       AND (CAST(:before AS timestamptz) IS NULL OR p.requested_at < :before)
       AND (CAST(:member AS text) = '' OR p.member_id =
            (SELECT id FROM member WHERE member_no = :member))
       AND (CAST(:cents AS bigint) IS NULL OR p.amount_cents >= :cents)
     ORDER BY p.requested_at DESC LIMIT :limit
"""
_BY_CODE = sa.text(
    "SELECT reference FROM payout WHERE reference = :text OR receipt = :text LIMIT 1"
)
_BY_ID = sa.text("SELECT reference FROM payout WHERE id = CAST(:text AS uuid)")
# No index holds these ids, which staff look for now and then: but each names its day.
_BY_CONVERSATION = sa.text(
    "SELECT reference FROM payout WHERE conversation_id = :text AND requested_at"
    " BETWEEN to_date(:day, 'YYYYMMDD') - 2 AND to_date(:day, 'YYYYMMDD') + 2 LIMIT 1"
)
_MEMBER = sa.text("SELECT member_no FROM member WHERE msisdn = :msisdn OR member_no = :text")


def listed(tx: Tx, which: Filter, *, limit: int = PAGE) -> Page:
    """Some payouts: a page of them, or as many as are asked for."""
    rows = tx.execute(
        sa.text(_LIST.format(view=VIEWS[which.view])),
        {
            "before": which.before,
            "member": which.member_no,
            "cents": which.from_cents,
            "limit": limit + 1,
        },
    ).mappings()
    found = [
        Found(**{**row, "phone": mask(row["phone"]), "state": State(row["state"])}) for row in rows
    ]
    has_more = len(found) > limit
    return Page(tuple(found[:limit]), found[limit - 1].requested_at if has_more else None)


def one(tx: Tx, text: str) -> str | None:
    """The reference of the payout that a reference, receipt or id of M-PESA's or ours names."""
    wanted = text.strip()
    conversation = _CONVERSATION.fullmatch(wanted)
    found: str | None
    if _UUID.fullmatch(wanted):
        found = tx.scalar(_BY_ID, {"text": wanted})
    elif conversation:
        found = tx.scalar(_BY_CONVERSATION, {"text": wanted, "day": conversation["day"]})
    else:
        found = tx.scalar(_BY_CODE, {"text": wanted.upper()})
    return found


def member(tx: Tx, text: str) -> str | None:
    """The number of the member with this phone number, however written, or this member number."""
    try:
        msisdn = parse(text)
    except ValueError:
        msisdn = ""
    found: str | None = tx.scalar(_MEMBER, {"msisdn": msisdn, "text": text.strip().upper()})
    return found
