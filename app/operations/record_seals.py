"""Sealing the record of what people did, and the proof that it still holds what it held."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.db import Tx
from app.operations import invariants
from app.operations.invariants import Finding

BLOCK_ACTS_MAX = 5_000
RULES = (
    "the record of what people did holds what it held when it was sealed",
    "the seals of that record follow each other without a gap",
    "the guards of that record are switched on",
)
"""The rules of `sql/invariants.sql` that are about this record."""


@dataclass(frozen=True, slots=True)
class Seals:
    """How far the record is sealed."""

    blocks: int
    acts: int
    """In these blocks."""
    unsealed: int
    """Newer than the last block, at most `BLOCK_ACTS_MAX`."""
    sealed_at: datetime | None
    head: str | None
    """The newest block's hash, in hex. Whoever kept it outside can prove the record by it."""


_READ = sa.text(
    "SELECT (SELECT coalesce(max(block_no), 0) FROM staff_action_block) AS blocks,"
    " (SELECT coalesce(sum(acts), 0) FROM staff_action_block)::bigint AS acts,"
    " (SELECT count(*) FROM (SELECT FROM staff_action WHERE id > coalesce(b.to_id, 0)"
    "   LIMIT :limit) u) AS unsealed, b.sealed_at, encode(b.hash, 'hex') AS head"
    " FROM (VALUES (1)) one LEFT JOIN (SELECT * FROM staff_action_block"
    "   ORDER BY block_no DESC LIMIT 1) b ON true"
)


def seal(tx: Tx) -> int:
    """Seal what nobody sealed yet.

    Returns the number of rows sealed: 0 also when somebody writes one this very moment.
    """
    query = sa.text("SELECT seal_staff_actions(:limit)")
    return int(tx.scalar(query, {"limit": BLOCK_ACTS_MAX}) or 0)


def read(tx: Tx) -> Seals:
    """How far the record is sealed just now."""
    return Seals(**tx.execute(_READ, {"limit": BLOCK_ACTS_MAX}).mappings().one())


def verify(tx: Tx) -> list[Finding]:
    """Work out every hash of the record anew. Reads only; seconds for a million rows."""
    return invariants.run_some(tx, RULES)
