"""What staff did and what was refused to them. Rows are only ever added."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.db import Tx

COMMAND_LINE = "command line"
"""The source of what was done by someone who has a shell on the host."""


class Action(StrEnum):
    """What is recorded. The names stay in the table for ever."""

    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    DASHBOARD_REFUSED = "dashboard_refused"
    CREATED = "created"
    DISABLED = "disabled"
    PASSWORD_SET = "password_set"  # noqa: S105 - the name of an action


@dataclass(frozen=True, slots=True)
class Recorded:
    """One row of the record, as its own person sees it."""

    action: Action
    source: str
    at: datetime


_INSERT = sa.text(
    "INSERT INTO staff_action (staff_id, action, detail, source)"
    " VALUES (:staff_id, :action, :detail, :source)"
).bindparams(sa.bindparam("detail", type_=JSONB))
_RECENT = sa.text(
    "SELECT action, source, at FROM staff_action WHERE staff_id = :staff_id"
    " ORDER BY id DESC LIMIT :limit"
)


def record(
    tx: Tx, action: Action, *, staff_id: int | None, source: str, **detail: str | int
) -> None:
    """Add a row to the record, kept or lost together with what it tells about."""
    facts = {"staff_id": staff_id, "action": action, "detail": detail, "source": source}
    tx.execute(_INSERT, facts)


def recent(tx: Tx, staff_id: int, *, limit: int) -> list[Recorded]:
    """What a person did last, newest first."""
    rows = tx.execute(_RECENT, {"staff_id": staff_id, "limit": limit})
    return [Recorded(Action(row.action), row.source, row.at) for row in rows]
