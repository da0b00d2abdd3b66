"""The books under a database owner who is no superuser, as hosted PostgreSQL gives one."""

import secrets
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.db import Database
from app.migrations import migrate
from tests.support import databases
from tests.support.databases import Logins
from tests.support.ledger import assert_coherent, member_account

ROLES = "baraza_ledger, baraza_app, baraza_reader"


@pytest.fixture
def modest_owner(database_server: Logins, database_template: str) -> Iterator[Logins]:
    """An empty database and its owner, who may make roles and nothing else beyond it.

    The template is asked for because its migration has made the roles: on a server with several
    databases they are there before, and somebody with more rights has handed them on.
    """
    name = f"baraza_test_{secrets.token_hex(4)}"
    password = secrets.token_hex(8)
    for statement in (
        f"CREATE ROLE {name} LOGIN CREATEROLE PASSWORD '{password}'",
        f"GRANT {ROLES} TO {name} WITH ADMIN OPTION",
        f"CREATE DATABASE {name} OWNER {name}",
    ):
        databases._maintain(database_server, statement)
    at = sa.make_url(database_server.owner).set(database=name, username=name, password=password)
    url = at.render_as_string(hide_password=False)
    try:
        yield Logins(application=url, owner=url)
    finally:
        databases._maintain(database_server, f"DROP DATABASE {name} WITH (FORCE)")
        databases._maintain(database_server, f"DROP OWNED BY {name} CASCADE")
        databases._maintain(database_server, f"DROP ROLE {name}")


def test_an_owner_without_superuser_rights_can_migrate(modest_owner: Logins) -> None:
    """Everything but the record of structure changes is there, and the guards hold."""
    migrate(modest_owner.owner)
    application = Database(modest_owner.application)
    owner = Database(modest_owner.owner, role=None)
    with application.transaction() as tx:
        member_account(tx, cents=10_000)
    assert_coherent(owner)
    with pytest.raises(sa.exc.DBAPIError, match="only ever added to"), owner.transaction() as tx:
        tx.execute(sa.text("TRUNCATE ledger.posting"))
    application.close()
    owner.close()
