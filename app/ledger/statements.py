"""Reading the books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.db import Tx
from app.ledger.entries import Kind
from app.ledger.posting import UnknownAccount


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One posting as its member sees it."""

    version: int
    """Counts the account's postings from 1, without gaps."""
    effective_on: date
    posted_at: datetime
    kind: Kind
    reference: str
    cents: int
    """+ money in, - money out."""
    balance_cents: int
    """What the member has after it."""


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One posting as accountants see it."""

    entry_id: UUID
    kind: Kind
    effective_on: date
    posted_at: datetime
    account: int
    gl_name: str
    cents: int
    """+ debit, - credit."""


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One general ledger account at this moment."""

    gl_code: int
    name: str
    gl_class: str
    """asset, liability, equity, income or expense."""
    cents: int
    """+ debit balance, - credit balance. All lines together are zero."""


_AVAILABLE = sa.text("""
    SELECT account_id, CASE WHEN is_closed THEN 0
                            ELSE credit_cents - debit_cents - held_cents - min_cents END AS cents
      FROM ledger.account_balance WHERE account_id = ANY(:accounts)
""")

# Months are those of the ids, and an id may be made long before its entry: so the order is the
# account's own count, and no month is left out.
_MINI = sa.text("""
    SELECT p.account_version AS version, e.effective_on, e.posted_at, e.kind, e.reference,
           -p.cents AS cents, p.balance_cents
      FROM ledger.posting p
      JOIN ledger.journal_entry e ON e.id = p.entry_id AND e.posted_on = p.posted_on
     WHERE p.account_id = :account AND p.account_version IS NOT NULL
     ORDER BY p.account_version DESC
     LIMIT :limit
""")

# The account's own count is the order, so what stands between two days has no gap even where two
# postings were made at the same moment: every line's balance follows from the line before.
_BETWEEN = sa.text("""
    WITH line AS (
        SELECT p.account_version AS version, e.effective_on, e.posted_at, e.kind, e.reference,
               -p.cents AS cents, p.balance_cents
          FROM ledger.posting p
          JOIN ledger.journal_entry e ON e.id = p.entry_id AND e.posted_on = p.posted_on
         WHERE p.account_id = :account AND p.account_version IS NOT NULL
    ), reach AS (
        SELECT coalesce(max(version) FILTER (WHERE posted_at < :begins), 0) AS opening,
               coalesce(max(version) FILTER (WHERE posted_at < :ends), 0) AS closing FROM line
    )
    SELECT line.* FROM line, reach WHERE line.version BETWEEN reach.opening AND reach.closing
     ORDER BY line.version LIMIT :limit
""")

_LINES_OF = sa.text("""
    SELECT e.id AS entry_id, e.kind, e.effective_on, e.posted_at, p.account_id AS account,
           g.name AS gl_name, p.cents
      FROM unnest(:ids) AS wanted(id)
      JOIN ledger.journal_entry e ON e.id = wanted.id AND e.posted_on = ledger.id_date(wanted.id)
      JOIN ledger.posting p ON p.entry_id = e.id AND p.posted_on = e.posted_on
      JOIN ledger.account a ON a.id = p.account_id
      JOIN ledger.gl_account g ON g.code = a.gl_code
     ORDER BY e.posted_at, e.id, p.cents < 0, p.account_id
""").bindparams(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))

_TRIAL_BALANCE = sa.text(
    "SELECT gl_code, name, class AS gl_class, cents FROM ledger.trial_balance ORDER BY gl_code"
)
_SYSTEM_BALANCE = sa.text("SELECT cents FROM ledger.system_account WHERE id = :account")


def available(tx: Tx, account: int) -> int:
    """Cents that a member may take out at this moment. Only a lock makes it last.

    Raises:
        UnknownAccount: there is no such member account.
    """
    return _cents(available_of(tx, [account]).get(account), account)


def available_of(tx: Tx, accounts: Sequence[int]) -> dict[int, int]:
    """The same for many accounts at once. What is no member account is left out."""
    rows = tx.execute(_AVAILABLE, {"accounts": list(accounts)})
    return {row.account_id: row.cents for row in rows}


def mini(tx: Tx, account: int, limit: int) -> list[StatementLine]:
    """A member's latest postings, newest first."""
    rows = tx.execute(_MINI, {"account": account, "limit": limit}).mappings()
    return [StatementLine(**{**row, "kind": Kind(row["kind"])}) for row in rows]


def between(
    tx: Tx, account: int, *, begins: datetime, ends: datetime, limit: int
) -> tuple[int, list[StatementLine]]:
    """A member's postings from one moment until before another, and what she had before them.

    Returns:
        Cents before the first of them, and the postings, oldest first: `limit` of them at most.
    """
    facts = {"account": account, "begins": begins, "ends": ends, "limit": limit + 1}
    found = [
        StatementLine(**{**row, "kind": Kind(row["kind"])})
        for row in tx.execute(_BETWEEN, facts).mappings()
    ]
    if found and found[0].posted_at < begins:
        return found[0].balance_cents, found[1:]
    return 0, found[:limit]


def lines_of(tx: Tx, entry_ids: Sequence[UUID]) -> list[EntryLine]:
    """All postings of these entries, oldest entry first, debits before credits.

    Ids that are not in the books are left out: a payout carries its ids before they are used.
    """
    rows = tx.execute(_LINES_OF, {"ids": list(entry_ids)}).mappings()
    return [EntryLine(**{**row, "kind": Kind(row["kind"])}) for row in rows]


def trial_balance(tx: Tx) -> list[TrialLine]:
    """Every general ledger account, by code. Sealed sums plus what is not sealed yet."""
    return [TrialLine(**row) for row in tx.execute(_TRIAL_BALANCE).mappings()]


def system_balance(tx: Tx, account: int) -> int:
    """Cents on a system account at this moment: + debit, - credit.

    Raises:
        UnknownAccount: there is no such system account.
    """
    return _cents(tx.scalar(_SYSTEM_BALANCE, {"account": account}), account)


def _cents(found: int | None, account: int) -> int:
    if found is None:
        raise UnknownAccount(f"there is no account {account}")
    return found
