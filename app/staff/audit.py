"""What staff did and what was refused to them. Rows are only ever added."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from app import audit
from app.audit import COMMAND_LINE, Actor
from app.db import Tx

__all__ = ["COMMAND_LINE", "Act", "Action", "Recorded", "listed", "recent", "record"]

PAGE = 100


class Action(StrEnum):
    """What is recorded. The names stay in the table for ever."""

    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    DASHBOARD_REFUSED = "dashboard_refused"
    PASSWORD_RIGHT = "password_right"  # noqa: S105 - the name of an action
    CODE_REFUSED = "code_refused"
    SECOND_FACTOR_SET = "second_factor_set"
    SECOND_FACTOR_RESET = "second_factor_reset"
    PASSKEY_MADE = "passkey_made"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_REFUSED = "passkey_refused"
    PAGE_REFUSED = "page_refused"
    CREATED = "created"
    JOINED = "joined"
    DISABLED = "disabled"
    PASSWORD_SET = "password_set"  # noqa: S105 - the name of an action


@dataclass(frozen=True, slots=True)
class Recorded:
    """One row of the record, as its own person sees it."""

    action: str
    """An `Action`, or what another part of Baraza records of staff."""
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Act:
    """One row of the record, as those see it who look after the others."""

    id: int
    at: datetime
    who: str
    """An e-mail, or the name of somebody without an account."""
    action: str
    about: str
    """A payout's reference, a member number or a colleague's e-mail; empty where it is about
    none."""
    reason: str
    more: dict[str, str]
    """Whatever else was written down."""
    source: str


_ABOUT = ("reference", "member_no", "colleague")
_SAID_APART = ("by", "reason", *_ABOUT)
_LISTED = sa.text(
    "SELECT a.id, a.at, coalesce(s.email, a.detail ->> 'by', 'nobody we know') AS who, a.action,"
    " a.detail, a.source FROM staff_action a LEFT JOIN staff s ON s.id = a.staff_id"
    " WHERE (CAST(:before AS bigint) IS NULL OR a.id < :before) AND (:about = ''"
    "  OR (a.detail ? 'member_no' AND a.detail ->> 'member_no' = upper(:about))"
    "  OR a.detail ->> 'reference' = upper(:about) OR s.email = lower(:about)"
    "  OR a.detail ->> 'colleague' = lower(:about)"
    "  OR a.action = lower(replace(:about, ' ', '_')))"
    " ORDER BY a.id DESC LIMIT :limit"
)
_RECENT = sa.text(
    "(SELECT id, action, source, at FROM staff_action WHERE staff_id = :staff_id"
    " ORDER BY id DESC LIMIT :limit) UNION"
    " (SELECT a.id, a.action, a.source, a.at FROM staff s JOIN staff_action a"
    "   ON a.detail ? 'colleague' AND a.detail ->> 'colleague' = s.email"
    "  WHERE s.id = :staff_id ORDER BY a.id DESC LIMIT :limit)"
    " ORDER BY id DESC LIMIT :limit"
)


def record(
    tx: Tx, action: Action, *, staff_id: int | None, source: str, **detail: str | int
) -> None:
    """Add a row to the record, kept or lost together with what it tells about."""
    audit.record(tx, action, by=Actor(source, staff_id), **detail)


def recent(tx: Tx, staff_id: int, *, limit: int) -> list[Recorded]:
    """What a person did last and what was done to their account, newest first."""
    rows = tx.execute(_RECENT, {"staff_id": staff_id, "limit": limit})
    return [Recorded(row.action, row.source, row.at) for row in rows]


def listed(tx: Tx, *, about: str = "", before: int | None = None, limit: int = PAGE) -> list[Act]:
    """What anybody did, newest first, a page at a time.

    Args:
        tx: Where to look.
        about: A payout's reference, a member number, a colleague's e-mail or the name of an act.
        before: The last id of the page before.
        limit: How many at most.
    """
    rows = tx.execute(_LISTED, {"about": about, "before": before, "limit": limit})
    return [
        Act(
            id=row.id,
            at=row.at,
            who=row.who,
            action=row.action,
            about=next((row.detail[name] for name in _ABOUT if row.detail.get(name)), ""),
            reason=row.detail.get("reason", ""),
            more={k: str(v) for k, v in row.detail.items() if k not in _SAID_APART},
            source=row.source,
        )
        for row in rows
    ]
