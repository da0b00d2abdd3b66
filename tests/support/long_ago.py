"""What happened a day ago, and M-PESA's statement of it, for payouts that only people can end."""

from datetime import timedelta

import sqlalchemy as sa

from app.db import Database
from tests.support.statement import GUARDS_OFF
from tests.support.stories import Stories

RECEIPT = "SKL61MQ8WL"


def statement(stories: Stories, *, hours: tuple[int, int], cents: int | None = None) -> None:
    """M-PESA's statement of these hours, counted from now, with at most one payment on it."""
    with stories.db.transaction() as tx:
        tx.execute(
            sa.text(
                "WITH i AS (INSERT INTO statement_import (sha256, file_name, shortcode,"
                "  covers_from, covers_to, lines, opening_cents, closing_cents, imported_by)"
                "  VALUES (sha256(:name), 's.csv', '600000', now() + :since, now() + :until,"
                "  1, 0, 0, 'tests') RETURNING id)"
                " INSERT INTO statement_line (import_id, receipt, completed_at, details, status,"
                "  paid_in_cents, withdrawn_cents, balance_cents, kind)"
                " SELECT i.id, :receipt, now() + :since, '', 'completed', 0, :cents, 0, 'payment'"
                " FROM i WHERE CAST(:cents AS bigint) IS NOT NULL"
            ),
            {
                "name": f"{hours}".encode(),
                "since": timedelta(hours=hours[0]),
                "until": timedelta(hours=hours[1]),
                "receipt": RECEIPT,
                "cents": cents,
            },
        )


def yesterday(owner: Database, reference: str, *, hours: int = 30) -> None:
    """Everything about it happened so many hours ago."""
    with owner.transaction() as tx:
        tx.exec_driver_sql(GUARDS_OFF)
        tx.execute(
            sa.text(
                "WITH it AS (SELECT id FROM payout WHERE reference = :reference),"
                " a AS (UPDATE attempt SET committed_at = committed_at - :ago"
                "        WHERE payout_id = (SELECT id FROM it)),"
                " e AS (UPDATE evidence SET at = at - :ago WHERE payout_id = (SELECT id FROM it))"
                " UPDATE payout SET first_call_at = first_call_at - :ago,"
                "  state_since = state_since - :ago, requested_at = requested_at - :ago"
                " WHERE id = (SELECT id FROM it)"
            ),
            {"ago": timedelta(hours=hours), "reference": reference},
        )
