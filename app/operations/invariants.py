"""Everything that must be true of the database at any moment, checked from the rows themselves.

Every rule is one statement, so it holds in every snapshot, also while Baraza works. An alert
says that something is late; an invariant that fails says that something is wrong.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from app.db import Tx
from app.ledger import sealing

SHOWN_MAX = 3
"""Offenders named in a finding; their number is told in any case."""
TIMEOUT_MS = 600_000
"""A whole audit reads all the books."""

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


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule in words, and the query that lists what breaks it."""

    name: str
    query: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule looks like in this database."""

    name: str
    ok: bool
    detail: str
    """Who breaks it, shortened; empty when nobody does."""


def run(tx: Tx) -> list[Finding]:
    """Check every rule. Reads only; takes seconds for each million postings."""
    tx.exec_driver_sql(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
    return [*_books(tx), *(_finding(rule.name, _offenders(tx, rule)) for rule in invariants())]


@cache
def invariants() -> tuple[Invariant, ...]:
    """The rules of `sql/invariants.sql`, in its order."""
    text = files("app.operations").joinpath("sql/invariants.sql").read_text("utf-8")
    return tuple(_rules(text))


def _rules(text: str) -> Iterator[Invariant]:
    for part in text.split("\n--: ")[1:]:
        name, _, query = part.partition("\n")
        yield Invariant(name.strip(), query.strip().removesuffix(";"))


def _books(tx: Tx) -> Iterator[Finding]:
    broken: defaultdict[str, list[str]] = defaultdict(list)
    for fault in sealing.verify(tx):
        broken[fault.rule].append(fault.detail)
    for rule in dict.fromkeys((*BOOKS, *broken)):
        yield _finding(rule, broken[rule])


def _offenders(tx: Tx, rule: Invariant) -> list[str]:
    # Straight to the driver's text: the queries hold colons and percent signs of their own.
    return [str(row[0]) for row in tx.exec_driver_sql(rule.query.replace("%", "%%"))]


def _finding(name: str, offenders: list[str]) -> Finding:
    shown = "; ".join(offenders[:SHOWN_MAX])
    if len(offenders) > SHOWN_MAX:
        shown += f"; and {len(offenders) - SHOWN_MAX} more"
    return Finding(name, not offenders, shown)
