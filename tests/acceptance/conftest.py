"""A whole Baraza on a fresh database with the demo members."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.db import Database
from app.members import demo
from app.members.pins import Pins
from tests.support import databases, ledger
from tests.support.databases import Logins
from tests.support.stack import CANARIES, Stack, stack

WITH_DEMO = {"baraza", "checking"}
"""Fixtures whose database has the demo members."""


@pytest.fixture(scope="session")
def demo_template(database_server: Logins, database_template: str) -> Iterator[str]:
    """The name of a database with the demo members, to copy: making them takes seconds."""
    with databases.copy(database_server, database_template) as logins:
        owner = Database(logins.owner, role=None, name="tests")
        with owner.transaction() as tx:
            demo.seed(tx, Pins(CANARIES["PIN_PEPPER"]), production=False)
        owner.close()
        yield str(sa.make_url(logins.owner).database)


@pytest.fixture
def database_logins(
    request: pytest.FixtureRequest, database_server: Logins, database_template: str
) -> Iterator[Logins]:
    """A fresh database, with the demo members where Baraza runs on it."""
    source = database_template
    if WITH_DEMO & set(request.fixturenames):
        source = request.getfixturevalue("demo_template")
    with databases.copy(database_server, source) as logins:
        yield logins


@pytest.fixture
def baraza(
    tmp_path: Path, database_logins: Logins, redis_url: str, owner_db: Database
) -> Iterator[Stack]:
    """Everything runs; every test ends with books that agree."""
    with stack(tmp_path, database_logins, redis_url) as made:
        made.start_all()
        yield made
    ledger.assert_coherent(owner_db)
