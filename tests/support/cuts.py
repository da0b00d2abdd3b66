"""A connection to PostgreSQL that is really cut, before any statement of a hop that one chooses."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.commands.handset import Screen
from app.db import Database
from tests.support.gateway import Call, Gateway
from tests.support.ussd_site import Site
from ussd_menus import notices

STATEMENTS_MAX = 200
COMMIT = "COMMIT"


@dataclass
class Fault:
    """Ends the door's connection to PostgreSQL for real, before a chosen statement of a hop."""

    owner: Database
    before: int = 0
    """Which statement: from 1, the commit among them. 0 is none."""
    seen: int = 0
    struck: str = ""
    """What was about to run when the connection was cut."""
    cuts: int = 0

    def arm(self, before: int) -> None:
        """Cut the next hop before this statement."""
        self.before, self.seen, self.struck = before, 0, ""

    def count(self, connection: sa.Connection, what: str) -> None:
        """One more statement is about to run."""
        self.seen += 1
        if self.seen != self.before:
            return
        self.struck = what
        self.cuts += 1
        raw: Any = connection.connection.dbapi_connection
        pid = {"pid": raw.info.backend_pid}
        with self.owner.transaction() as tx:
            tx.execute(sa.text("SELECT pg_terminate_backend(:pid)"), pid)
        while self._lives(pid):
            pass

    def _lives(self, pid: dict[str, int]) -> bool:
        # Asking is quicker than the server's own wait, which looks every tenth of a second.
        with self.owner.transaction() as tx:
            query = sa.text("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = :pid)")
            return tx.scalar(query, pid) is True


@contextmanager
def faults(site: Site, owner: Database) -> Iterator[Fault]:
    """The door's database with a fault that can be armed."""
    fault = Fault(owner)
    engine = site.doors.db.engine

    def statement(connection: sa.Connection, _: object, what: str, *__: object) -> None:
        fault.count(connection, what)

    def commit(connection: sa.Connection) -> None:
        fault.count(connection, COMMIT)

    sa.event.listen(engine, "before_cursor_execute", statement)
    sa.event.listen(engine, "commit", commit)
    try:
        yield fault
    finally:
        sa.event.remove(engine, "before_cursor_execute", statement)
        sa.event.remove(engine, "commit", commit)


@dataclass
class CutOff(Gateway):
    """Every hop is cut off before each of its statements in turn, and comes again each time."""

    fault: Fault = field(kw_only=True)

    def post(self, call: Call, *, hops_ago: int = 0) -> Screen:
        """The answer to the first callback that got through."""
        for statement in range(1, STATEMENTS_MAX):
            self.fault.arm(statement)
            answer = super().post(call, hops_ago=hops_ago)
            if not self.fault.struck:
                self.fault.arm(0)
                return answer
            # Only before the commit may we promise that nothing was deducted.
            at_commit = self.fault.struck == COMMIT
            assert answer.body == (notices.UNSURE if at_commit else notices.UNAVAILABLE)
        raise AssertionError("a hop without an end")
