"""Taking payouts to work on, and moving them.

The row is the queue; SKIP LOCKED keeps workers apart. NO KEY UPDATE is the lock that a change of
state takes: it keeps out whoever would move the payout, and nobody who files something about it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app import rows
from app.db import Tx
from app.payouts.states import State

BATCH_MAX = 50
_WRITTEN = {
    "id": "uuid",
    "state": "text",
    "cause": "text",
    "evidence_id": "bigint",
    "reason_code": "text",
    "frozen": "boolean",
    "failure": "text",
    "conversation_id": "text",
    "receipt": "text",
    "first_call_at": "timestamptz",
    "work_due_at": "timestamptz",
    "doubt_due_at": "timestamptz",
    "ask_due_at": "timestamptz",
    "asks": "smallint",
    "resend_due_at": "timestamptz",
    "notice_due_at": "timestamptz",
    "unsent_expires_at": "timestamptz",
    "sim_check_due_at": "timestamptz",
    "claimed_by": "text",
    "lease_until": "timestamptz",
}
"""The columns that steps write, with their types."""


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout row, as far as the steps need it, read under its lock."""

    id: UUID
    reference: str
    member_id: int
    account_id: int
    msisdn: str
    language: str
    amount_cents: int
    fee_cents: int
    duty_cents: int
    total_cents: int
    reserve_id: UUID
    resolve_id: UUID
    state: State
    version: int
    evidence_id: int | None
    frozen: bool
    conversation_id: str | None
    receipt: str | None
    first_call_at: datetime | None
    requested_at: datetime
    work_due_at: datetime | None
    resend_due_at: datetime | None
    notice_due_at: datetime | None
    sim_check_due_at: datetime | None
    asks: int
    taken_at: datetime
    """The database's clock when it was locked: now."""


_COLUMNS = ", ".join(
    "clock_timestamp() AS taken_at" if name == "taken_at" else f"p.{name}"
    for name in Payout.__dataclass_fields__
)
_ONE = f"SELECT {_COLUMNS} FROM payout p WHERE reference = :reference"  # noqa: S608 - constants


def take(
    tx: Tx, where: str, *, limit: int, parameters: Mapping[str, Any] | None = None, order: str
) -> list[Payout]:
    """Lock the payouts that a step may work on. Rows that another worker holds are passed over.

    `where` and `order` are the step's own constants, never text from outside.
    """
    found = tx.execute(
        sa.text(
            f"SELECT {_COLUMNS} FROM payout p WHERE {where}"  # noqa: S608 - constants of the steps
            f" ORDER BY {order} LIMIT :limit FOR NO KEY UPDATE OF p SKIP LOCKED"
        ),
        {**(parameters or {}), "limit": limit},
    )
    return [_payout(row) for row in found]


def take_one(tx: Tx, reference: str) -> Payout | None:
    """Lock one payout by its reference, waiting for whoever holds it."""
    row = tx.execute(sa.text(f"{_ONE} FOR NO KEY UPDATE"), {"reference": reference}).one_or_none()
    return None if row is None else _payout(row)


def look_at(tx: Tx, reference: str) -> Payout | None:
    """One payout as it is now, for whoever only reads: nothing may be decided on it."""
    row = tx.execute(sa.text(_ONE), {"reference": reference}).one_or_none()
    return None if row is None else _payout(row)


def _payout(row: sa.Row[Any]) -> Payout:
    facts = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented way to a mapping
    return Payout(**{**facts, "state": State(facts["state"])})


def now(tx: Tx) -> datetime:
    """The database's clock, which all deadlines are computed and compared in."""
    moment = tx.scalar(sa.select(sa.func.clock_timestamp()))
    assert isinstance(moment, datetime)
    return moment


def update(tx: Tx, changes: Sequence[Mapping[str, Any]]) -> None:
    """Write columns of payouts that this database transaction has locked.

    Every mapping holds `id` and the columns to write; those that write the same ones are written
    by one statement. A change of `state` passes the trigger, which knows the table of moves, counts
    the version and writes the event.
    """
    alike: dict[tuple[str, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for change in changes:
        alike[tuple(sorted(change))].append(change)
    for names, group in alike.items():
        columns = {name: _WRITTEN[name] for name in names}
        tx.execute(_update(names), rows.arrays(columns, group))


@cache
def _update(names: tuple[str, ...]) -> sa.TextClause:
    setters = ", ".join(f"{name} = r.{name}" for name in names if name != "id")
    given = rows.source({name: _WRITTEN[name] for name in names})
    return sa.text(f"UPDATE payout p SET {setters} FROM {given} WHERE p.id = r.id")  # noqa: S608 - column names from code


def mended(tx: Tx, payout_id: UUID) -> None:
    """A payout that had failed alone was worked: it goes back to the batches."""
    tx.execute(
        sa.text(
            "UPDATE payout SET failures = 0, failed_step = NULL, failure = NULL, retry_at = NULL"
            " WHERE id = :id AND failures > 0"
        ),
        {"id": payout_id},
    )
    tx.execute(
        sa.text(
            "UPDATE dead_letter SET closed_at = now() WHERE payout_id = :id AND closed_at IS NULL"
        ),
        {"id": payout_id},
    )
