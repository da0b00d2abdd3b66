"""What tests of the books share: making them, and proving that they are coherent."""

import time
from collections import defaultdict
from datetime import date
from uuid import UUID

import sqlalchemy as sa

from app.db import Database, Tx
from app.ids import uuid7
from app.ledger import entries, posting, sealing

OTHERS_S_MAX = 30
TODAY = date(2026, 11, 23)
"""The business day of entries whose day does not matter."""


def new_id(tx: Tx) -> UUID:
    """An entry id of the database's own time."""
    now = tx.scalar(sa.text("SELECT clock_timestamp()"))
    assert now is not None
    return uuid7(now)


def member_account(tx: Tx, *, cents: int = 0) -> int:
    """A fresh savings account with this much on it."""
    account = posting.open_account(tx)
    if cents:
        posting.post(
            tx,
            entries.opening_balance(
                entry_id=new_id(tx),
                effective_on=TODAY,
                reference="opening",
                account=account,
                cents=cents,
            ),
        )
    return account


def let_others_finish(database: Database) -> None:
    """Wait until every database transaction that is older than now has ended.

    The sealer waits for all of a server's, and on a shared server other tests have theirs.
    """
    with database.transaction() as tx:
        present = tx.scalar(sa.text("SELECT pg_current_xact_id()::text::bigint"))
    oldest = sa.text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    deadline = time.monotonic() + OTHERS_S_MAX
    while True:
        with database.transaction() as tx:
            if tx.scalar(oldest) > present:
                return
        assert time.monotonic() < deadline, "another database transaction does not end"
        time.sleep(0.02)


def assert_coherent(database: Database) -> None:
    """The books net to zero, balances equal postings, versions have no gap, all guards are on.

    Adds everything up in Python, so that it does not lean on the SQL that it judges; then asks the
    ledger's own verifier.
    """
    with database.transaction() as tx:
        lines = tx.execute(
            sa.text("SELECT entry_id, account_id, cents, account_version FROM ledger.posting")
        ).all()
        balances = tx.execute(
            sa.text(
                "SELECT account_id, credit_cents - debit_cents AS cents, version,"
                " credit_cents - debit_cents - held_cents - min_cents AS free"
                " FROM ledger.account_balance"
            )
        ).all()
        faults = sealing.verify(tx)
    by_entry: dict[UUID, int] = defaultdict(int)
    by_account: dict[int, int] = defaultdict(int)
    versions: dict[int, list[int]] = defaultdict(list)
    for line in lines:
        by_entry[line.entry_id] += line.cents
        by_account[line.account_id] -= line.cents
        if line.account_version is not None:
            versions[line.account_id].append(line.account_version)
    assert dict.fromkeys(by_entry, 0) == by_entry
    assert 0 == sum(by_account.values())
    assert {b.account_id: by_account[b.account_id] for b in balances} == {
        b.account_id: b.cents for b in balances
    }
    assert {b.account_id: list(range(1, b.version + 1)) for b in balances} == {
        b.account_id: sorted(versions[b.account_id]) for b in balances
    }
    assert [] == [b.account_id for b in balances if b.free < 0]
    assert [] == faults
