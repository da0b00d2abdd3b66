"""The books after a dump was restored into a new server, whose transaction numbers begin anew."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.db import Database
from app.embedded import binaries
from app.ledger import chart, entries, posting, sealing, statements, upkeep
from app.migrations import migrate
from tests.support import postgres_majors
from tests.support.databases import Logins
from tests.support.ledger import TODAY, assert_coherent, member_account, new_id

BURNT = 3_000
"""Database transactions that the old server had behind it when the dump was made."""


@pytest.fixture
def old_server() -> Iterator[Logins]:
    """The server that was lost."""
    with postgres_majors.server(binaries.postgres().major) as logins:
        yield logins


@pytest.fixture
def new_server() -> Iterator[Logins]:
    """The server that takes its place."""
    with postgres_majors.server(binaries.postgres().major) as logins:
        yield logins


def carry_over(source: str, target: str, dump: Path) -> None:
    """pg_dump and pg_restore, as an administrator runs them."""
    programs = binaries.postgres().folder
    for command in (
        [programs / "pg_dump", "--format=custom", "--file", dump, "--dbname", plain(source)],
        [programs / "pg_restore", "--exit-on-error", "--dbname", plain(target), dump],
    ):
        subprocess.run(command, check=True, capture_output=True, timeout=60)


def plain(url: str) -> str:
    address = sa.make_url(url).set(drivername="postgresql")
    return address.render_as_string(hide_password=False)


def top_up(tx: sa.Connection) -> bool:
    return posting.post(
        tx,
        entries.float_top_up(
            entry_id=new_id(tx), effective_on=TODAY, reference="slip 8", cents=700
        ),
    )


def test_restored_books_count_on(old_server: Logins, new_server: Logins, tmp_path: Path) -> None:
    """All guards come back; entries wait for a new epoch, and then balances and seals go on."""
    migrate(old_server.owner)
    old = Database(old_server.owner, role=None)
    with old.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as burner:
        loop = f"FOR i IN 1..{BURNT} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP"
        burner.exec_driver_sql(f"DO $$ BEGIN {loop}; END $$")
    with old.transaction() as tx:
        member = member_account(tx, cents=10_000)
    with old.transaction() as tx:
        assert 1 == sealing.seal(tx)
    old.close()

    migrate(new_server.owner)  # makes the roles, which a dump does not hold
    restored = new_server.at("restored")
    maintenance = Database(new_server.owner, role=None)
    with maintenance.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as server:
        server.exec_driver_sql("CREATE DATABASE restored")
    maintenance.close()
    carry_over(old_server.owner, restored.owner, tmp_path / "baraza.dump")

    new, owner = Database(restored.application), Database(restored.owner, role=None)
    assert_coherent(owner)
    with pytest.raises(posting.EntryRefused, match="epoch_current"), new.transaction() as tx:
        top_up(tx)
    with new.transaction() as tx:
        assert upkeep.begin_epoch(tx)
    with new.transaction() as tx:
        assert not upkeep.begin_epoch(tx)
        assert top_up(tx)
        assert 700 == statements.system_balance(tx, chart.FLOAT)
        assert 10_000 == statements.available(tx, member)
    with new.transaction() as tx:
        assert 1 == sealing.seal(tx)
        assert 700 == statements.system_balance(tx, chart.FLOAT)
    assert_coherent(owner)
    new.close()
    owner.close()
