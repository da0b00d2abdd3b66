"""What commands share: settings, and a database that is there whether or not Baraza runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from app.commands.servers import running
from app.db import APPLICATION_ROLE, Database, DatabaseAway, sqlstate_of
from app.errors import Misconfigured
from app.observability import quietly

NO_SCHEMA = {"3F000", "42P01", "42703", "42883"}
"""PostgreSQL's codes for a schema, table, column or function that is not there."""
NOT_MIGRATED = (
    "This database does not have this version's schema. Run `baraza migrate`;"
    " `baraza up` does so by itself."
)
MAY_NOT = "42501"
"""PostgreSQL's code for a login that lacks a right."""


@contextmanager
def database() -> Iterator[Database]:
    """The database, as the application may use it.

    Raises:
        Misconfigured: it does not answer, or has not been migrated; the message names the cure.
    """
    with running() as settings, quietly():
        db = Database(settings.database_url, pool_max=1, name="command")
        try:
            with curable():
                yield db
        except sa.exc.ProgrammingError as refused:
            if sqlstate_of(refused) not in NO_SCHEMA:
                raise
            raise Misconfigured(NOT_MIGRATED) from refused
        finally:
            db.close()


@contextmanager
def owner_database() -> Iterator[Database]:
    """The database with its owner's rights: for what the application's login must not do.

    Raises:
        Misconfigured: it does not answer, has not been migrated, or the login is not its owner's;
            the message names the cure.
    """
    with running() as settings:
        url = settings.database_owner_url or settings.database_url
        db = Database(url, role=None, pool_max=1, name="command")
        try:
            with curable():
                yield db
        except sa.exc.ProgrammingError as refused:
            if sqlstate_of(refused) not in NO_SCHEMA:
                raise
            raise Misconfigured(NOT_MIGRATED) from refused
        finally:
            db.close()


@contextmanager
def curable() -> Iterator[None]:
    """Turn what an operator can mend about PostgreSQL into a sentence that says how.

    Raises:
        Misconfigured: in place of the driver's error; every other error passes through.
    """
    try:
        yield
    except (DatabaseAway, sa.exc.OperationalError) as away:
        raise Misconfigured(_no_answer(away)) from away
    except sa.exc.ProgrammingError as refused:
        if sqlstate_of(refused) != MAY_NOT:
            raise
        raise Misconfigured(
            f"PostgreSQL refuses: {_first_line(refused)}. To migrate, or to change prices and"
            " limits, set DATABASE_OWNER_URL to the login that owns the database."
        ) from refused


def _no_answer(away: BaseException) -> str:
    told = away.__cause__ if isinstance(away, DatabaseAway) and away.__cause__ else away
    text = _first_line(told)
    if f'role "{APPLICATION_ROLE}" does not exist' in text:
        return f"This database was never migrated ({text}). Run `baraza migrate`."
    if isinstance(told, sa.exc.DBAPIError) and sqlstate_of(told):
        # It answered and gave up in the middle: a lock or a statement took too long.
        return f"PostgreSQL gave up: {text}. Trying again is safe."
    return f"PostgreSQL cannot be used: {text}. Is it running, and is DATABASE_URL right?"


def _first_line(error: BaseException) -> str:
    """What the driver says, without the lines that quote rows."""
    told = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    return str(told).partition("\n")[0].rstrip(".")
