"""What staff did and what was refused to them. Rows are only ever added."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from app import audit
from app.audit import COMMAND_LINE, Actor
from app.db import Tx

__all__ = ["COMMAND_LINE", "Action", "Recorded", "recent", "record"]


class Action(StrEnum):
    """What is recorded. The names stay in the table for ever."""

    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    DASHBOARD_REFUSED = "dashboard_refused"
    PAGE_REFUSED = "page_refused"
    CREATED = "created"
    DISABLED = "disabled"
    PASSWORD_SET = "password_set"  # noqa: S105 - the name of an action


@dataclass(frozen=True, slots=True)
class Recorded:
    """One row of the record, as its own person sees it."""

    action: str
    """An `Action`, or what another part of Baraza records of staff."""
    source: str
    at: datetime


_RECENT = sa.text(
    "SELECT action, source, at FROM staff_action WHERE staff_id = :staff_id"
    " ORDER BY id DESC LIMIT :limit"
)


def record(
    tx: Tx, action: Action, *, staff_id: int | None, source: str, **detail: str | int
) -> None:
    """Add a row to the record, kept or lost together with what it tells about."""
    audit.record(tx, action, by=Actor(source, staff_id), **detail)


def recent(tx: Tx, staff_id: int, *, limit: int) -> list[Recorded]:
    """What a person did last, newest first."""
    rows = tx.execute(_RECENT, {"staff_id": staff_id, "limit": limit})
    return [Recorded(row.action, row.source, row.at) for row in rows]
