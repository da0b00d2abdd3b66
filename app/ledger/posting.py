"""Writing to the books. One function of the database does it; this module calls it.

Nothing here commits. After an error the caller's database transaction is spent: leave its block,
begin anew. Lost connections, deadlocks and serialization failures are safe to repeat with the same
entries; what raises here on purpose is not.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from app.db import Tx, constraint_of
from app.errors import BarazaError, Broken, Refused
from app.ledger import chart
from app.ledger.entries import JournalEntry, UnbalancedEntry

BATCH_MAX = 1000
"""Entries in one call. Longer lists hold members' rows for too long."""


class InsufficientFunds(Refused):
    """The member's balance, less what is held, does not cover it."""

    code = "LED-10"


class DuplicateWithDifferentContents(Broken):
    """The id is in the books and means something else. A settle after a compensate ends here."""

    code = "LED-11"


class ClosedPeriod(Refused):
    """The books are closed for that business day."""

    code = "LED-12"


class UnknownAccount(Broken):
    """There is no such account."""

    code = "LED-13"


class ClosedAccount(Refused):
    """The account is closed and stays empty."""

    code = "LED-14"


class EntryRefused(Broken):
    """The database refused the entry by a rule that this code should have kept."""

    code = "LED-15"


_REFUSALS: dict[str, type[BarazaError]] = {
    "account_balance_no_overdraft": InsufficientFunds,
    "account_balance_closed_is_empty": ClosedAccount,
    "account_known": UnknownAccount,
    "entry_means_the_same": DuplicateWithDifferentContents,
    "entry_nets_to_zero": UnbalancedEntry,
    "period_open": ClosedPeriod,
}

_POST_ENTRIES = sa.text(
    "SELECT * FROM ledger.post_entries(:ids, :kinds, :effective_dates, :refs, :reversed_ids,"
    " :line_entries, :line_accounts, :line_cents)"
).bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("kinds", type_=ARRAY(sa.Text)),
    sa.bindparam("effective_dates", type_=ARRAY(sa.Date)),
    sa.bindparam("refs", type_=ARRAY(sa.Text)),
    sa.bindparam("reversed_ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("line_entries", type_=ARRAY(sa.Uuid)),
    sa.bindparam("line_accounts", type_=ARRAY(sa.BigInteger)),
    sa.bindparam("line_cents", type_=ARRAY(sa.BigInteger)),
)
_LOCK_AVAILABLE = sa.text("SELECT * FROM ledger.lock_available(:accounts)").bindparams(
    sa.bindparam("accounts", type_=ARRAY(sa.BigInteger))
)
_OPEN_ACCOUNT = sa.text("SELECT ledger.open_account(CAST(:gl_code AS smallint))")
_OPEN_ACCOUNTS = sa.text(
    "SELECT ledger.open_account(CAST(:gl_code AS smallint)) FROM generate_series(1, :count)"
)


def post(tx: Tx, entry: JournalEntry) -> bool:
    """Post one entry: True when it is new, False when the same entry was in the books already.

    Raises:
        InsufficientFunds, ClosedAccount, ClosedPeriod: a rule of the books says no.
        DuplicateWithDifferentContents: the id is taken by another meaning.
        UnknownAccount, EntryRefused: a mistake of the caller's.
    """
    return entry.id in post_many(tx, [entry])


def post_many(tx: Tx, entries: Sequence[JournalEntry]) -> set[UUID]:
    """Post all of these entries or none. Returns the ids of those that are new.

    Accounts are locked in the order of their numbers over the whole list, so lists that run at
    once wait for each other and never in a circle.

    Raises:
        BarazaError: as `post`, for any of them.
    """
    if not entries:
        return set()
    assert len(entries) <= BATCH_MAX, f"{len(entries)} entries in one call"
    assert len({e.id for e in entries}) == len(entries), "an entry twice in one call"
    with refusals():
        return set(tx.scalars(_POST_ENTRIES, _arrays(entries)))


def open_account(tx: Tx, *, gl_code: int = chart.MEMBER_SAVINGS) -> int:
    """Open a member's account at zero. Returns its number.

    Raises:
        UnknownAccount: the code is not in the chart or not one of a liability.
    """
    number = tx.scalar(_OPEN_ACCOUNT, {"gl_code": gl_code})
    if number is None:
        raise UnknownAccount(f"no member account can be opened under {gl_code}")
    return int(number)


def open_accounts(tx: Tx, count: int, *, gl_code: int = chart.MEMBER_SAVINGS) -> list[int]:
    """Open many members' accounts at zero. Returns their numbers.

    Raises:
        UnknownAccount: as `open_account`.
    """
    numbers = tx.scalars(_OPEN_ACCOUNTS, {"gl_code": gl_code, "count": count}).all()
    if None in numbers:
        raise UnknownAccount(f"no member account can be opened under {gl_code}")
    return list(numbers)


def lock_available(tx: Tx, accounts: Sequence[int]) -> dict[int, int]:
    """Lock these members' balances until the end of the database transaction.

    Returns:
        Cents that may be taken from each account: its balance less what is held and the minimum.
        An account that does not exist is missing.
    """
    rows = tx.execute(_LOCK_AVAILABLE, {"accounts": list(accounts)})
    return {row.account_id: row.available_cents for row in rows}


def _arrays(entries: Sequence[JournalEntry]) -> dict[str, list[Any]]:
    lines = [(e.id, p.account, p.cents) for e in entries for p in e.postings]
    return {
        "ids": [e.id for e in entries],
        "kinds": [e.kind.value for e in entries],
        "effective_dates": [e.effective_on for e in entries],
        "refs": [e.reference for e in entries],
        "reversed_ids": [e.reverses for e in entries],
        "line_entries": [entry for entry, _, _ in lines],
        "line_accounts": [account for _, account, _ in lines],
        "line_cents": [cents for _, _, cents in lines],
    }


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the database refuses by a named rule into this module's errors."""
    try:
        yield
    except DBAPIError as error:
        rule = constraint_of(error)
        if rule is None:
            raise
        # The rule's name only: PostgreSQL's text may hold the whole row.
        raise _REFUSALS.get(rule, EntryRefused)(rule) from None
