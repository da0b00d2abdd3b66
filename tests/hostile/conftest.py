"""A database with books worth attacking, on each PostgreSQL at hand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from app.clock import now
from app.db import Database
from app.ids import uuid7
from app.ledger import chart, entries, liens, posting, sealing
from tests.support import databases, postgres_majors
from tests.support.databases import Logins
from tests.support.ledger import assert_coherent, let_others_finish, member_account, new_id


@dataclass(frozen=True, slots=True)
class Books:
    """Books with an old, sealed entry, and the names that attacks use."""

    database: Database
    url: str
    """For psycopg, as the superuser."""
    member: int
    """Has KES 48,973.55 after the old entry."""
    other: int
    """Has KES 1,000, half of it held."""
    old: str


class Attacker:
    """A connection of the superuser, and the names that its SQL may use as `:name`."""

    def __init__(self, connection: psycopg.Connection, books: Books) -> None:
        moment = now()
        day = moment.date()
        self._connection = connection
        self._names = {
            "fresh": f"'{uuid7(moment)}'",
            "fresh2": f"'{uuid7(moment)}'",
            "old": f"'{books.old}'",
            "member": str(books.member),
            "other": str(books.other),
            "system": str(chart.IN_TRANSIT),
            "day": f"'{day}'",
        }
        self.month = f"{day:%Y%m}"
        """The suffix of the partition that fresh ids land in."""

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one or more statements. Returns the rows of a single one."""
        filled = re.sub(r"(?<!:):([a-z]+2?)\b", lambda m: self._names[m[1]], sql)
        cursor = self._connection.execute(filled)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session", params=["usual", *postgres_majors.others()], ids=str)
def attacked_server(request: pytest.FixtureRequest) -> Iterator[Logins]:
    """The server of all tests, then one of each other major version."""
    if request.param == "usual":
        yield request.getfixturevalue("database_server")
        return
    with postgres_majors.server(request.param) as logins:
        yield logins


@pytest.fixture(scope="session")
def books(attacked_server: Logins) -> Iterator[Books]:
    """Books to attack. They must be coherent when all attacks are over."""
    with databases.template(attacked_server) as name:
        url = attacked_server.at(name).owner
        database = Database(url, role=None)
        with database.transaction() as tx:
            member = member_account(tx, cents=5_000_000)
            other = member_account(tx, cents=100_000)
            liens.place(tx, account=other, cents=50_000, reason="guarantee")
            old = entries.reserve(
                entry_id=new_id(tx),
                effective_on=now().date(),
                reference="BRZ2345678",
                account=member,
                total_cents=102_645,
            )
            posting.post(tx, old)
        let_others_finish(database)
        with database.transaction() as tx:
            assert sealing.seal(tx) == 3
        plain = sa.make_url(url).set(drivername="postgresql")
        yield Books(
            database, plain.render_as_string(hide_password=False), member, other, str(old.id)
        )
        assert_coherent(database)
        database.close()


@pytest.fixture(scope="session")
def connection(books: Books) -> Iterator[psycopg.Connection]:
    """One connection of the superuser for all attacks on one server."""
    with psycopg.connect(books.url) as connection:
        yield connection


@pytest.fixture
def attacker(connection: psycopg.Connection, books: Books) -> Iterator[Attacker]:
    """Somebody at psql, with all rights. All of it is rolled back, roles and settings too."""
    yield Attacker(connection, books)
    connection.rollback()
