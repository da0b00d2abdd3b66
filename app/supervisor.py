"""Runs everything on one machine: servers of our own, one-time tasks, then the processes.

One process of Baraza's is small here and lives long, so this module imports little and late.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from app import embedded
from app.children import Child, Task
from app.embedded.logs import last_words, make_room
from app.errors import Misconfigured
from app.processes import ProcessMark, end, find, mark, spawn

PAUSE_S = 0.2
"""Between two looks at the processes, and at most until a signal is acted on."""
READY_S_MAX = 60
TASK_S_MAX = 300
STOP_S_MAX = 8.0
"""For all processes together, before what still runs is killed."""
KILL_S_MAX = 3.0
"""For what an earlier run has left, at each of two signals."""
RESTART_S_FIRST = 0.5
RESTART_S_MAX = 30.0
STEADY_S = 60
"""A process that lived this long has recovered: its next end counts as a first one."""
PORT_WAIT_S_MAX = 2
"""A port of our last run can be held a moment longer by a process that is just ending."""


@dataclass(slots=True)
class _Run:
    """One child's present life."""

    child: Child
    process: subprocess.Popen[bytes] | None = None
    since: float = 0.0
    """When it was started, or may be started again. In seconds of the monotonic clock."""
    ends: int = 0
    """How often in a row it ended soon after its start."""


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


class Supervisor:
    """Brings everything up in order, keeps it up, and takes it down in reverse.

    If it is killed, the kernel ends what it started (on Linux), and the next start ends the rest.
    """

    def __init__(
        self,
        var: Path,
        children: Sequence[Child],
        *,
        tasks: Sequence[Task] = (),
        environment: Mapping[str, str] | None = None,
        say: Callable[[str], None] = _say,
    ) -> None:
        self._var = var.resolve()
        self._tasks = tasks
        self._runs = [_Run(child) for child in children]
        self._environment = dict(os.environ if environment is None else environment)
        self._say = say
        self._signals = 0
        self._record = self._var / "processes.json"

    def run(self, on_ready: Callable[[embedded.Servers], None]) -> None:
        """Run until Ctrl-C, SIGTERM or SIGHUP; a second signal stops without waiting.

        Must be called in the main thread: signals are delivered there, and the kernel takes the
        end of the thread that started a process for the end of its parent.

        Args:
            on_ready: Called once, when every child is ready.

        Raises:
            Misconfigured: something could not be started; the message names the cure.
        """
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            self._run(on_ready)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _run(self, on_ready: Callable[[embedded.Servers], None]) -> None:
        servers = embedded.start(
            self._var,
            with_postgres=not self._environment.get("DATABASE_URL"),
            with_redis=not self._environment.get("REDIS_URL"),
        )
        try:
            # Only now: the servers' lock says that no other supervisor uses this folder.
            self._end_leftovers()
            self._check_ports()
            self._use(servers)
            for task in self._tasks:
                self._do(task, servers)
            for run in self._runs:
                self._launch(run)
            self._wait_until_ready()
            if not self._signals:
                on_ready(servers)
            while not self._signals:
                self._tend(servers)
                time.sleep(PAUSE_S)
        finally:
            self._stop_children()
            servers.stop()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _use(self, servers: embedded.Servers) -> None:
        found = {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url}
        self._environment.update({name: url for name, url in found.items() if url})
        self._environment["BARAZA_VAR"] = str(self._var)

    def _log(self, name: str) -> Path:
        log = self._var / "log" / f"{name}.log"
        make_room(log)
        return log

    def _do(self, task: Task, servers: embedded.Servers) -> None:
        if self._signals:
            return
        environment = dict(self._environment)
        if task.as_owner and servers.database_url_owner:
            environment["DATABASE_OWNER_URL"] = servers.database_url_owner
        log = self._log(task.name)
        process = spawn(task.command, log=log, environment=environment)
        deadline = time.monotonic() + TASK_S_MAX
        while process.poll() is None and time.monotonic() < deadline and not self._signals:
            time.sleep(PAUSE_S / 10)
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.returncode != 0 and not self._signals:
            raise Misconfigured(f"{task.name} failed:\n{last_words(log)}")

    def _launch(self, run: _Run) -> None:
        child = run.child
        run.process = spawn(
            child.command,
            log=self._log(child.name),
            environment={**self._environment, **child.environment},
        )
        run.since = time.monotonic()
        self._write_record()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_S_MAX
        waiting = list(self._runs)
        while waiting and not self._signals:
            for run in waiting:
                if run.process is None or run.process.poll() is not None:
                    words = last_words(self._log(run.child.name))
                    raise Misconfigured(f"{run.child.name} did not start:\n{words}")
            waiting = [run for run in waiting if not run.child.is_ready()]
            if waiting and time.monotonic() > deadline:
                name = waiting[0].child.name
                raise Misconfigured(
                    f"{name} is not ready after {READY_S_MAX} seconds:\n"
                    f"{last_words(self._log(name))}"
                )
            if waiting:
                time.sleep(PAUSE_S / 4)

    def _tend(self, servers: embedded.Servers) -> None:
        """Start again whatever has died."""
        try:
            for name in servers.revive():
                self._say(f"{name} had died; it runs again.")
        except embedded.ServerFailed as failed:
            self._say(f"{failed}\nTrying again.")
        now = time.monotonic()
        for run in self._runs:
            if run.process is None:
                if now >= run.since:
                    self._launch(run)
            elif run.process.poll() is not None:
                self._plan_restart(run, now)

    def _plan_restart(self, run: _Run, now: float) -> None:
        assert run.process is not None
        run.ends = 1 if now - run.since > STEADY_S else run.ends + 1
        pause = min(RESTART_S_MAX, RESTART_S_FIRST * 2 ** (run.ends - 1))
        name, code = run.child.name, run.process.returncode
        _kill_group(run.process)
        self._say(f"{name} ended ({code}); starting it again in {pause:g} s. See {self._log(name)}")
        run.process, run.since = None, now + pause

    def _stop_children(self) -> None:
        """End the children, the one started last first; together they have `STOP_S_MAX`."""
        deadline = time.monotonic() + STOP_S_MAX
        asked_before = self._signals
        for run in reversed(self._runs):
            if run.process is not None and run.process.poll() is None:
                run.process.terminate()
                while run.process.poll() is None and time.monotonic() < deadline:
                    if self._signals > max(asked_before, 1):
                        break
                    time.sleep(0.02)
            if run.process is not None:
                _kill_group(run.process)
        self._record.unlink(missing_ok=True)

    def _write_record(self) -> None:
        running = [(run, mark(run.process.pid)) for run in self._runs if run.process is not None]
        rows = [[found.pid, found.started, run.child.name] for run, found in running if found]
        fresh = self._record.with_suffix(".new")
        fresh.write_text(json.dumps(rows), encoding="utf-8")
        fresh.replace(self._record)

    def _end_leftovers(self) -> None:
        """End what a supervisor that was killed has left, with all that it has started."""
        if not self._record.exists():
            return
        left = []
        for pid, started, *_ in json.loads(self._record.read_text("utf-8")):
            process = find(ProcessMark(pid, started))
            if process:
                left += [process, *process.children(recursive=True)]
        end(left, ((signal.SIGTERM, KILL_S_MAX), (signal.SIGKILL, KILL_S_MAX)))
        self._record.unlink()

    def _check_ports(self) -> None:
        deadline = time.monotonic() + PORT_WAIT_S_MAX
        for child in (run.child for run in self._runs if run.child.port):
            while not child.port_is_free():
                if time.monotonic() > deadline or self._signals:
                    raise Misconfigured(
                        f"Port {child.port}, where {child.name} would listen, is taken by another "
                        f"program. Set {child.port_setting} to a free one, for example "
                        f"{child.port_setting}={child.port + 10}."
                    )
                time.sleep(PAUSE_S)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it has started: an orphan of it could hold the port."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
