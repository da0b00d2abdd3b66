"""A member's last withdrawal, for her own eyes after her PIN."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.db import Tx
from app.payouts.states import State


@dataclass(frozen=True, slots=True)
class LastPayout:
    """Her newest withdrawal, whether or not it has ended."""

    reference: str
    state: State
    reason_code: str | None
    """Why it was declined or refused; one of the words that texts know."""
    amount_cents: int
    requested_at: datetime
    receipt: str | None
    """M-PESA's code, once paid."""


def last(tx: Tx, member_id: int) -> LastPayout | None:
    """The member's newest withdrawal, or None if she never made one."""
    row = tx.execute(
        sa.text(
            "SELECT reference, state, reason_code, amount_cents, requested_at, receipt"
            " FROM payout WHERE member_id = :member ORDER BY requested_at DESC LIMIT 1"
        ),
        {"member": member_id},
    ).one_or_none()
    if row is None:
        return None
    return LastPayout(row[0], State(row[1]), *row[2:])
