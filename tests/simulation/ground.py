"""The database that every run begins with: migrated, priced, peopled, on a clock of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from app.db import Database
from app.ledger import upkeep
from tests.support import databases
from tests.support.databases import Logins
from tests.support.stories import Person, Stories

BEGIN = datetime(2026, 11, 23, 6, tzinfo=UTC)
"""Nine in the morning in Nairobi, on a working day."""
PEOPLE = 6
NO_REDIS = "redis://127.0.0.1:1/0"


@dataclass(frozen=True)
class Ground:
    """A server, and the name of a database on it to copy for each run."""

    server: Logins
    database: str
    people: tuple[Person, ...]


class Clock:
    """The time of one database. It passes only when it is told to."""

    def __init__(self, owner: Database) -> None:
        self._owner = owner
        self.at = BEGIN

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)
        with self._owner.transaction() as tx:
            tx.execute(sa.text("UPDATE simulated.clock SET at = :at"), {"at": self.at})

    @property
    def passed_s(self) -> float:
        """Seconds since the run began."""
        return (self.at - BEGIN).total_seconds()


@contextmanager
def prepared(server: Logins) -> Iterator[Ground]:
    """The ground of all runs, until the block is left."""
    with databases.template(server) as migrated, databases.copy(server, migrated) as logins:
        owner = Database(logins.owner, role=None, name="simulation")
        with owner.transaction() as tx:
            clock = Path(__file__).with_name("clock.sql").read_text("utf-8")
            tx.exec_driver_sql(clock.replace("%", "%%"))
        owner.close()  # the search path holds for connections that are made from now on
        with owner.transaction() as tx:
            upkeep.ensure_months(tx)
        db = Database(logins.application, name="simulation")
        stories = Stories(db, NO_REDIS)
        people = tuple(stories.person() for _ in range(PEOPLE))
        db.close()
        owner.close()
        name = sa.make_url(logins.owner).database
        assert name is not None
        yield Ground(server, name, people)


@contextmanager
def copied(ground: Ground) -> Iterator[Logins]:
    """A copy of the ground for one run."""
    with databases.copy(ground.server, ground.database) as logins:
        owner = Database(logins.owner, role=None, pool_max=1, name="simulation")
        with owner.transaction() as tx:
            tx.exec_driver_sql(
                f'ALTER DATABASE "{sa.make_url(logins.owner).database}"'
                " SET search_path = simulated, pg_catalog, public"
            )
        owner.close()
        yield logins
