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
    " VALUES (:kind, :payout, :query, :sha256, cast(:body AS jsonb), :source)"
    " ON CONFLICT (kind, payout_id, (coalesce(query_id, payout_id)), sha256)"
    " DO UPDATE SET copies = inbox.copies + 1"
)


def file(
    tx: Tx, *, kind: Kind, payout_id: UUID, query_id: UUID | None, body: Any, source: str
) -> None:
    """Keep a callback. The same body again only counts a copy.

    `body` has been through `strip_secrets`: no credentials, and nothing that jsonb cannot hold.
    """
    text = json.dumps(body, sort_keys=True, ensure_ascii=True)
    tx.execute(
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


def payout_of_query(tx: Tx, query_id: UUID) -> UUID | None:
    """The payout that a status query asked about."""
    found = tx.scalar(
        sa.text("SELECT payout_id FROM status_query WHERE id = :id"), {"id": query_id}
    )
    assert found is None or isinstance(found, UUID)
    return found
