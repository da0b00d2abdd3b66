"""Alerts: what is wrong now, by rules that are data, opened and cleared by themselves.

A rule is a query in `alert_rules/*.sql` that returns a row (subject, detail) for each thing that is
wrong at this moment, with a severity, what it means and the first thing to do. Lower packages raise
no alerts: they record facts, which the rules read. An alert says that something is late or needs a
person; that something is wrong in the books, the invariants say. Who is told: `notices`.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Literal

import sqlalchemy as sa

from app import audit
from app.audit import Actor
from app.db import Tx
from app.errors import Refused
from app.observability import logger

Severity = Literal["page", "warn"]
RULE_MS_MAX = 2000
SUBJECTS_MAX = 100
"""Of one rule: who looks at a hundred needs no more to see that it is everything."""
BROKEN = "alert_rule_broken"
"""The alert of a rule that raises. What the rule had opened stays: a failure clears nothing."""
QUIET_S = 600
"""What clears and comes back within this time is the same alert."""
_BLOCK = re.compile(
    r"^--: (?P<name>[a-z0-9_]+)\n--: severity (?P<severity>page|warn)\n"
    r"(?:--: means: (?P<means>\S.*)\n)?--: do: (?P<do>\S.*)\n"
    r"(?P<query>(?:(?!--: ).*\n?)+)",
    re.MULTILINE,
)


class NoSuchAlert(Refused):
    """Nothing of this rule is open."""

    code = "AL-01"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is watched."""

    name: str
    severity: Severity
    do: str
    """The first thing to do."""
    query: str
    means: str = ""
    """What it is to members and to the SACCO, for whoever has never seen it."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that is wrong, or was."""

    rule: str
    subject: str
    severity: Severity
    detail: str
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    note: str | None
    escalated_at: datetime | None
    cleared_at: datetime | None
    do: str
    """The first thing to do."""


_SEE = sa.text(
    "WITH again AS ("
    " UPDATE alert SET cleared_at = NULL, detail = :detail, last_seen_at = now()"
    " WHERE rule = :rule AND subject = :subject AND cleared_at > now() - :quiet"
    " AND NOT EXISTS (SELECT FROM alert o WHERE o.rule = :rule AND o.subject = :subject"
    " AND o.cleared_at IS NULL) RETURNING id"
    ") INSERT INTO alert (rule, subject, severity, detail)"
    " SELECT :rule, :subject, :severity, :detail WHERE NOT EXISTS (SELECT FROM again)"
    " ON CONFLICT (rule, subject) WHERE cleared_at IS NULL"
    " DO UPDATE SET detail = excluded.detail, severity = excluded.severity, last_seen_at = now()"
    " RETURNING opened_at = last_seen_at AS is_new"
)
_CLEAR = sa.text(
    "UPDATE alert SET cleared_at = now() WHERE cleared_at IS NULL AND last_seen_at < now()"
    " AND rule <> ALL(:unknown) RETURNING rule, subject"
)
_LIST = sa.text(
    "SELECT rule, subject, severity, detail, opened_at, acknowledged_at, acknowledged_by, note,"
    " escalated_at, cleared_at FROM alert WHERE cleared_at IS NULL OR :cleared"
    " ORDER BY cleared_at IS NOT NULL, severity, opened_at DESC LIMIT :limit"
)
_ACKNOWLEDGE = sa.text(
    "UPDATE alert SET acknowledged_at = now(), acknowledged_by = :by, note = :reason"
    " WHERE cleared_at IS NULL AND rule = :rule"
    " AND (CAST(:subject AS text) IS NULL OR subject = :subject) RETURNING subject"
)


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule of `alert_rules/`, by file and place."""
    folder = files("app.operations").joinpath("alert_rules")
    texts = sorted(
        (file.name, file.read_text("utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    )
    return tuple(rule for name, text in texts for rule in _in(name, text))


def evaluate(tx: Tx) -> None:
    """Ask every rule; open what is new, clear what is over. One process at a time does it."""
    lock = "SELECT pg_try_advisory_xact_lock(hashtextextended('alerts', 0))"
    if not tx.scalar(sa.text(lock)):
        return
    tx.exec_driver_sql(f"SET LOCAL statement_timeout = {RULE_MS_MAX}")
    unknown = [rule.name for rule in rules() if not _ask(tx, rule)]
    for rule, subject in tx.execute(_CLEAR, {"unknown": unknown}):
        logger().info("alert_cleared", rule=rule, subject=subject)


def findings(tx: Tx, rule: Rule) -> list[tuple[str, str]]:
    """What is wrong now by one rule: subject and detail of each thing."""
    # Straight to the driver's text: the queries hold colons and percent signs of their own.
    rows = tx.exec_driver_sql(rule.query.replace("%", "%%")).fetchmany(SUBJECTS_MAX)
    return [(subject, detail) for subject, detail in rows]


def listed(tx: Tx, *, with_cleared: bool, limit: int) -> list[Alert]:
    """Open alerts, worst first; then those that are over, if they are wanted."""
    rows = tx.execute(_LIST, {"cleared": with_cleared, "limit": limit})
    return [
        Alert(
            rule=row.rule,
            subject=row.subject,
            severity=row.severity,
            detail=row.detail,
            opened_at=row.opened_at,
            acknowledged_at=row.acknowledged_at,
            acknowledged_by=row.acknowledged_by,
            note=row.note,
            escalated_at=row.escalated_at,
            cleared_at=row.cleared_at,
            do=first_thing_to_do(row.rule),
        )
        for row in rows
    ]


def first_thing_to_do(rule: str) -> str:
    """What a rule's alert asks of whoever sees it."""
    known = {one.name: one.do for one in rules()}
    return known.get(rule, "read the log of the timekeeper")


def acknowledge(tx: Tx, rule: str, subject: str | None, *, reason: str, by: Actor) -> list[str]:
    """Say that somebody is at it. Returns the subjects. It stays open until it is over.

    Raises:
        NoSuchAlert: nothing of this rule, or not about this subject, is open.
    """
    facts = {"rule": rule, "subject": subject, "by": by.title, "reason": reason}
    subjects = list(tx.scalars(_ACKNOWLEDGE, facts))
    if not subjects:
        raise NoSuchAlert("no such alert is open; `baraza alerts list` shows what is")
    audit.record(tx, "alert_acknowledged", by=by, rule=rule, subjects=subjects, reason=reason)
    return subjects


def open_by_severity(tx: Tx) -> dict[str, int]:
    """How many are open, for the metrics."""
    rows = tx.execute(
        sa.text(
            "SELECT severity, count(*) AS alerts FROM alert"
            " WHERE cleared_at IS NULL GROUP BY severity"
        )
    )
    return {"page": 0, "warn": 0} | {row.severity: row.alerts for row in rows}


def _in(name: str, text: str) -> list[Rule]:
    found = [
        Rule(
            one["name"],
            _severity(one["severity"]),
            one["do"],
            _bare(one["query"]),
            one["means"] or "",
        )
        for one in _BLOCK.finditer(text)
    ]
    # A rule that is written wrongly must not be one that is silently not there.
    assert len(found) == text.count("--: do: "), f"{name} has a rule that cannot be read"
    return found


def _ask(tx: Tx, rule: Rule) -> bool:
    """Open or renew what the rule finds. False if it could not be asked."""
    try:
        with tx.begin_nested():
            found = findings(tx, rule)
    except sa.exc.SQLAlchemyError as broken:
        _see(tx, BROKEN, rule.name, "page", f"{type(broken).__name__}: it says nothing now")
        return False
    for subject, detail in found:
        _see(tx, rule.name, subject, rule.severity, detail)
    return True


def _see(tx: Tx, rule: str, subject: str, severity: Severity, detail: str) -> None:
    facts = {"rule": rule, "subject": subject, "severity": severity, "detail": detail}
    if tx.scalar(_SEE, {**facts, "quiet": timedelta(seconds=QUIET_S)}):
        logger().error("alert_opened", **facts)


def _bare(query: str) -> str:
    return query.strip().removesuffix(";")


def _severity(text: str) -> Severity:
    return "page" if text == "page" else "warn"
