"""Taking a withdrawal in: from a quote that was shown and a PIN that was right to a payout."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app import ids
from app.db import Tx
from app.errors import Broken
from app.ledger import statements
from app.payouts import claims, limits, switch
from app.payouts.deadlines import UNSENT_EXPIRES_AFTER_S
from app.payouts.reasons import Reason
from app.payouts.states import OPEN_STATES

__all__ = ["NotAccepted", "OpenPayout", "Reason", "Requested", "open_payout", "request"]

REFERENCE_TRIES_MAX = 5


@dataclass(frozen=True, slots=True)
class Requested:
    """The withdrawal is on its way under this reference."""

    reference: str


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """The withdrawal was not taken in."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class OpenPayout:
    """A member's withdrawal that has not ended yet."""

    reference: str
    state: str
    amount_cents: int
    can_cancel: bool
    """Nothing was sent yet, so she may take it back."""


_INSERT = sa.text(
    "INSERT INTO payout (id, reference, quote_id, member_id, account_id, msisdn, language,"
    " amount_cents, fee_cents, duty_cents, reserve_id, resolve_id, requested_at, notice_due_at,"
    " unsent_expires_at)"
    " SELECT :id, :reference, q.id, q.member_id, q.account_id, m.msisdn, m.language,"
    " q.amount_cents, q.fee_cents, q.duty_cents, :reserve_id, :resolve_id, :at,"
    " :at + :notice_after, :at + :expires_after"
    " FROM quote q JOIN member m ON m.id = q.member_id WHERE q.id = :quote_id"
    " ON CONFLICT DO NOTHING RETURNING reference"
)
_QUOTE = sa.text(
    "SELECT member_id, account_id, amount_cents, amount_cents + fee_cents + duty_cents"
    " AS total_cents FROM quote WHERE id = :id"
)
# Locked, so that her withdrawals come one after the other and none slips past a change of her
# standing. No key changes, so that a step's SMS to her need not wait.
_MAY_WITHDRAW = sa.text(
    "SELECT m.status = 'active' AND m.mandate = 'sole' AND m.phone_locked_at IS NULL"
    " AND a.withdrawable FROM member m JOIN member_account a ON a.member_id = m.id"
    " WHERE m.id = :member AND a.account_id = :account FOR NO KEY UPDATE OF m"
)
OPEN = (
    "SELECT reference, state, amount_cents, state IN ('requested', 'reserved') AND NOT frozen"  # noqa: S608 - constants
    " AND NOT EXISTS (SELECT FROM attempt a WHERE a.payout_id = p.id) AS can_cancel"
    f" FROM payout p WHERE state IN ({', '.join(repr(str(s)) for s in sorted(OPEN_STATES))})"
)
"""SQL for the columns of `OpenPayout`, to be gone on with by whose."""
_OPEN = sa.text(f"{OPEN} AND member_id = :member")


def request(
    tx: Tx,
    *,
    quote_id: UUID,
    notice_after_s: int,
    expires_after_s: int = UNSENT_EXPIRES_AFTER_S,
) -> Requested | NotAccepted:
    """Turn a quote into a payout, once. A repeat finds the payout that the quote became.

    The funds check here is advice for the screen; the debit step decides under the lock. The
    limits are decided here.

    Args:
        tx: The hop's transaction. The member's row stays locked until it ends.
        quote_id: What the member saw and confirmed.
        notice_after_s: When she is told that it waits, should nothing have been sent by then.
        expires_after_s: When it goes back into her savings, should nothing have been sent by then.

    Raises:
        Broken: there is no such quote.
        NoLimits: no limits are in force.
    """
    known = _reference_of(tx, quote_id)
    if known is not None:
        return Requested(known)
    quote = tx.execute(_QUOTE, {"id": quote_id}).one_or_none()
    if quote is None:
        raise Broken(f"no quote {quote_id}")
    at = claims.now(tx)
    reason = _refusal(tx, quote, at)
    if reason is None:
        timers = {
            "notice_after": timedelta(seconds=notice_after_s),
            "expires_after": timedelta(seconds=expires_after_s),
        }
        return _insert(tx, quote_id, quote.member_id, at, timers)
    # What stands in the way may be this very quote's payout, made a moment ago by another hand.
    known = _reference_of(tx, quote_id)
    return NotAccepted(reason) if known is None else Requested(known)


def _refusal(tx: Tx, quote: sa.Row[Any], at: datetime) -> Reason | None:
    """Why this withdrawal cannot be taken in now, if anything stands in its way."""
    who = {"member": quote.member_id, "account": quote.account_id}
    if tx.scalar(_MAY_WITHDRAW, who) is not True:
        return Reason.NOT_ALLOWED
    if switch.stopped(tx) is not None:
        return Reason.STOPPED
    if open_payout(tx, quote.member_id) is not None:
        return Reason.ONE_OPEN
    if statements.available(tx, quote.account_id) < quote.total_cents:
        return Reason.INSUFFICIENT
    # Last, because it may hold up other members' withdrawals until we commit.
    return limits.refusal(tx, member_id=quote.member_id, amount_cents=quote.amount_cents, at=at)


def _insert(
    tx: Tx, quote_id: UUID, member_id: int, at: datetime, timers: Mapping[str, timedelta]
) -> Requested | NotAccepted:
    for _ in range(REFERENCE_TRIES_MAX):
        reference = tx.scalar(
            _INSERT,
            {
                "id": ids.uuid7(at),
                "reference": ids.reference(),
                "quote_id": quote_id,
                "reserve_id": ids.uuid7(at),
                "resolve_id": ids.uuid7(at),
                # The moment that the limits were judged by, or a hop around midnight would count
                # for no day.
                "at": at,
                **timers,
            },
        )
        if reference is not None:
            return Requested(reference)
        # Somebody was faster: the same quote, another withdrawal of this member, or, once in
        # thousands of millions, a reference that is taken.
        known = _reference_of(tx, quote_id)
        if known is not None:
            return Requested(known)
        if open_payout(tx, member_id) is not None:
            return NotAccepted(Reason.ONE_OPEN)
    raise Broken("no free reference was found")


def _reference_of(tx: Tx, quote_id: UUID) -> str | None:
    found = tx.scalar(
        sa.text("SELECT reference FROM payout WHERE quote_id = :id"), {"id": quote_id}
    )
    return None if found is None else str(found)


def open_payout(tx: Tx, member_id: int) -> OpenPayout | None:
    """The member's withdrawal that has not ended yet, if there is one."""
    row = tx.execute(_OPEN, {"member": member_id}).one_or_none()
    return None if row is None else OpenPayout(*row)
