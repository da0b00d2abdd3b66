"""PostgreSQL: connections and transactions. The only module that knows its driver."""

import select
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from app.errors import Retryable

APPLICATION_ROLE = "baraza_app"
"""What web and workers may be: no DDL, no DML on the ledger."""
STATEMENT_TIMEOUT_MS = 15_000
CONNECT_TIMEOUT_S = 2
PREPARED_AFTER = 3
"""Executions of a statement on one connection before its plan is kept."""
POOL_TIMEOUT_S = 2
"""With the connect, inside the three seconds that a member's screen may take."""

Tx = sa.Connection
"""An open database transaction. Functions that take one never commit; the opener does."""


class DatabaseAway(Retryable):
    """PostgreSQL cannot be reached. Nothing was written."""

    code = "DB-01"


class Database:
    """A pool of connections for one process.

    Connections take the application's role, so that even a login that owns the tables cannot
    write to the ledger past its functions. Behind a pooler nothing session-wide is used beyond
    that, so PgBouncer's transaction mode works with a login that is itself a member of the role.
    """

    def __init__(
        self, url: str, *, role: str | None = APPLICATION_ROLE, pool_max: int = 5, name: str = ""
    ) -> None:
        options = [f"-c statement_timeout={STATEMENT_TIMEOUT_MS}", "-c timezone=UTC"]
        if role:
            options.append(f"-c role={role}")
        self.engine = sa.create_engine(
            url,
            pool_size=pool_max,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_S,
            hide_parameters=True,  # an error's text must not hold anybody's number
            connect_args={
                "options": " ".join(options),
                "connect_timeout": CONNECT_TIMEOUT_S,
                "application_name": f"baraza {name}".strip(),
                "prepare_threshold": None,
            },
        )
        self._committing = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        sa.event.listen(self.engine, "connect", _keep_plans_if_direct)
        sa.event.listen(self.engine, "handle_error", _hide_rows)
        sa.event.listen(self.engine, "checkout", _refuse_if_ended)

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """One database transaction: committed by leaving the block, rolled back by an exception.

        Raises:
            DatabaseAway: no connection could be had, or it broke. Whether a commit that broke was
                kept is not known; every step is safe to repeat.
        """
        with _no_driver_errors(), self.engine.begin() as tx:
            yield tx

    @contextmanager
    def statements(self) -> Iterator[Tx]:
        """For statements of which PostgreSQL commits each by itself: a round trip each, not three.

        Nothing holds them together: after each of them the others may never come.

        Raises:
            DatabaseAway: as `transaction`.
        """
        with _no_driver_errors(), self._committing.connect() as tx:
            yield tx

    def close(self) -> None:
        """Give back every connection. The pool opens anew when used again."""
        self.engine.dispose()


@contextmanager
def _no_driver_errors() -> Iterator[None]:
    """Tell what is the matter with the connection in our own words.

    Raises:
        DatabaseAway: no connection could be had, or it broke.
    """
    try:
        yield
    except OperationalError as broken:
        raise DatabaseAway(type(broken.orig).__name__) from broken
    except DBAPIError as broken:
        if broken.connection_invalidated:
            raise DatabaseAway(type(broken.orig).__name__) from broken
        raise
    except sa.exc.TimeoutError as full:
        raise DatabaseAway("no free connection") from full


def _keep_plans_if_direct(connection: psycopg.Connection, *_: object) -> None:
    """Let PostgreSQL keep the plans of statements that come again: a fifth of all it does for us.

    A plan belongs to a server's session. A pooler may give each transaction another one; it shows
    in that the process which it told us of is not the one that answers.
    """
    with connection.cursor() as cursor:
        answering = cursor.execute("SELECT pg_backend_pid()").fetchone()
    connection.rollback()
    if answering == (connection.info.backend_pid,):
        connection.prepare_threshold = PREPARED_AFTER


def _refuse_if_ended(connection: psycopg.Connection, *_: object) -> None:
    """Let the pool open a new connection where the server has ended this one.

    The end of a connection shows at its socket without asking. A ping would say the same in three
    round trips, since it is a database transaction of its own, and most of our transactions need
    no more than that for all they do.

    Raises:
        DisconnectionError: SQLAlchemy's word to the pool to take another one.
    """
    if connection.closed:
        raise sa.exc.DisconnectionError
    watched = select.poll()
    watched.register(connection.fileno(), select.POLLIN | select.POLLHUP)
    if watched.poll(0):
        raise sa.exc.DisconnectionError


def _hide_rows(context: sa.engine.ExceptionContext) -> None:
    """Cut PostgreSQL's text down to its first line: the lines after it quote whole rows.

    Tracebacks end in logs and, of a failed job, in Redis.
    """
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args:
            error.args = (str(error.args[0]).partition("\n")[0], *error.args[1:])


def constraint_of(error: sa.exc.DBAPIError) -> str | None:
    """The name of the constraint that PostgreSQL refused by, if it named one."""
    diagnosis = getattr(error.orig, "diag", None)
    return getattr(diagnosis, "constraint_name", None)


def sqlstate_of(error: sa.exc.DBAPIError) -> str | None:
    """PostgreSQL's five-character code for the refusal."""
    return getattr(error.orig, "sqlstate", None)
