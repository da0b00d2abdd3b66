"""What a member owes because M-PESA paid what had been given back: held, never taken by machine."""

import sqlalchemy as sa

from app.db import Tx
from app.ledger import liens, posting
from app.payouts.claims import Payout

_LIVE = sa.text("SELECT id FROM ledger.lien WHERE reason = :reason AND released_at IS NULL")


def hold(tx: Tx, payout: Payout) -> None:
    """Hold the amount on the member's savings, or as much of it as is there."""
    available = posting.lock_available(tx, [payout.account_id])[payout.account_id]
    cents = min(available, payout.amount_cents)
    if cents > 0:
        liens.place(tx, account=payout.account_id, cents=cents, reason=_reason(payout))


def let_go(tx: Tx, payout: Payout) -> None:
    """It is settled one way or another: nothing is held for it any more."""
    for lien in tx.scalars(_LIVE, {"reason": _reason(payout)}).all():
        liens.release(tx, lien)


def _reason(payout: Payout) -> str:
    return f"recovery of {payout.reference}"
