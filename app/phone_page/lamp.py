"""The lamp: whether every invariant holds, looked at now and then while somebody watches."""

import threading
import time
from typing import Any

from app.clock import now
from app.db import Database
from app.operations import invariants

EVERY_S = 3.0
SHARE_MAX = 0.1
"""Of the time, for looking: on large books the lamp is older instead of everything slower."""


class Lamp:
    """Looks when asked, at most every few seconds; whoever asks meanwhile gets the last finding."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._looking = threading.Lock()
        self._found: dict[str, Any] | None = None
        self._due = 0.0

    def look(self) -> dict[str, Any] | None:
        """The finding, or None while the very first look is under way.

        Raises:
            DatabaseAway: PostgreSQL does not answer.
        """
        if time.monotonic() >= self._due and self._looking.acquire(blocking=False):
            try:
                self._found = self._look()
            finally:
                self._looking.release()
        return self._found

    def _look(self) -> dict[str, Any]:
        began = time.monotonic()
        with self._db.transaction() as tx:
            findings = invariants.run(tx)
        took = time.monotonic() - began
        self._due = began + max(EVERY_S, took / SHARE_MAX)
        broken = [{"name": one.name, "detail": one.detail} for one in findings if not one.ok]
        return {
            "green": not broken,
            "rules": len(findings),
            "broken": broken,
            "checked_at": now(),
            "took_ms": round(took * 1000),
        }
