"""The journal as lines for other programs, read without holding it in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

import sqlalchemy as sa

from app.clock import NAIROBI
from app.db import Tx

FETCH_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Days:
    """Days of Nairobi on which entries were posted, the last one included."""

    first: date
    last: date

    @property
    def bounds(self) -> dict[str, datetime]:
        """As moments, the later one excluded."""
        after = self.last + timedelta(days=1)
        return {
            "begins": datetime.combine(self.first, time(), NAIROBI),
            "ends": datetime.combine(after, time(), NAIROBI),
        }


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One posting."""

    posted_at: datetime
    effective_on: date
    entry_id: UUID
    kind: str
    reference: str
    account: int
    member_no: str | None
    cents: int
    """+ debit, - credit."""


# By the moment of posting, which only ever moves on: once a day is over and sealed its lines are
# what they are for ever. An effective date may still get an entry later.
_LINES = sa.text("""
    SELECT e.posted_at, e.effective_on, e.id AS entry_id, e.kind::text AS kind, e.reference,
           p.account_id AS account, m.member_no, p.cents
      FROM ledger.journal_entry e
      JOIN ledger.posting p ON p.entry_id = e.id AND p.posted_on = e.posted_on
      LEFT JOIN member_account a ON a.account_id = p.account_id
      LEFT JOIN member m ON m.id = a.member_id
     WHERE e.posted_at >= :begins AND e.posted_at < :ends
     ORDER BY e.posted_at, e.id, p.cents < 0, p.account_id
""")
_FINAL = sa.text("""
    SELECT now() >= :ends
           AND NOT EXISTS (SELECT FROM ledger.journal_entry
                            WHERE posted_at >= :begins AND posted_at < :ends
                              AND xact_id >= coalesce((SELECT max(to_xact)
                                                         FROM ledger.journal_block), 0))
""")
# Sorting a year takes longer than a member's screen may.
_PATIENCE = sa.text("SET LOCAL statement_timeout = '15min'")


def lines(tx: Tx, days: Days) -> Iterator[JournalLine]:
    """Every posting of these days, in the order in which they were posted, debits first."""
    tx.execute(_PATIENCE)
    streaming = {"stream_results": True, "yield_per": FETCH_ROWS}
    for row in tx.execute(_LINES, days.bounds, execution_options=streaming).mappings():
        yield JournalLine(**row)


def is_final(tx: Tx, days: Days) -> bool:
    """Whether the days are over and all their entries sealed, so that no export will differ."""
    tx.execute(_PATIENCE)
    return bool(tx.scalar(_FINAL, days.bounds))
