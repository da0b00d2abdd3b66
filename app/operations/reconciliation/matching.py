"""Four records of one payout side by side: the books, the payout, M-PESA's messages, its statement.

Each way in which they may disagree is a rule in `breaks.sql`. What a rule finds is a difference on
the worklist until the rule no longer finds it; nothing here moves money.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files

import sqlalchemy as sa

from app import audit
from app.audit import Actor
from app.db import Tx
from app.errors import Refused

RULE_MS_MAX = 60_000
_BLOCK = re.compile(
    r"^--: (?P<name>[a-z_]+)\n--: what: (?P<what>\S.*)\n--: cure: (?P<cure>\S.*)\n"
    r"(?P<query>(?:(?!--: ).*\n?)+)",
    re.MULTILINE,
)


class NoSuchBreak(Refused):
    """No difference of this number is open."""

    code = "RC-10"


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which the records may disagree."""

    name: str
    what: str
    cure: str
    query: str


@dataclass(frozen=True, slots=True)
class Break:
    """A difference."""

    id: int
    rule: str
    what: str
    subject: str
    detail: str
    cents: int
    opened_at: datetime
    explained_at: datetime | None
    explained_by: str | None
    explanation: str | None
    cleared_at: datetime | None
    cure: str


_PLACE = sa.text(
    "UPDATE statement_line l SET payout_id = p.id FROM payout p"
    " WHERE l.payout_id IS NULL AND l.kind = 'payment' AND p.receipt = l.receipt"
)
_SEE = sa.text(
    "INSERT INTO reconciliation_break (rule, subject, detail, cents)"
    " VALUES (:rule, :subject, :detail, :cents)"
    " ON CONFLICT (rule, subject) WHERE cleared_at IS NULL"
    " DO UPDATE SET detail = excluded.detail, cents = excluded.cents, last_seen_at = now()"
)
_CLEAR = sa.text(
    "UPDATE reconciliation_break SET cleared_at = now()"
    " WHERE cleared_at IS NULL AND last_seen_at < now()"
)
_LIST = sa.text(
    "SELECT b.id, b.rule, b.subject, b.detail, b.cents, b.opened_at, b.explained_at,"
    " s.email AS explained_by, b.explanation, b.cleared_at FROM reconciliation_break b"
    " LEFT JOIN staff s ON s.id = b.explained_by"
    " WHERE :all OR (b.cleared_at IS NULL AND b.explained_at IS NULL)"
    " ORDER BY b.cleared_at IS NOT NULL, b.explained_at IS NOT NULL, b.opened_at, b.id LIMIT :limit"
)
_EXPLAIN = sa.text(
    "UPDATE reconciliation_break SET explained_at = now(), explained_by = :by, explanation = :why"
    " WHERE id = :id AND cleared_at IS NULL AND explained_at IS NULL RETURNING rule, subject"
)


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the file."""
    text = files("app.operations.reconciliation").joinpath("breaks.sql").read_text("utf-8")
    found = tuple(
        Rule(one["name"], one["what"], one["cure"], one["query"].strip().removesuffix(";"))
        for one in _BLOCK.finditer(text)
    )
    assert len(found) == text.count("--: cure: "), "a rule of breaks.sql cannot be read"
    return found


def match(tx: Tx) -> None:
    """Ask every rule: open what is new, clear what is over."""
    tx.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('reconciliation', 0))"))
    tx.exec_driver_sql(f"SET LOCAL statement_timeout = {RULE_MS_MAX}")
    tx.execute(_PLACE)
    for rule in rules():
        # Straight to the driver's text: the queries hold colons and percent signs of their own.
        for subject, detail, cents in tx.exec_driver_sql(rule.query.replace("%", "%%")).all():
            facts = {"rule": rule.name, "subject": subject, "detail": detail, "cents": cents}
            tx.execute(_SEE, facts)
    tx.execute(_CLEAR)


def listed(tx: Tx, *, everything: bool, limit: int) -> list[Break]:
    """Differences that wait for somebody, the oldest first; or all that there ever were."""
    known = {rule.name: rule for rule in rules()}
    return [
        Break(**row, what=known[row["rule"]].what, cure=known[row["rule"]].cure)
        for row in tx.execute(_LIST, {"all": everything, "limit": limit}).mappings()
    ]


def explain(tx: Tx, number: int, *, reason: str, by: Actor) -> None:
    """Say why a difference is none that anybody has to mend. It moves no money.

    Raises:
        NoSuchBreak: it is not there, is over, or is explained already.
    """
    facts = {"id": number, "by": by.staff_id, "why": reason}
    found = tx.execute(_EXPLAIN, facts).one_or_none()
    if found is None:
        raise NoSuchBreak(f"No difference {number} waits; see `baraza breaks list`.")
    audit.record(
        tx,
        "break_explained",
        by=by,
        number=number,
        rule=found.rule,
        subject=found.subject,
        reason=reason,
    )
