"""Liens: parts of a balance that may not be withdrawn (a guarantee, a court order, a recovery)."""

import sqlalchemy as sa

from app.db import Tx
from app.ledger.posting import refusals

_PLACE = sa.text("SELECT ledger.place_lien(:account, :cents, :reason)")
_RELEASE = sa.text("SELECT ledger.release_lien(:lien)")


def place(tx: Tx, *, account: int, cents: int, reason: str) -> int:
    """Hold this much of a member's balance. Returns the lien's number.

    Raises:
        InsufficientFunds: less than that is available. Lock with `posting.lock_available` first to
            hold the smaller of what is owed and what is there.
    """
    with refusals():
        lien = tx.scalar(_PLACE, {"account": account, "cents": cents, "reason": reason})
    assert isinstance(lien, int)
    return lien


def release(tx: Tx, lien: int) -> bool:
    """Let the money go. False when the lien was released before or never placed."""
    return bool(tx.scalar(_RELEASE, {"lien": lien}))
