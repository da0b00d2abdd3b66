"""Callbacks that were refused, counted for the people on duty.

Whoever knocks at our doors can do so as often as he likes. So a process adds up what it refuses and
writes a row for each reason every few seconds, not for each knock.
"""

import threading
from collections import Counter
from contextlib import suppress
from time import monotonic

import sqlalchemy as sa

from app.db import Database, DatabaseAway

WRITE_EVERY_S = 10.0
_INSERT = sa.text("INSERT INTO callback_refusal (reason, callbacks) VALUES (:reason, :callbacks)")


class Refusals:
    """What one web process refused. The first is written at once, the others together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: Counter[str] = Counter()
        self._write_at = 0.0

    def note(self, db: Database, reason: str) -> None:
        """Count one. What cannot be written is forgotten: it is no money."""
        with self._lock:
            self._counted[reason] += 1
            if monotonic() < self._write_at:
                return
            self._write_at = monotonic() + WRITE_EVERY_S
            counted, self._counted = self._counted, Counter()
        rows = [{"reason": why, "callbacks": number} for why, number in counted.items()]
        with suppress(DatabaseAway), db.transaction() as tx:
            tx.execute(_INSERT, rows)
