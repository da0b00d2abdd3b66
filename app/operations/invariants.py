"""Everything that must be true of the database at any moment, checked from the rows themselves.

Every rule is one statement, so it holds in every snapshot, also while Baraza works. An alert
says that something is late; an invariant that fails says that something is wrong.

A rule is written once and asked in two ways: about everything, or about what is new.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import sqlalchemy as sa

from app.db import Tx
from app.ledger import sealing

SHOWN_MAX = 3
"""Offenders named in a finding; their number is told in any case."""
TIMEOUT_MS = 600_000
"""A whole audit reads all the books."""
RECENT_TIMEOUT_MS = 15_000
"""For one rule. Whoever cannot say in this time that all is well must say so."""

BOOKS = (
    "a block holds what it held when it was sealed",
    "an entry nets to zero, has all its lines and means what its fingerprint says",
    "a posting belongs to an entry",
    "a balance is the sum of its postings, which count from 1 without a gap",
    "what is held is the sum of the live liens",
    "no balance is below its minimum",
    "the sums by general ledger account are those of the postings",
    "the sums by system account are those of the postings",
    "every table of the books is guarded",
)
"""The rules of `ledger.faults()`, which reports broken ones only."""
FULL_ONLY = frozenset(BOOKS[6:8])
"""Sums over all postings. Between two full audits the sums are held against each other."""

_PLACE = re.compile(
    r"/\*(?P<what>payouts|quotes|receipts|conversations|entries|since) (?P<of>\S+)\*/"
)
_NARROW = {
    "entries": "{of} >= %(from_xact)s AND",
    "since": "{of} >= %(since)s AND",
}
_NARROW_TO_LIST = "{of} = ANY (%({what})s) AND"


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule in words, and the query that lists what breaks it."""

    name: str
    query: str

    @property
    def narrowed(self) -> str:
        """The same query about what is new; the same text where it has no place for that."""
        return _PLACE.sub(_condition, self.query)


@dataclass(frozen=True, slots=True)
class Since:
    """From where on something is new."""

    at: datetime
    """By PostgreSQL's clock, for payouts and what is said about them."""
    xact: int
    """By the books' transaction numbers, for entries."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule looks like in this database."""

    name: str
    ok: bool
    detail: str
    """Who breaks it, shortened; empty when nobody does."""
    answered: bool = True
    """False: it could not be asked, so nobody knows."""

    @property
    def broken(self) -> bool:
        """Whether something is known to be wrong."""
        return self.answered and not self.ok


def run(tx: Tx) -> list[Finding]:
    """Check every rule. Reads only; takes seconds for each million postings."""
    tx.exec_driver_sql(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
    rules = (_finding(rule.name, _offenders(tx, rule.query, {})) for rule in invariants())
    return [*_books(tx, {}), *rules]


def run_some(tx: Tx, names: Collection[str]) -> list[Finding]:
    """Check some rules of `invariants()` about everything. Reads only."""
    tx.exec_driver_sql(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
    chosen = [rule for rule in invariants() if rule.name in names]
    assert len(chosen) == len(names), "a rule was renamed"
    return [_finding(rule.name, _offenders(tx, rule.query, {})) for rule in chosen]


def run_recent(tx: Tx, since: Since, *, whole: Collection[str]) -> list[Finding]:
    """Check every rule about what is new, quickly. Reads only.

    What is old was found good when it was new, or by the last audit of everything; a row that
    somebody changes behind our back long after is found by the next one.

    Args:
        tx: Where to look.
        since: From where on something is new.
        whole: Rules to ask about everything: they were broken, and must not seem to hold again
            only because what broke them grows old.
    """
    tx.exec_driver_sql(f"SET LOCAL statement_timeout = {RECENT_TIMEOUT_MS}")
    watched = _watched(tx, since)
    return [
        *_books_recent(tx, since, whole=whole),
        *(_recent(tx, rule, watched, whole=rule.name in whole) for rule in invariants()),
    ]


@cache
def invariants() -> tuple[Invariant, ...]:
    """The rules of `sql/invariants.sql`, in its order."""
    return tuple(_rules(_text("invariants")))


def _rules(text: str) -> Iterator[Invariant]:
    for part in text.split("\n--: ")[1:]:
        name, _, query = part.partition("\n")
        yield Invariant(name.strip(), query.strip().removesuffix(";"))


def _text(name: str) -> str:
    return files("app.operations").joinpath(f"sql/{name}.sql").read_text("utf-8")


def _condition(place: re.Match[str]) -> str:
    return _NARROW.get(place["what"], _NARROW_TO_LIST).format(**place.groupdict())


def _watched(tx: Tx, since: Since) -> dict[str, Any]:
    facts = {"since": since.at, "from_xact": since.xact}
    return {**facts, **tx.execute(sa.text(_text("watched")), facts).mappings().one()}


def _recent(tx: Tx, rule: Invariant, watched: Mapping[str, Any], *, whole: bool) -> Finding:
    query, facts = (rule.query, {}) if whole else (rule.narrowed, watched)
    try:
        with tx.begin_nested():
            return _finding(rule.name, _offenders(tx, query, facts))
    except sa.exc.DBAPIError as failed:
        return _unanswered(rule.name, failed)


def _books(tx: Tx, facts: Mapping[str, Any]) -> Iterator[Finding]:
    broken: defaultdict[str, list[str]] = defaultdict(list)
    for fault in sealing.verify(tx, **facts):
        broken[fault.rule].append(fault.detail)
    for rule in dict.fromkeys((*BOOKS, *broken)):
        yield _finding(rule, broken[rule])


def _books_recent(tx: Tx, since: Since, *, whole: Collection[str]) -> list[Finding]:
    asked_whole = not set(BOOKS).isdisjoint(whole)
    facts = {} if asked_whole else {"from_xact": since.xact, "since": since.at}
    rules = [rule for rule in BOOKS if asked_whole or rule not in FULL_ONLY]
    try:
        with tx.begin_nested():
            found = list(_books(tx, facts))
    except sa.exc.DBAPIError as failed:
        return [_unanswered(rule, failed) for rule in rules]
    return [finding for finding in found if asked_whole or finding.name not in FULL_ONLY]


def _offenders(tx: Tx, query: str, facts: Mapping[str, Any]) -> list[str]:
    # Straight to the driver's text: the queries hold colons and percent signs of their own.
    escaped = re.sub(r"%(?!\(\w+\)s)", "%%", query)
    return [str(row[0]) for row in tx.exec_driver_sql(escaped, dict(facts))]


def _finding(name: str, offenders: list[str]) -> Finding:
    shown = "; ".join(offenders[:SHOWN_MAX])
    if len(offenders) > SHOWN_MAX:
        shown += f"; and {len(offenders) - SHOWN_MAX} more"
    return Finding(name, not offenders, shown)


def _unanswered(name: str, failed: sa.exc.DBAPIError) -> Finding:
    return Finding(name, ok=False, detail=f"{type(failed.orig).__name__}", answered=False)
