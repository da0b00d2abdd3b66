"""What M-PESA sent to our doors, as it came, and how often somebody was turned away there."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.db import Tx
from app.msisdn import mask_all
from app.payouts.inbox import Kind

PAGE = 50
HOURS = 24
# M-PESA writes `254712345678 - Wanjiku Kamau`, or masks the number itself.
_NAMED = re.compile(r'("[0-9*+]{6,15} - [^\s"\\]+) (?:[^"\\]|\\.)*')
VIEWS = {
    "all": "true",
    "waiting": "i.worked_at IS NULL",
    "doubled": "i.copies > 1",
}
"""What people look for, as conditions. Nothing of them comes from outside."""


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback about a payout, in one line."""

    id: int
    kind: Kind
    received_at: datetime
    source: str
    """The caller's address."""
    copies: int
    """How often the very same came."""
    bytes: int
    worked_at: datetime | None
    verdict: str | None
    """What it was taken for, once it was worked."""
    reference: str | None
    """None: the payout that its address names is not there."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Callers turned away within an hour."""

    begins: datetime
    callbacks: int


@dataclass(frozen=True, slots=True)
class Reason:
    """Why callers were turned away in the last day."""

    reason: str
    callbacks: int
    last_at: datetime


_COLUMNS = (
    "i.id, i.kind, i.received_at, i.source, i.copies, octet_length(i.body::text) AS bytes,"
    " i.worked_at, i.verdict, p.reference"
)
_LIST = (
    f"SELECT {_COLUMNS} FROM inbox i LEFT JOIN payout p ON p.id = i.payout_id"  # noqa: S608 - constants
    " WHERE (CAST(:before AS bigint) IS NULL OR i.id < :before)"
    " AND (CAST(:kind AS text) IS NULL OR i.kind = :kind) AND {view} AND {payout}"
    " ORDER BY i.id DESC LIMIT :limit"
)
# The kinds are named because the index begins with them.
_ABOUT = (
    "i.kind = ANY(:kinds) AND i.payout_id = (SELECT id FROM payout WHERE reference = :reference)"
)
_OF_PAYOUT = sa.text(
    f"SELECT {_COLUMNS} FROM payout p JOIN inbox i ON i.payout_id = p.id"  # noqa: S608 - constants
    " AND i.kind = ANY(:kinds) WHERE p.reference = :reference ORDER BY i.id DESC LIMIT :limit"
)
_ONE = sa.text(
    f"SELECT {_COLUMNS}, i.body, i.payout_id, i.query_id FROM inbox i"  # noqa: S608 - constants
    " LEFT JOIN payout p ON p.id = i.payout_id WHERE i.id = :id"
)
_REFUSED = sa.text(
    "SELECT h.begins, coalesce(sum(r.callbacks), 0)::integer AS callbacks"
    " FROM generate_series(now() - make_interval(hours => :hours), now() - interval '1 hour',"
    "  interval '1 hour') AS h(begins)"
    " LEFT JOIN callback_refusal r ON r.at >= h.begins AND r.at < h.begins + interval '1 hour'"
    " GROUP BY 1 ORDER BY 1"
)
_REASONS = sa.text(
    "SELECT reason, sum(callbacks)::integer AS callbacks, max(at) AS last_at FROM callback_refusal"
    " WHERE at > now() - make_interval(hours => :hours) GROUP BY 1 ORDER BY 2 DESC, 1"
)


def listed(
    tx: Tx, *, view: str, kind: Kind | None, reference: str, before: int | None
) -> list[Callback]:
    """A page of callbacks and one more if there is one, the newest first.

    Args:
        tx: Where to look.
        view: One of `VIEWS`.
        kind: Only those of this door. None: of any.
        reference: Only those about this payout. Empty: about any.
        before: Only those that were filed before this one.
    """
    facts: dict[str, Any] = {"before": before, "kind": kind, "limit": PAGE + 1}
    if reference:
        facts |= {"reference": reference, "kinds": list(Kind)}
    about = _ABOUT if reference else "true"
    rows = tx.execute(sa.text(_LIST.format(view=VIEWS[view], payout=about)), facts)
    return [_callback(row) for row in rows.mappings()]


def of_payout(tx: Tx, reference: str) -> list[Callback]:
    """What came about one payout, the newest first."""
    # The kinds are named because the index begins with them.
    facts = {"reference": reference, "limit": PAGE, "kinds": list(Kind)}
    rows = tx.execute(_OF_PAYOUT, facts)
    return [_callback(row) for row in rows.mappings()]


def one(tx: Tx, number: int) -> tuple[Callback, str, dict[str, Any]] | None:
    """One callback, its body as text, and the ids of its address. None: there is none.

    Phone numbers are masked and only first names stay: to see more of a member there is her
    payout's page, for a reason.
    """
    row = tx.execute(_ONE, {"id": number}).mappings().one_or_none()
    if row is None:
        return None
    facts = dict(row)
    ids = {name: facts.pop(name) for name in ("payout_id", "query_id")}
    body = json.dumps(facts.pop("body"), indent=2, ensure_ascii=False, sort_keys=True)
    return _callback(facts), _NAMED.sub(r"\1 ••••", mask_all(body)), ids


def refused(tx: Tx) -> tuple[list[Refused], list[Reason]]:
    """Callers turned away in the last day: by the hour, and why."""
    hours = {"hours": HOURS}
    return (
        [Refused(**row) for row in tx.execute(_REFUSED, hours).mappings()],
        [Reason(**row) for row in tx.execute(_REASONS, hours).mappings()],
    )


def _callback(row: Any) -> Callback:
    return Callback(**{**row, "kind": Kind(row["kind"])})
