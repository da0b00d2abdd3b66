"""Sealing the books: a SHA-256 chain over committed entries, and the proof that it still holds."""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from app.db import Tx

BLOCK_ENTRIES_MAX = 5_000
"""Entries in one block; one database transaction is never parted."""
ALL_XACTS = 0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAULTS = sa.text(
    "SELECT rule, detail FROM ledger.faults_since(:from_xact, :since) ORDER BY rule, detail"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in the books that cannot be."""

    rule: str
    """The sentence that does not hold."""
    detail: str
    """Which block, entry, account or table."""


def seal(tx: Tx, *, entries_max: int = BLOCK_ENTRIES_MAX) -> int:
    """Seal the next block of committed entries and add it to the sums.

    Returns the number of entries sealed: 0 when there is nothing to seal or another sealer is at
    work. Call again at once while it returns `entries_max` or more.
    """
    query = sa.text("SELECT ledger.seal(:entries_max)")
    return int(tx.scalar(query, {"entries_max": entries_max}) or 0)


def verify(tx: Tx, *, from_xact: int = ALL_XACTS, since: datetime = EPOCH) -> list[Fault]:
    """Work out hashes and sums again from the postings.

    Returns what does not hold; an empty list when all is well. Only sealed entries are proved
    against later change; the rules about balances hold for all.

    Args:
        tx: Where the books are. Nothing is written.
        from_xact: Read what was posted or sealed from this transaction number on, and the accounts
            that it touched. Unless given, all of the books, which takes time.
        since: The same moment by the clock, for lines that belong to no entry.
    """
    rows = tx.execute(_FAULTS, {"from_xact": from_xact, "since": since})
    return [Fault(row.rule, row.detail) for row in rows]
