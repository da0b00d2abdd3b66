"""How long the two audits take on a database with many payouts.

Everything is on a server of its own that is gone afterwards. The rows are made by `filling`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from app import embedded
from app.db import Database
from app.operations import invariants
from app.operations.invariants import Since
from tests.bench import filling
from tests.support import databases
from tests.support.databases import Logins
from tests.support.folders import passable_folder

Result = TypeVar("Result")
MINUTES = 3
"""Payouts of the last three minutes, 28 a second: an audit looks back over the minute since the
last one and two more by the clock. The books have exact numbers: of them it looks at one minute."""


@dataclass(frozen=True, slots=True)
class Found:
    """Seconds, and what was wrong, which must be nothing."""

    payouts: int
    made_s: float
    full_s: float
    recent_s: float
    broken: list[str]

    @property
    def is_sound(self) -> bool:
        """Whether the figures mean anything."""
        return not self.broken


def measure(*, payouts: int) -> Found:
    """Make this many payouts and audit them both ways; the better of three recent audits."""
    with filled(payouts) as (logins, made_s):
        return audited(logins, payouts, made_s)


@contextmanager
def filled(payouts: int) -> Iterator[tuple[Logins, float]]:
    """A server of its own with so many payouts, and how many seconds they took to make."""
    with passable_folder() as folder:
        servers = embedded.start(folder / "var", durable=False, with_redis=False)
        try:
            logins = Logins(servers.database_url, servers.database_url_owner)
            with databases.template(logins) as template, databases.copy(logins, template) as copy:
                db = Database(copy.owner, role=None, name="bench")
                made_s, _ = _timed(lambda: filling.make(db, payouts=payouts))
                db.close()
                yield copy, made_s
        finally:
            servers.stop()


def audited(logins: Logins, payouts: int, made_s: float) -> Found:
    """Audit what is there, both ways."""
    db = Database(logins.owner, role=None, name="bench")
    with db.transaction() as tx:
        at = tx.scalar(sa.text("SELECT max(requested_at) - interval '180 s' FROM payout"))
        xact = tx.scalar(
            sa.text("SELECT xact_id FROM ledger.journal_entry ORDER BY xact_id DESC OFFSET :n"),
            {"n": 2 * filling.FRESH // MINUTES},
        )
        assert at is not None
        assert xact is not None
        since = Since(at, xact)
        recent = [_timed(lambda: invariants.run_recent(tx, since, whole=())) for _ in range(3)]
    with db.transaction() as tx:
        full_s, full = _timed(lambda: invariants.run(tx))
    db.close()
    broken = [f"{f.name}: {f.detail}" for f in (*full, *recent[0][1]) if not f.ok]
    return Found(payouts, made_s, full_s, min(took for took, _ in recent), broken)


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    began = time.perf_counter()
    value = work()
    return time.perf_counter() - began, value
