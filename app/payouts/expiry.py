"""Giving back what was never sent and has waited too long because of us.

Time may end only this: under the payout's lock no call row exists, so M-PESA cannot have it.
"""

from collections.abc import Sequence

from app.db import Database, Tx
from app.doorbell import Step
from app.payouts import cancel, claims, due, poison
from app.payouts.claims import BATCH_MAX, Payout


def work(db: Database) -> int:
    """Cancel what has expired, at most one batch. Returns how many payouts were looked at."""
    payouts: list[Payout] = []
    try:
        with db.transaction() as tx:
            payouts = claims.take(tx, due.EXPIRED, limit=BATCH_MAX, order="p.unsent_expires_at")
            _give_back(tx, payouts)
    except poison.NEVER_POISON:
        raise
    except Exception:  # noqa: BLE001 - one of them is poison; find out which
        poison.one_by_one(db, Step.PAY, payouts, _give_back)
    return len(payouts)


def _give_back(tx: Tx, payouts: Sequence[Payout]) -> list[None]:
    for payout in payouts:
        if cancel.can_cancel(tx, payout):
            cancel.unsent(tx, payout, cause="it was not sent in time", reason="us")
        else:
            # A call row without its state: nothing that time may decide.
            claims.update(tx, [{"id": payout.id, "unsent_expires_at": None}])
    return []
