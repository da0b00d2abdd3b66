"""Sealing the books: a SHA-256 chain over committed entries, and the proof that it still holds."""

from dataclasses import dataclass

import sqlalchemy as sa

from app.db import Tx

BLOCK_ENTRIES_MAX = 5_000
"""Entries in one block; one database transaction is never parted."""


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


def verify(tx: Tx) -> list[Fault]:
    """Work out every hash and every sum again from the postings. Reads all of the books.

    Returns what does not hold; an empty list when all is well. Only sealed entries are proved
    against later change; the rules about balances hold for all.
    """
    rows = tx.execute(sa.text("SELECT rule, detail FROM ledger.faults() ORDER BY rule, detail"))
    return [Fault(row.rule, row.detail) for row in rows]
