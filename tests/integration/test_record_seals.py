"""The record of what people did is sealed; whoever changes it all the same is found out."""

import threading

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from app import audit
from app.audit import Actor
from app.commands.staff import staff
from app.db import Database
from app.operations import record_seals

AMINA = Actor("command line", name="amina")


def act(db: Database, *reasons: str) -> None:
    with db.transaction() as tx:
        for reason in reasons:
            audit.record(tx, "tested", by=AMINA, reason=reason)


def seal(db: Database) -> int:
    with db.transaction() as tx:
        return record_seals.seal(tx)


def broken(db: Database) -> list[str]:
    with db.transaction() as tx:
        return [one.detail for one in record_seals.verify(tx) if not one.ok]


def test_what_is_new_is_sealed_and_nothing_twice(db: Database) -> None:
    act(db, "one", "two")
    first = seal(db)
    assert first >= 2
    assert seal(db) == 0
    act(db, "three")
    assert seal(db) == 1
    with db.transaction() as tx:
        found = record_seals.read(tx)
    assert (found.blocks, found.acts, found.unsealed) == (2, first + 1, 0)
    assert broken(db) == []


def test_a_row_that_is_being_written_is_not_passed_over(db: Database) -> None:
    """Nobody waits for the sealer, and no lower number appears behind its back."""
    act(db, "before")
    seal(db)
    with db.transaction() as slow:
        audit.record(slow, "tested", by=AMINA, reason="slow")
        act(db, "fast")
        assert seal(db) == 0
    assert seal(db) == 2
    assert broken(db) == []


def test_two_sealers_at_once_make_one_chain(db: Database) -> None:
    act(db, *map(str, range(50)))
    sealed: list[int] = []
    threads = [threading.Thread(target=lambda: sealed.append(seal(db))) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    with db.transaction() as tx:
        found = record_seals.read(tx)
    assert sum(sealed) == found.acts
    assert found.unsealed == 0
    assert broken(db) == []


def test_the_application_cannot_write_a_seal(db: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="permission denied"), db.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO staff_action_block (block_no, from_id, to_id, acts, prev_hash, hash)"
                " VALUES (1, 0, 1, 1, '', '')"
            )
        )


def test_the_application_cannot_say_when(db: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="permission denied"), db.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO staff_action (action, source, at)"
                " VALUES ('x', 'x', now() - interval '1 day')"
            )
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE staff_action SET source = 'elsewhere' WHERE detail ->> 'reason' = 'two'",
        "UPDATE staff_action SET at = at - interval '1 second' WHERE detail ->> 'reason' = 'two'",
        "UPDATE staff_action SET staff_id = NULL, action = 'x' WHERE detail ->> 'reason' = 'two'",
        "DELETE FROM staff_action WHERE detail ->> 'reason' = 'two'",
    ],
)
def test_a_change_past_the_guards_is_found(
    db: Database,
    owner_db: Database,
    statement: str,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the page's check and by the command, which names the block and fails."""
    act(db, "one", "two", "three")
    seal(db)
    act(db, "four")
    seal(db)
    with owner_db.transaction() as tx:
        tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
        tx.exec_driver_sql(statement)
    assert broken(db) == ["block 1"]
    monkeypatch.setenv("DATABASE_URL", database_url)
    told = CliRunner().invoke(staff, ["seals"])
    assert told.exit_code == 1
    assert "✗ the record of what people did holds" in told.output
