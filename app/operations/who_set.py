"""Who set which limits and prices, and why: people of the console, or somebody at a shell."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from app.db import Tx

LISTED_MAX = 50


class Book(StrEnum):
    """What holds from a day on, by its table."""

    LIMITS = "withdrawal_limit"
    TARIFFS = "tariff"
    EXCISE = "excise_rate"


@dataclass(frozen=True, slots=True)
class Setting:
    """How one entry came to be."""

    by: str
    """Who asked for it, or set it by a command; empty where nothing is on record."""
    agreed: str | None
    """The second person. None: it was set by a command."""
    reason: str


_ACTS = {Book.LIMITS: "limits_set", Book.TARIFFS: "tariff_loaded", Book.EXCISE: "excise_set"}
_REQUESTS = {
    Book.LIMITS: "approval_id",
    Book.TARIFFS: "approval_id",
    Book.EXCISE: "CAST(NULL AS bigint)",
}
# What a command sets stands in the record in the same transaction, and so at the same moment.
_NEWEST = """
SELECT b.made_at, coalesce(m.email, s.email, c.detail ->> 'by', '') AS by, k.email AS agreed,
       coalesce(a.reason, c.detail ->> 'reason', '') AS reason
  FROM (SELECT made_at, {request} AS request FROM {book}
         ORDER BY effective_from DESC, id DESC LIMIT :limit) b
  LEFT JOIN approval a ON a.id = b.request
  LEFT JOIN staff m ON m.id = a.maker_id
  LEFT JOIN staff k ON k.id = a.checker_id
  LEFT JOIN LATERAL (SELECT detail, staff_id FROM staff_action
                      WHERE action = '{act}' AND at = b.made_at AND b.request IS NULL
                      ORDER BY id LIMIT 1) c ON true
  LEFT JOIN staff s ON s.id = c.staff_id
"""


def settings(tx: Tx, book: Book) -> dict[datetime, Setting]:
    """How the newest entries of a book came to be, by the moment they were made."""
    query = _NEWEST.format(book=book, request=_REQUESTS[book], act=_ACTS[book])
    return {
        row.made_at: Setting(row.by, row.agreed, row.reason)
        for row in tx.execute(sa.text(query), {"limit": LISTED_MAX})
    }
