"""Real servers for every test: PostgreSQL and Valkey of our own, or those that are named.

With DATABASE_URL and REDIS_URL in the environment the tests use those servers: they make databases
`baraza_test_...` there and drop them, and empty one Redis database a test process. Otherwise each
test process starts servers of its own in a folder that it removes.
"""

import os
from collections.abc import Iterator

import pytest

from app import config, embedded
from app.db import Database
from app.redis_client import connect
from tests.support import databases
from tests.support.databases import Logins
from tests.support.folders import passable_folder

GIVEN_DATABASE = os.environ.get("DATABASE_URL", "")
GIVEN_REDIS = os.environ.get("REDIS_URL", "")


@pytest.fixture(scope="session")
def servers() -> Iterator[embedded.Servers]:
    """Servers for this test process. Not safe against power cuts, so that tests are quick."""
    with passable_folder() as folder:
        started = embedded.start(
            folder / "var",
            durable=False,
            with_postgres=not GIVEN_DATABASE,
            with_redis=not GIVEN_REDIS,
        )
        try:
            yield started
        finally:
            started.stop()


@pytest.fixture(scope="session")
def database_server(servers: embedded.Servers) -> Logins:
    """The PostgreSQL server that this session makes its databases on."""
    if GIVEN_DATABASE:
        given = config.load({"DATABASE_URL": GIVEN_DATABASE}).database_url
        return Logins(application=given, owner=given)
    return Logins(application=servers.database_url, owner=servers.database_url_owner)


@pytest.fixture(scope="session")
def database_template(database_server: Logins) -> Iterator[str]:
    """The name of a migrated database to copy."""
    with databases.template(database_server) as name:
        yield name


@pytest.fixture
def database_logins(database_server: Logins, database_template: str) -> Iterator[Logins]:
    """A fresh migrated database, with both of its addresses."""
    with databases.copy(database_server, database_template) as logins:
        yield logins


@pytest.fixture
def database_url(database_logins: Logins) -> str:
    """A fresh migrated database, through the login that web and workers use."""
    return database_logins.application


@pytest.fixture
def database_owner_url(database_logins: Logins) -> str:
    """The same database, through the login that migrates."""
    return database_logins.owner


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """The test's database, with the rights of web and workers."""
    database = Database(database_url, name="tests")
    yield database
    database.close()


@pytest.fixture
def owner_db(database_owner_url: str) -> Iterator[Database]:
    """The test's database, with the owner's rights: for set-up and for looking."""
    database = Database(database_owner_url, role=None, name="tests")
    yield database
    database.close()


@pytest.fixture(scope="session")
def redis_server(servers: embedded.Servers) -> str:
    """The Redis database of this test process. Any test may empty it."""
    if not GIVEN_REDIS:
        return servers.redis_url
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return f"{GIVEN_REDIS.rstrip('/').rpartition('/')[0]}/{8 + int(worker) % 8}"


@pytest.fixture
def redis_url(redis_server: str) -> Iterator[str]:
    """An empty Redis database on a real server."""
    client = connect(redis_server)
    client.flushdb()
    yield redis_server
    client.flushdb()
    client.close()
