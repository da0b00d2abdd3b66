"""Callbacks, filed once before any work. The endpoint stores and answers; resolve works them."""

import hashlib
import json
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db import Tx


class Kind(StrEnum):
    """Which of our doors the provider posted to."""

    B2C_RESULT = "b2c_result"
    B2C_TIMEOUT = "b2c_timeout"
    STATUS_RESULT = "status_result"
    STATUS_TIMEOUT = "status_timeout"


_FILE = sa.text(
    "INSERT INTO inbox (kind, payout_id, query_id, sha256, body, source)"
    " SELECT :kind, about.payout_id, :query, :sha256, cast(:body AS jsonb), :source"
    " FROM (SELECT CAST(:payout AS uuid) AS payout_id WHERE CAST(:query AS uuid) IS NULL"
    "  UNION ALL SELECT payout_id FROM status_query WHERE id = :query) AS about"
    " ON CONFLICT (kind, payout_id, (coalesce(query_id, payout_id)), sha256)"
    " DO UPDATE SET copies = inbox.copies + 1"
)


def file(
    tx: Tx, *, kind: Kind, payout_id: UUID | None, query_id: UUID | None, body: Any, source: str
) -> bool:
    """Keep a callback, by one statement. The same body again only counts a copy.

    Args:
        tx: The transaction, which may be the statement's own.
        kind: Which door it came to.
        payout_id: The payout that it is about; None where it answers a query.
        query_id: The status query that it answers; None where it is about a payout.
        body: It has been through `strip_secrets`: no credentials, and nothing that jsonb cannot
            hold.
        source: The caller's address.

    Returns:
        Whether it was kept: an answer to no query of ours is not.
    """
    text = json.dumps(body, sort_keys=True, ensure_ascii=True)
    kept = tx.execute(
        _FILE,
        {
            "kind": kind,
            "payout": payout_id,
            "query": query_id,
            "sha256": hashlib.sha256(text.encode()).digest(),
            "body": text,
            "source": source,
        },
    )
    return kept.rowcount == 1
