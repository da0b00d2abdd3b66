"""The database schema, as Alembic revisions that load each package's SQL files."""

from importlib.resources import as_file, files

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.ledger import upkeep
from app.payouts import reference_data

LOCK = 0x62617261_7A61
"""Advisory lock under which one migration runs at a time."""


def migrate(owner_url: str) -> None:
    """Bring the database to this code's schema. Safe to repeat and to run twice at once.

    Raises:
        sqlalchemy.exc.DBAPIError: the login may not do what is needed; PostgreSQL's text says what.
    """
    engine = sa.create_engine(owner_url, poolclass=sa.NullPool)
    with engine.begin() as owner, as_file(files(__name__)) as folder:
        owner.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        owner.execute(sa.text("SET LOCAL lock_timeout = '10s'"))
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = owner
        command.upgrade(config, "head")
        reference_data.load(owner)
        # Does nothing unless these books were restored from a dump onto another server.
        upkeep.begin_epoch(owner)


def head() -> str:
    """The revision that this code was written for."""
    with as_file(files(__name__)) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        return ScriptDirectory.from_config(config).get_current_head() or ""


def revision(connection: sa.Connection) -> str:
    """The revision that the database has, or an empty text where it has none."""
    return MigrationContext.configure(connection).get_current_revision() or ""
