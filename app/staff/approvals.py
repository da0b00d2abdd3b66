"""What one person may not do alone: one asks for it, another one agrees, and both see what it does.

A request is bound to how things stood when it was made. The preview does all that the execution
will do and takes it back, as with `app.payouts.proposals`, which end payouts. What the database
writes for an executed request only, it checks against the request by itself.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app import audit
from app.audit import Actor
from app.db import Tx
from app.errors import Refused
from app.staff.approval_kinds import WAYS, Asked, Effect, Kind

LASTS = timedelta(hours=24)
"""A request that nobody decided by then must be made anew."""


class AskedAlready(Refused):
    """The same was asked for and waits for a second person."""

    code = "AP-01"


class NoSuchRequest(Refused):
    """No request of this number waits for a decision."""

    code = "AP-02"


class OwnRequest(Refused):
    """Whoever asked for it does not decide it."""

    code = "AP-03"


class Outdated(Refused):
    """Things are no longer as they were when it was asked for."""

    code = "AP-04"


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked for."""

    id: int
    kind: Kind
    subject: str
    reason: str
    maker: str
    made_at: datetime
    expires_at: datetime
    outcome: Literal["executed", "rejected", "void"] | None
    """None: it waits for a second person."""
    checker: str | None
    decided_at: datetime | None
    decided_why: str | None


_ADD = sa.text(
    "INSERT INTO approval (kind, subject, detail, seen, reason, maker_id, expires_at)"
    " VALUES (:kind, :subject, :detail, :seen, :reason, :maker, now() + :lasts)"
    " ON CONFLICT DO NOTHING RETURNING id"
).bindparams(sa.bindparam("detail", type_=JSONB), sa.bindparam("seen", type_=JSONB))
_EXPIRE = sa.text(
    "UPDATE approval SET outcome = 'void', decided_at = now(), decided_why = 'nobody decided'"
    " WHERE kind = :kind AND subject = :subject AND outcome IS NULL AND expires_at <= now()"
)
_TAKE = sa.text(
    "SELECT a.*, a.expires_at <= now() AS is_late FROM approval a"
    " WHERE a.id = :id AND a.outcome IS NULL FOR UPDATE OF a"
)
_DECIDE = sa.text(
    "UPDATE approval SET outcome = :outcome, checker_id = :checker, decided_at = now(),"
    " decided_why = :why WHERE id = :id"
)
_LIST = sa.text(
    "SELECT a.id, a.kind, a.subject, a.reason, m.email AS maker, a.made_at, a.expires_at,"
    " a.outcome, k.email AS checker, a.decided_at, a.decided_why"
    " FROM approval a JOIN staff m ON m.id = a.maker_id LEFT JOIN staff k ON k.id = a.checker_id"
    " WHERE (:all OR a.outcome IS NULL) AND (CAST(:id AS bigint) IS NULL OR a.id = :id)"
    " ORDER BY a.outcome IS NOT NULL, a.id DESC LIMIT :limit"
)


def ask(tx: Tx, asked: Asked, *, by: Actor) -> tuple[int, Effect]:
    """Keep a request and show what it will do. Nothing of that is done yet.

    Raises:
        Refused: it could not be done now, and why.
        AskedAlready: the same waits already.
    """
    about = {"kind": asked.kind, "subject": asked.subject}
    tx.execute(_EXPIRE, about)
    facts = about | {
        "detail": dict(asked.detail),
        "seen": WAYS[asked.kind].seen(tx, asked.subject),
        "reason": asked.reason,
        "maker": by.staff_id,
        "lasts": LASTS,
    }
    number: int | None = tx.scalar(_ADD, facts)
    if number is None:
        raise AskedAlready("The same was asked for already, and waits for a second person.")
    audit.record(
        tx, "approval_asked", by=by, request=number, reason=asked.reason, act=asked.kind,
        subject=asked.subject,
    )  # fmt: skip
    return number, _preview(tx, asked, by)


def look(tx: Tx, number: int) -> tuple[Request, Effect]:
    """A request that waits, and what it will do now.

    Raises:
        NoSuchRequest: it does not wait.
        Outdated: things changed since; it could not be executed any more.
    """
    row = _take(tx, number)
    found = tx.execute(_LIST, {"all": True, "id": number, "limit": 1}).mappings().one()
    by = Actor("preview", staff_id=row.maker_id)
    return _request(found), _preview(tx, _asked(row), by)


def approve(tx: Tx, number: int, *, by: Actor) -> Effect:
    """Do what was asked for, and keep who agreed.

    Raises:
        NoSuchRequest: it does not wait.
        OwnRequest: the checker asked for it.
        Outdated: things changed since; ask anew.
    """
    row = _take(tx, number)
    if row.maker_id == by.staff_id:
        raise OwnRequest("You asked for this; somebody else must agree.")
    tx.execute(_DECIDE, {"id": number, "outcome": "executed", "checker": by.staff_id, "why": None})
    way = WAYS[Kind(row.kind)]
    effect = way.do(tx, _asked(row), by)
    if way.write is not None:
        way.write(tx, number)
    audit.record(tx, "approval_given", by=by, request=number, act=row.kind, subject=row.subject)
    return effect


def reject(tx: Tx, number: int, *, reason: str, by: Actor) -> None:
    """Let go of a request; whoever made it may do so too.

    Raises:
        NoSuchRequest: it does not wait.
    """
    row = tx.execute(_TAKE, {"id": number}).one_or_none()
    if row is None:
        raise NoSuchRequest(f"No request {number} waits.")
    decided = {"id": number, "outcome": "rejected", "checker": by.staff_id, "why": reason}
    tx.execute(_DECIDE, decided)
    audit.record(
        tx, "approval_refused", by=by, request=number, act=row.kind, subject=row.subject,
        reason=reason,
    )  # fmt: skip


def listed(tx: Tx, *, decided: bool, limit: int) -> list[Request]:
    """Requests that wait, newest first; with `decided` also those that do not any more."""
    rows = tx.execute(_LIST, {"all": decided, "id": None, "limit": limit}).mappings()
    return [_request(row) for row in rows]


def _request(row: sa.RowMapping) -> Request:
    return Request(**{**row, "kind": Kind(row["kind"])})


def _take(tx: Tx, number: int) -> sa.Row[Any]:
    """Lock a request that waits and still holds."""
    row = tx.execute(_TAKE, {"id": number}).one_or_none()
    if row is None:
        raise NoSuchRequest(f"No request {number} waits.")
    if row.is_late:
        raise Outdated(f"Request {number} waited for longer than a day. Ask anew.")
    if WAYS[Kind(row.kind)].seen(tx, row.subject) != row.seen:
        raise Outdated(f"Things have changed since request {number} was made. Look, and ask anew.")
    return row


def _preview(tx: Tx, asked: Asked, by: Actor) -> Effect:
    trial = tx.begin_nested()
    try:
        return WAYS[asked.kind].do(tx, asked, by)
    finally:
        trial.rollback()


def _asked(row: sa.Row[Any]) -> Asked:
    return Asked(Kind(row.kind), row.subject, row.reason, row.detail)
