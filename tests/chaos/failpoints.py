"""Baraza's own processes, dying, breaking off and stalling at their commits, calls and bells.

`python -m tests.chaos.failpoints worker` is `baraza worker` with points of failure around what
every step is made of: before and after a commit, before and after a call to a provider, at a bell.
Baraza itself knows nothing of this, so nothing of it can be on in production.

CHAOS_FAILPOINTS is `SEED RATE FILE`: how often one of a thousand passes fails, and where it is
noted. A point is named after the function that came by, as `payouts.pay._keep after commit`.
"""

import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from app.db import Database, DatabaseAway, Tx
from app.doorbell import Doorbell, Step
from app.providers.africastalking import Sms
from app.providers.daraja import Daraja

VARIABLE = "CHAOS_FAILPOINTS"
HANG_S = 4.5
"""Longer than the silence after which a worker is taken for dead."""
COMMIT_ACTIONS = ("crash", "crash", "break", "hang")
CALL_ACTIONS = ("crash", "hang")
"""Calls turn every trouble into an outcome, so one that raised would be no fault of the world's."""
_PLUMBING = ("app.db", "app.doorbell", "app.providers")


def environment(*, seed: int, per_mille: float, notes: Path) -> dict[str, str]:
    """What to start processes with."""
    return {VARIABLE: f"{seed} {per_mille} {notes}"}


def commands() -> dict[str, list[str]]:
    """What to start in place of `baraza NAME`."""
    return {
        name: [sys.executable, "-m", "tests.chaos.failpoints", name]
        for name in ("web", "worker", "clock")
    }


class Failpoints:
    """Decides at each pass whether it fails, and how."""

    def __init__(self, seed: int, per_mille: float, notes: Path) -> None:
        self._seed = seed
        self._share = per_mille / 1000
        self._notes = notes
        self._chance = random.Random()
        self._pid = 0

    def strikes(self, actions: tuple[str, ...], point: str) -> str | None:
        """What is to happen at this pass, noted before it does."""
        if self._pid != os.getpid():  # each fork has luck of its own
            self._pid = os.getpid()
            self._chance = random.Random(f"{self._seed}/{self._pid}")
        if self._chance.random() >= self._share:
            return None
        action = self._chance.choice(actions)
        with self._notes.open("a") as notes:
            notes.write(f"{action} at {_who()} {point}\n")
        return action

    def reach(self, point: str, actions: tuple[str, ...] = COMMIT_ACTIONS) -> None:
        """Die here, break off as if the server had gone, or stall; mostly nothing.

        Raises:
            DatabaseAway: it breaks off.
        """
        match self.strikes(actions, point):
            case "crash":
                os.kill(os.getpid(), signal.SIGKILL)
            case "break":
                raise DatabaseAway("failpoint")
            case "hang":
                time.sleep(HANG_S)
            case _:
                pass


def install(points: Failpoints) -> None:
    """Put them around commits, calls and bells of this process."""
    Database.transaction = _around_commits(Database.transaction, points)  # type: ignore[method-assign]
    for provider, name in (
        (Daraja, "pay"),
        (Daraja, "ask"),
        (Daraja, "balance"),
        (Sms, "send"),
    ):
        setattr(provider, name, _around_call(getattr(provider, name), points))
    Doorbell.ring = _at_bell(Doorbell.ring, points)  # type: ignore[method-assign]


def _around_commits(begin: Callable[..., Any], points: Failpoints) -> Callable[..., Any]:
    @contextmanager
    def transaction(self: Database) -> Iterator[Tx]:
        with begin(self) as tx:
            yield tx
            points.reach("before commit")
        points.reach("after commit")

    return transaction


def _around_call(call: Callable[..., Any], points: Failpoints) -> Callable[..., Any]:
    def around(*args: Any, **named: Any) -> Any:
        points.reach("before the call", CALL_ACTIONS)
        outcome = call(*args, **named)
        points.reach("after the call", CALL_ACTIONS)
        return outcome

    return around


def _at_bell(ring: Callable[..., bool], points: Failpoints) -> Callable[..., bool]:
    def at_bell(self: Doorbell, *steps: Step) -> bool:
        match points.strikes(("lost", "twice"), "bell"):
            case "lost":
                return True
            case "twice":
                for step in steps:
                    self.insist(step)
                return True
            case _:
                return ring(self, *steps)

    return at_bell


def _who() -> str:
    """The function of Baraza's that came by, past the plumbing."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(("app.", "workers.")) and not module.startswith(_PLUMBING):
            return f"{module.removeprefix('app.')}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "?"


def main() -> None:
    """Be `baraza` with failpoints."""
    seed, per_mille, notes = os.environ[VARIABLE].split(maxsplit=2)
    install(Failpoints(int(seed), float(per_mille), Path(notes)))
    if multiprocessing.parent_process() is None:
        from app.cli import main as baraza

        baraza()


# The web server's own processes are spawned: they import the main module under another name.
if __name__ in {"__main__", "__mp_main__"}:
    main()
