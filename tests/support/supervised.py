"""A supervisor in a process of its own, so that tests can signal and kill it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import psutil

from app.children import Child, Task
from app.processes import find, mark
from tests.support import child_process

WAIT_S_MAX = 20
DEATH_S_MAX = 1

DRIVER = """
import json, sys
from pathlib import Path
from app.children import Child, Task
from app.errors import Misconfigured
from app.supervisor import Supervisor
given = json.loads(sys.argv[1])
def say(line): print(line, flush=True)
supervisor = Supervisor(
    Path(given["var"]),
    [Child(**child) for child in given["children"]],
    tasks=[Task(**task) for task in given["tasks"]],
    say=say,
)
try:
    supervisor.run(lambda servers: say(f"ready {servers.database_url} {servers.redis_url}"))
except Misconfigured as refused:
    sys.exit(f"refused: {refused}")
say("stopped")
"""

NO_SERVERS = {"DATABASE_URL": "postgresql://named/by-the-test", "REDIS_URL": "redis://named"}
"""With both addresses set the supervisor starts no servers, which most tests do not need."""


class Supervised:
    """The running supervisor, what it says, and what its children noted."""

    def __init__(self, process: subprocess.Popen[str], notes: Path) -> None:
        self.process = process
        self._notes = notes
        self.said: list[str] = []

    def wait_for(self, beginning: str) -> str:
        """Read what it says until a line begins so."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))
            if line.startswith(beginning):
                return self.said[-1]
        raise AssertionError(f"no line {beginning!r} in {self.said}")

    def noted(self, word: str) -> list[str]:
        """The names of the children that noted this word, in order."""
        lines = self._notes.read_text("utf-8").splitlines() if self._notes.exists() else []
        return [line.split()[1] for line in lines if line.startswith(f"{word} ")]

    def children(self) -> dict[str, psutil.Process]:
        """The last life of every child."""
        lines = self._notes.read_text("utf-8").splitlines()
        pids = {line.split()[1]: int(line.split()[2]) for line in lines if line.startswith("start")}
        return {name: psutil.Process(pid) for name, pid in pids.items()}

    def alive(self) -> list[str]:
        """The names of the children of which any life still runs, after a moment to die in."""
        lines = self._notes.read_text("utf-8").splitlines() if self._notes.exists() else []
        started = [line.split() for line in lines if line.startswith("start")]
        deadline = time.monotonic() + DEATH_S_MAX
        while True:
            found = [name for _, name, pid, *_ in started if _runs(int(pid))]
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    def wait_for_starts(self, count: int) -> None:
        """Wait until children were started so many times in all."""
        deadline = time.monotonic() + WAIT_S_MAX
        while len(self.noted("start")) < count:
            assert time.monotonic() < deadline, self.noted("start")
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it, and wait for its end."""
        self.process.send_signal(number)
        return self.process.wait(WAIT_S_MAX)


@contextmanager
def supervised(
    var: Path,
    children: Sequence[Child],
    *,
    tasks: Sequence[Task] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Supervised]:
    """Run a supervisor; what is left of it at the end is killed."""
    given = {
        "var": str(var),
        "children": [asdict(child) for child in children],
        "tasks": [asdict(task) for task in tasks],
    }
    named = NO_SERVERS if environment is None else environment
    inherited = {k: v for k, v in os.environ.items() if k not in NO_SERVERS}
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, json.dumps(given)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**inherited, **named},
    )
    try:
        yield Supervised(process, var.parent / "notes")
    finally:
        if process.poll() is None:
            for one in psutil.Process(process.pid).children(recursive=True):
                one.kill()
            process.kill()
        process.communicate()


def child(var: Path, name: str, *how: str, port: int = 0) -> Child:
    """A child that notes its starts and ends beside `var`."""
    notes = var.parent / "notes"
    command = (sys.executable, child_process.__file__, name, str(notes), str(port), *how)
    url = f"http://127.0.0.1:{port}/health" if port else ""
    return Child(name, command, port=port, health_url=url)


def _runs(pid: int) -> bool:
    """Whether the process runs. A zombie that its new parent has not reaped yet does not."""
    marked = mark(pid)
    return marked is not None and find(marked) is not None
