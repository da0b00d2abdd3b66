"""Kills what `baraza up` has started, and nothing else, so that one can see that nothing is lost.

The supervisor records its processes with their start times; the workers are children of the one
that it calls `worker`, and their names in the list of heartbeats end with their process ids.
"""

import json
import re
from pathlib import Path

from app.errors import Refused

RECORD = "processes.json"
PARENT = "worker"
"""The supervisor's name for the process whose children are the workers and the timekeeper."""
NAME = re.compile(r"(?P<group>[a-z]+)-.*-(?P<pid>[0-9]+)-[0-9a-f]+")
"""How a worker calls itself: `pay-host-4711-1f2e3d4c`."""


class NotOurs(Refused):
    """There is no such process of `baraza up`; the message says so to a person."""

    code = "PP-02"


def is_supervised(var: Path) -> bool:
    """Whether `baraza up` runs these processes, so that what is killed is started again."""
    return PARENT in _recorded(var)


def group_of(worker: str) -> str:
    """`pay` of `pay-host-4711-1f2e3d4c`."""
    return worker.partition("-")[0]


def kill(var: Path, group: str, *, workers: list[str]) -> int:
    """SIGKILL the process of a group, or the parent of all. Returns its id.

    Args:
        var: Where the supervisor's record is.
        group: pay, money, talk, clock or parent.
        workers: The names in the list of heartbeats.

    Raises:
        NotOurs: nothing of that name runs under `baraza up`.
    """
    import psutil

    from app.processes import ProcessMark, find

    recorded = _recorded(var).get(PARENT)
    parent = find(ProcessMark(*recorded)) if recorded else None
    if parent is None:
        raise NotOurs("`baraza up` does not run the workers here")
    if group == "parent":
        parent.kill()
        return parent.pid
    wanted = {int(m["pid"]) for m in map(NAME.fullmatch, workers) if m and m["group"] == group}
    try:
        for child in parent.children():
            if child.pid in wanted:
                child.kill()
                return child.pid
    except psutil.NoSuchProcess:
        pass
    raise NotOurs(f"the {group} worker is not running just now; it is being started again")


def _recorded(var: Path) -> dict[str, tuple[int, float]]:
    """Process id and start time of what the supervisor started, by its name for it."""
    try:
        rows = json.loads((var / RECORD).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return {name: (pid, started) for pid, started, name in rows}
