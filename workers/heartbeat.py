"""Every process that claims says each second that it lives. Silence voids its claims."""

import os
import threading
from types import TracebackType
from typing import Self
from uuid import uuid4

import sqlalchemy as sa

from app.db import Database, DatabaseAway
from app.observability import logger
from app.payouts.deadlines import HEARTBEAT_S

_BEAT = sa.text(
    "INSERT INTO worker_heartbeat (name, queues) VALUES (:name, :queues)"
    " ON CONFLICT (name) DO UPDATE SET beat_at = now()"
)


def name_of_this_process(role: str) -> str:
    """A name that no other worker has or had: `pay-host-4711-1f2e3d4c`, with the process id."""
    return f"{role}-{os.uname().nodename}-{os.getpid()}-{uuid4().hex[:8]}"


class Heartbeat:
    """Beats from a thread of its own while the block runs."""

    def __init__(self, db: Database, *, name: str, queues: str) -> None:
        self._db = db
        self._facts = {"name": name, "queues": queues}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        """Beat once, so that claims are never older than their owner, then go on beating."""
        self._beat()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, and take the name off the list: this process holds no claim any more."""
        self._stop.set()
        self._thread.join()
        try:
            with self._db.transaction() as tx:
                tx.execute(sa.text("DELETE FROM worker_heartbeat WHERE name = :name"), self._facts)
        except DatabaseAway:
            pass  # it will be taken for dead, which is true

    def _run(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            try:
                self._beat()
            except Exception as failed:  # noqa: BLE001 - a living worker must never fall silent
                logger().error("heartbeat_failed", reason=type(failed).__name__)

    def _beat(self) -> None:
        try:
            with self._db.transaction() as tx:
                tx.execute(_BEAT, self._facts)
        except DatabaseAway:
            pass  # the next beat tries again; claims cannot be renewed without the database
