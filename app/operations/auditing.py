"""Audits on record: all that must be true, asked every minute about what is new, daily about all.

A rule that comes to be broken stops withdrawals. Nothing but a person lets them go on; and once a
person has, the same rule stops them again only after it has held in between. A rule that could not
be asked is an alert and stops nobody. The alerts themselves are rules like any other: they read
the record.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.audit import Actor
from app.db import Database, Tx
from app.msisdn import mask_all
from app.operations import invariants
from app.operations.invariants import Finding, Since
from app.payouts import switch

Kind = Literal["full", "recent"]
OVERLAP_S = 120
"""Longer than any database transaction of ours, which stamps its rows before it commits them."""
SPAN_S_MAX = 3600
"""After an outage the watch catches up by stretches of this length."""
NIGHT_HOUR = 2
"""In Nairobi. The first audit after it is a full one; so is the first one ever."""
KEPT_DAYS = 31
REASON_LENGTH_MAX = 300
AUDITOR = Actor("audit", name="Baraza")
"""Who stops withdrawals when a rule is broken."""


@dataclass(frozen=True, slots=True)
class Run:
    """One audit as it is on record."""

    id: int
    kind: Kind
    started_at: datetime
    finished_at: datetime
    rules: int
    broken: int
    unanswered: int
    findings: Sequence[dict[str, str]]
    """Of rules that are broken or could not be asked: `rule`, `state`, `detail`."""


@dataclass(frozen=True, slots=True)
class _Last:
    """What the next audit starts from."""

    broken: frozenset[str]
    unsettled: frozenset[str]
    """Broken, or not known."""
    seen: Since
    age_s: float


_MARK = sa.text(
    "SELECT least(clock_timestamp(), CAST(:until AS timestamptz)) AS at, ledger.horizon() AS xact,"
    " clock_timestamp() AS started_at"
)
_LAST = sa.text(
    "SELECT findings, seen_to, seen_xact,"
    " extract(epoch FROM clock_timestamp() - finished_at)::float AS age_s"
    " FROM audit_run ORDER BY id DESC LIMIT 1"
)
_HAD_FULL = sa.text(
    "SELECT EXISTS (SELECT FROM audit_run WHERE kind = 'full' AND started_at >="
    " (date_trunc('day', now() AT TIME ZONE 'Africa/Nairobi' - :night) + :night)"
    " AT TIME ZONE 'Africa/Nairobi')"
)
_INSERT = sa.text(
    "INSERT INTO audit_run (kind, started_at, rules, broken, unanswered, findings, seen_to,"
    " seen_xact) VALUES (:kind, :started_at, :rules, :broken, :unanswered, :findings, :seen_to,"
    " :seen_xact)"
).bindparams(sa.bindparam("findings", type_=JSONB))
_PRUNE = sa.text(
    "DELETE FROM audit_run WHERE kind = 'recent' AND broken + unanswered = 0"
    " AND finished_at < now() - :kept"
)
_LIST = sa.text(
    "SELECT id, kind, started_at, finished_at, rules, broken, unanswered, findings"
    " FROM audit_run ORDER BY id DESC LIMIT :limit"
)


def watch(db: Database, *, every_s: float) -> Kind | None:
    """Make the audit that is due: a full one once a night, else one about what is new.

    Returns what it was, or None where another process makes it, or made one in half that time.
    """
    with db.transaction() as tx:
        if not tx.scalar(sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended('audit', 0))")):
            return None
        last = _last(tx)
        night = {"night": timedelta(hours=NIGHT_HOUR)}
        if last is None or not tx.scalar(_HAD_FULL, night):
            _full(tx, last)
            tx.execute(_PRUNE, {"kept": timedelta(days=KEPT_DAYS)})
            return "full"
        if last.age_s < every_s / 2:
            return None
        _recent(tx, last)
        return "recent"


def full(tx: Tx) -> list[Finding]:
    """Check every rule about everything, and keep what came of it."""
    return _full(tx, _last(tx))


def latest(tx: Tx, *, limit: int) -> list[Run]:
    """The last audits, newest first."""
    return [Run(**row) for row in tx.execute(_LIST, {"limit": limit}).mappings()]


def _full(tx: Tx, last: _Last | None) -> list[Finding]:
    return _made(tx, "full", last, until=None, look=lambda: invariants.run(tx))


def _recent(tx: Tx, last: _Last) -> list[Finding]:
    since = Since(last.seen.at - timedelta(seconds=OVERLAP_S), last.seen.xact)
    return _made(
        tx,
        "recent",
        last,
        until=last.seen.at + timedelta(seconds=SPAN_S_MAX),
        look=lambda: invariants.run_recent(tx, since, whole=last.unsettled),
    )


def _made(
    tx: Tx,
    kind: Kind,
    last: _Last | None,
    *,
    until: datetime | None,
    look: Callable[[], list[Finding]],
) -> list[Finding]:
    # Marked before the rules are asked: what is written meanwhile is new for the next audit too.
    mark = tx.execute(_MARK, {"until": until}).one()
    findings = look()
    broken = [finding for finding in findings if finding.broken]
    told = [_told(finding) for finding in findings if not finding.ok]
    facts = {
        "kind": kind,
        "started_at": mark.started_at,
        "rules": len(findings),
        "broken": len(broken),
        "unanswered": len(told) - len(broken),
        "findings": told,
        "seen_to": mark.at,
        "seen_xact": mark.xact,
    }
    tx.execute(_INSERT, facts)
    _stop(tx, broken, known=last.broken if last else frozenset())
    return findings


def _stop(tx: Tx, broken: Sequence[Finding], *, known: Collection[str]) -> None:
    """Stop withdrawals for rules that the last audit did not know to be broken."""
    new = [finding for finding in broken if finding.name not in known]
    if not new:
        return
    rules = "; ".join(finding.name for finding in new)
    with suppress(switch.AlreadyStopped):
        switch.stop(tx, reason=f"broken: {rules}"[:REASON_LENGTH_MAX], by=AUDITOR)


def _last(tx: Tx) -> _Last | None:
    row = tx.execute(_LAST).one_or_none()
    if row is None:
        return None
    found: list[dict[str, Any]] = row.findings
    return _Last(
        broken=frozenset(one["rule"] for one in found if one["state"] == "broken"),
        unsettled=frozenset(one["rule"] for one in found),
        seen=Since(row.seen_to, row.seen_xact),
        age_s=row.age_s,
    )


def _told(finding: Finding) -> dict[str, str]:
    state = "broken" if finding.broken else "unanswered"
    return {"rule": finding.name, "state": state, "detail": mask_all(finding.detail)}
