"""A migrated database per test, copied from a template that is migrated once per session."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from app.db import Database, Tx
from app.migrations import migrate

_OWNERS: dict[str, str] = {}
"""The owner's address of each database that lives now, by the database's name."""


@dataclass(frozen=True, slots=True)
class Logins:
    """The two addresses of one database."""

    application: str
    """What web and workers use. On a server of the machine's own this is the owner too."""
    owner: str

    def at(self, database: str) -> "Logins":
        """The same logins on another database of the same server."""
        return Logins(_at(self.application, database), _at(self.owner, database))


@contextmanager
def template(server: Logins) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to, dropped at the end."""
    name = f"baraza_test_{secrets.token_hex(4)}_template"
    _maintain(server, f'CREATE DATABASE "{name}"')
    try:
        migrate(server.at(name).owner)
        yield name
    finally:
        _maintain(server, f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def copy(server: Logins, source: str) -> Iterator[Logins]:
    """A database with the template's contents, dropped at the end whoever is still connected."""
    name = f"baraza_test_{secrets.token_hex(4)}"
    _maintain(server, f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY FILE_COPY')
    _OWNERS[name] = server.at(name).owner
    try:
        yield server.at(name)
    finally:
        del _OWNERS[name]
        _maintain(server, f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def owner_of(tx: Tx) -> Iterator[Tx]:
    """What the owner may do in the database of this transaction.

    That is the transaction itself where it has the owner's rights, and otherwise one of its own,
    committed at the end of the block.
    """
    if tx.scalar(sa.text("SELECT has_table_privilege('withdrawal_limit', 'INSERT')")):
        yield tx
        return
    db = Database(owner_address(tx), role=None, pool_max=1, name="tests, owner")
    with db.transaction() as owner:
        yield owner
    db.close()


def owner_address(tx: Tx) -> str:
    """The owner's login to the database of this transaction."""
    return _OWNERS[str(tx.scalar(sa.text("SELECT current_database()")))]


def _maintain(server: Logins, statement: str) -> None:
    engine = sa.create_engine(server.owner, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


def _at(url: str, database: str) -> str:
    return sa.make_url(url).set(database=database).render_as_string(hide_password=False)
