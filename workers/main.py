"""Baraza's working processes: one parent that imports everything once and forks the others.

Forked children share the parent's memory pages; each opens its own connections after the fork.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType

from app import garbage
from app.config import Settings
from app.observability import configure_logs, logger
from workers import clock, listener
from workers.queues import CLOCK, GROUPS

RESTART_AFTER_S = 0.5
BEHIND_MEMBERS = 5
"""Added to the niceness of all workers: where they share a machine with the web server, whoever
waits for a screen goes first. Idle processors are theirs all the same."""
PR_SET_PDEATHSIG = 1
"""Of Linux's prctl: the signal that a process gets when its parent dies."""


def run(settings: Settings, names: Sequence[str]) -> None:
    """Run one process per name, a group of queues or the clock, until SIGTERM or SIGINT.

    What dies is started again.
    """
    configure_logs("worker")
    os.nice(BEHIND_MEMBERS)
    garbage.settle()
    children = {_fork(settings, name): name for name in names}
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while children:
        pid, status = os.wait()
        name = children.pop(pid, None)
        if name is None or stopping:
            continue
        logger().error("worker_died", name=name, status=os.waitstatus_to_exitcode(status))
        time.sleep(RESTART_AFTER_S)
        if not stopping:
            children[_fork(settings, name)] = name


def _fork(settings: Settings, name: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        _die_with_parent()
        # Not the parent's handler, which would end this one's siblings.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent passes it on as SIGTERM
        if name == CLOCK:
            clock.run(settings)
        else:
            listener.run(settings, GROUPS[name], name=name)
        code = 0
    except Exception as died:  # noqa: BLE001 - the last word of a process that is about to end
        logger().critical("worker_failed", name=name, reason=type(died).__name__, exc_info=died)
    finally:
        # Not sys.exit: the parent's cleanup is not ours to run.
        os._exit(code)


def _die_with_parent() -> None:
    """Ask Linux to end this process when its parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
