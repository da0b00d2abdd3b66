"""Connections: when PostgreSQL may keep plans for us, and what one statement alone does."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from app.db import PREPARED_AFTER, Database, DatabaseAway

KEY_DATA = b"K" + struct.pack("!I", 12)
"""How the message begins that tells a client which process serves it."""


def kept_plans(db: Database) -> int:
    """Plans that the session keeps after a statement came often enough."""
    with db.transaction() as tx:
        for _ in range(PREPARED_AFTER + 2):
            tx.execute(sa.text("SELECT 1 WHERE true = :yes"), {"yes": True})
        return int(tx.scalar(sa.text("SELECT count(*) FROM pg_prepared_statements")) or 0)


@contextmanager
def pooler(target: tuple[str, int]) -> Iterator[int]:
    """The port of a pooler: as PgBouncer does, it tells clients of a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        sockets: list[socket.socket] = []

        def hand_on(source: socket.socket, sink: socket.socket) -> None:
            with suppress(OSError):
                while data := source.recv(65_536):
                    at = data.find(KEY_DATA)
                    if at >= 0:
                        data = data[: at + 5] + struct.pack("!I", 1) + data[at + 9 :]
                    sink.sendall(data)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    caller, _ = listening.accept()
                    server = socket.create_connection(target)
                    sockets.extend((caller, server))
                    for pair in ((caller, server), (server, caller)):
                        threading.Thread(target=hand_on, args=pair, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield listening.getsockname()[1]
        finally:
            for one in sockets:
                one.close()


def test_a_session_of_our_own_keeps_plans(database_url: str) -> None:
    db = Database(database_url, name="test")
    assert kept_plans(db) > 0
    db.close()


def test_a_session_that_a_pooler_lends_keeps_none(database_url: str) -> None:
    """It would be another's in the next transaction, and the plan would be missing there."""
    parts = urlsplit(database_url)
    assert parts.hostname is not None
    assert parts.port is not None
    with pooler((parts.hostname, parts.port)) as port:
        there = f"{parts.hostname}:{parts.port}"
        db = Database(database_url.replace(there, f"127.0.0.1:{port}"), name="test")
        assert kept_plans(db) == 0
        db.close()


def test_one_statement_is_committed_by_itself(db: Database) -> None:
    with db.statements() as tx:
        tx.execute(sa.text("INSERT INTO worker_heartbeat (name, queues) VALUES ('one', 'none')"))
    with db.transaction() as tx:
        found = tx.scalar(sa.text("SELECT count(*) FROM worker_heartbeat WHERE name = 'one'"))
    assert found == 1


def test_the_next_transaction_on_that_connection_is_one_again(db: Database) -> None:
    with db.statements() as tx:
        tx.execute(sa.text("SELECT 1"))
    with suppress(ZeroDivisionError), db.transaction() as tx:
        tx.execute(sa.text("INSERT INTO worker_heartbeat (name, queues) VALUES ('two', 'none')"))
        raise ZeroDivisionError
    with db.transaction() as tx:
        assert 0 == tx.scalar(sa.text("SELECT count(*) FROM worker_heartbeat WHERE name = 'two'"))


def test_where_nobody_answers_the_database_is_away() -> None:
    nowhere = Database("postgresql+psycopg://nobody@127.0.0.1:1/none", name="test")
    with pytest.raises(DatabaseAway), nowhere.statements() as tx:
        tx.execute(sa.text("SELECT 1"))
