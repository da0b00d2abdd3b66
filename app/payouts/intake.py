"""Taking a withdrawal in: from a quote that was shown and a PIN that was right to a payout."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app import ids
from app.db import Tx
from app.errors import Broken
from app.ledger import statements
from app.payouts import claims, quotes
from app.payouts.states import OPEN_STATES

REFERENCE_TRIES_MAX = 5


class Reason(StrEnum):
    """Why a withdrawal was not taken in. Nothing has been deducted in any of these cases."""

    ONE_OPEN = "one_open"
    INSUFFICIENT = "insufficient"
    DAILY_LIMIT = "daily_limit"


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


_INSERT = sa.text(
    "INSERT INTO payout (id, reference, quote_id, member_id, account_id, msisdn, language,"
    " amount_cents, fee_cents, duty_cents, reserve_id, resolve_id)"
    " SELECT :id, :reference, q.id, q.member_id, q.account_id, m.msisdn, m.language,"
    " q.amount_cents, q.fee_cents, q.duty_cents, :reserve_id, :resolve_id"
    " FROM quote q JOIN member m ON m.id = q.member_id WHERE q.id = :quote_id"
    " ON CONFLICT DO NOTHING RETURNING reference"
)
_DRAWN_TODAY = sa.text(
    "SELECT coalesce(sum(amount_cents), 0) FROM payout WHERE member_id = :member"
    " AND state NOT IN ('declined', 'reversed', 'cancelled', 'returned')"
    " AND requested_at >= date_trunc('day', now(), 'Africa/Nairobi')"
)


def request(tx: Tx, *, quote_id: UUID) -> Requested | NotAccepted:
    """Turn a quote into a payout, once. A repeat finds the payout that the quote became.

    The funds check here is advice for the screen; the debit step decides under the lock.

    Raises:
        Broken: there is no such quote.
    """
    known = _reference_of(tx, quote_id)
    if known is not None:
        return Requested(known)
    quote = tx.execute(
        sa.text(
            "SELECT member_id, account_id, amount_cents, amount_cents + fee_cents + duty_cents"
            " AS total_cents FROM quote WHERE id = :id"
        ),
        {"id": quote_id},
    ).one_or_none()
    if quote is None:
        raise Broken(f"no quote {quote_id}")
    reason = _refusal(tx, quote)
    if reason is None:
        return _insert(tx, quote_id, quote.member_id)
    # What stands in the way may be this very quote's payout, made a moment ago by another hand.
    known = _reference_of(tx, quote_id)
    return NotAccepted(reason) if known is None else Requested(known)


def _refusal(tx: Tx, quote: sa.Row[Any]) -> Reason | None:
    """Why this withdrawal cannot be taken in now, if anything stands in its way."""
    if open_payout(tx, quote.member_id) is not None:
        return Reason.ONE_OPEN
    if statements.available(tx, quote.account_id) < quote.total_cents:
        return Reason.INSUFFICIENT
    drawn = tx.scalar(_DRAWN_TODAY, {"member": quote.member_id}) or 0
    if drawn + quote.amount_cents > quotes.limits(tx).daily_cents:
        return Reason.DAILY_LIMIT
    return None


def _insert(tx: Tx, quote_id: UUID, member_id: int) -> Requested | NotAccepted:
    at = claims.now(tx)
    for _ in range(REFERENCE_TRIES_MAX):
        reference = tx.scalar(
            _INSERT,
            {
                "id": ids.uuid7(at),
                "reference": ids.reference(),
                "quote_id": quote_id,
                "reserve_id": ids.uuid7(at),
                "resolve_id": ids.uuid7(at),
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
    row = tx.execute(
        sa.text(
            "SELECT reference, state, amount_cents FROM payout"
            " WHERE member_id = :member AND state = ANY(:states)"
        ),
        {"member": member_id, "states": sorted(OPEN_STATES)},
    ).one_or_none()
    return None if row is None else OpenPayout(*row)
