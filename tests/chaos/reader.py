"""Reads the books all through a run: conservation must hold in every snapshot."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import sqlalchemy as sa

from app.db import Database, DatabaseAway

EVERY_S = 0.05
_TOTAL = "SELECT coalesce(sum(cents), 0)::bigint FROM ledger.trial_balance"
_TRANSIT = """
    SELECT -s.cents - (SELECT coalesce(sum(p.total_cents), 0) FROM payout p
              WHERE p.state IN ('reserved', 'approval', 'submitting', 'submitted', 'in_doubt'))
      FROM ledger.system_account s WHERE s.gl_code = 2020
"""
_OVERDRAWN = (
    "SELECT count(*) FROM ledger.account_balance"
    " WHERE credit_cents - debit_cents - held_cents < min_cents"
)
RULES = {
    "all accounts together net to zero": _TOTAL,
    "in transit is what open payouts have taken": _TRANSIT,
    "no account is overdrawn": _OVERDRAWN,
}


class Reader:
    """Looks twenty times a second, each time in one snapshot."""

    def __init__(self, address: str) -> None:
        self._db = Database(address, role=None, pool_max=1, name="chaos reader")
        self._stop = threading.Event()
        self.snapshots = 0
        self.violations: list[str] = []

    def close(self) -> None:
        """Look no more."""
        self._stop.set()

    def look_on(self) -> None:
        """Look until it is closed."""
        try:
            while not self._stop.wait(EVERY_S):
                try:
                    self._look()
                except (DatabaseAway, sa.exc.OperationalError):
                    time.sleep(EVERY_S)  # it is being stopped or started
        finally:
            self._db.close()

    def _look(self) -> None:
        with self._db.transaction() as tx:
            tx.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            for rule, query in RULES.items():
                off = tx.scalar(sa.text(query))
                if off:
                    self.violations.append(f"{time.strftime('%T')} {rule}: off by {off}")
        self.snapshots += 1


@contextmanager
def reading(address: str) -> Iterator[Reader]:
    """A reader in a thread of its own for as long as the block lasts."""
    reader = Reader(address)
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(reader.look_on)
        try:
            yield reader
        finally:
            reader.close()
    looking.result()
