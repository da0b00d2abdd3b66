"""Balances here beside those of the core banking system."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app import audit
from app.audit import Actor
from app.csv_rows import Columns, Fault, Record
from app.db import Tx
from app.money import CENTS_PER_SHILLING

COLUMNS = Columns(required=("member_no", "balance"), defaults={"account": "Savings"})

_BALANCE = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{2}))?", re.ASCII)

Key = tuple[str, str]
"""A member number and the name of one of the member's accounts."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An account on which the two do not agree."""

    member_no: str
    account: str
    here_cents: int | None
    """None: we have no such account."""
    there_cents: int | None
    """None: the file does not name it."""

    @property
    def cents(self) -> int:
        """How much more there is here; an account that is missing counts as nothing."""
        return (self.here_cents or 0) - (self.there_cents or 0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it."""

    equal: int
    different: int
    missing_here: int
    missing_there: int
    difference_cents: int
    """Of all accounts together, signs left out."""
    differences: tuple[Difference, ...]
    """The worst first."""


_HERE = sa.text("""
    SELECT m.member_no, a.name, b.credit_cents - b.debit_cents AS cents
      FROM member_account a
      JOIN member m ON m.id = a.member_id
      JOIN ledger.account_balance b USING (account_id)
""")
_KEEP = sa.text("""
    INSERT INTO balance_comparison (compared_by, file_name, file_sha256, equal, different,
                                    missing_here, missing_there, difference_cents)
    VALUES (:by, :file, :sha256, :equal, :different, :missing_here, :missing_there,
            :difference_cents)
""")


def understood(records: Sequence[Record]) -> tuple[dict[Key, int], list[Fault]]:
    """The file's balances in cents, and faults for rows that name none or name one twice."""
    there: dict[Key, int] = {}
    faults: list[Fault] = []
    for record in records:
        key = (record.cells["member_no"], record.cells["account"])
        found = _BALANCE.fullmatch(record.cells["balance"])
        if found is None:
            cure = "such as 1234 or 1234.50, without commas"
            faults.append(Fault(record.line, "balance", "is no amount in shillings", cure))
        elif key in there:
            faults.append(Fault(record.line, "member_no", "has this account twice", "keep one"))
        else:
            sign, shillings, rest = found.groups(default="00")
            cents = int(shillings) * CENTS_PER_SHILLING + int(rest)
            there[key] = -cents if sign == "-" else cents
    return there, faults


def here(tx: Tx) -> dict[Key, int]:
    """The balance of every member's account at this moment, in cents."""
    return {(row.member_no, row.name): row.cents for row in tx.execute(_HERE)}


def compare(*, here: Mapping[Key, int], there: Mapping[Key, int]) -> Comparison:
    """Set the two side by side. Pure."""
    found = [
        Difference(*key, here.get(key), there.get(key))
        for key in sorted(here.keys() | there.keys())
        if here.get(key) != there.get(key)
    ]
    missing_here = sum(one.here_cents is None for one in found)
    missing_there = sum(one.there_cents is None for one in found)
    return Comparison(
        equal=len(here.keys() | there.keys()) - len(found),
        different=len(found) - missing_here - missing_there,
        missing_here=missing_here,
        missing_there=missing_there,
        difference_cents=sum(abs(one.cents) for one in found),
        differences=tuple(sorted(found, key=lambda one: -abs(one.cents))),
    )


def keep(tx: Tx, made: Comparison, *, file: str, sha256: str, by: Actor) -> None:
    """Put on record that it was done and what came of it, without anybody's balance."""
    counts = {
        "equal": made.equal,
        "different": made.different,
        "missing_here": made.missing_here,
        "missing_there": made.missing_there,
        "difference_cents": made.difference_cents,
    }
    facts = {"file": file, "sha256": sha256, **counts}
    tx.execute(_KEEP, {**facts, "by": by.title})
    audit.record(tx, "balances_compared", by=by, **facts)
