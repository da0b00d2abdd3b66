"""What a sandbox remembers: one SQLite file, so that a killed process forgets nothing."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LOCK_WAIT_SECONDS = 5
_SHARED_SCHEMA = Path(__file__).with_name("shared.sql")

Row = sqlite3.Row


class Store:
    """One connection, taken in turns. Whoever reads sees whole transactions only."""

    def __init__(self, path: Path, schema: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._turn = threading.RLock()
        self._connection = sqlite3.connect(
            path, timeout=LOCK_WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        # Safe against a killed process. A power cut may cost the last moments, which is fine here.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        for source in (_SHARED_SCHEMA, schema):
            self._connection.executescript(source.read_text("utf-8"))

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block or nothing. Blocks may nest; the outermost decides."""
        with self._turn:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, statement: str, *values: object) -> list[Row]:
        """All rows of a query."""
        with self._turn:
            return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, *values: object) -> Row | None:
        """The first row of a query, or None."""
        found = self.rows(statement, *values)
        return found[0] if found else None

    def value(self, statement: str, *values: object) -> Any:
        """The first column of the only row of a query, or None."""
        found = self.row(statement, *values)
        return found[0] if found else None

    def run(self, statement: str, *values: object) -> int:
        """Run one statement. Returns the id of the row it inserted."""
        with self._turn:
            return self._connection.execute(statement, values).lastrowid or 0

    def close(self) -> None:
        """Wait for whoever is writing, then let go of the file."""
        with self._turn:
            self._connection.close()
