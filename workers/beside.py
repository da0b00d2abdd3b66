"""Work that a process does beside its own, in a thread: it may take long and holds nothing up."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from app.db import DatabaseAway
from app.observability import logger

STOP_S_MAX = 10


class Beside:
    """Does one thing again and again while the block runs, with a rest after each time.

    What raises is logged and done again: no failure ends it.
    """

    def __init__(self, name: str, every_s: float, work: Callable[[], object]) -> None:
        self._name, self._every_s, self._work = name, every_s, work
        self._stop = threading.Event()
        # A daemon: a process that is told to end does not wait for a long query.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        """Begin; the first time is at once."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let what is under way end, if it ends soon, and begin nothing more."""
        self._stop.set()
        self._thread.join(STOP_S_MAX)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._work()
            except DatabaseAway as away:
                logger().warning("database_away", work=self._name, reason=str(away))
            except Exception as failed:  # noqa: BLE001 - whoever watches must never fall silent
                logger().error("beside_failed", work=self._name, reason=type(failed).__name__)
            self._stop.wait(self._every_s)
