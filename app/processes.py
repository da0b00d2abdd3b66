"""Start, recognise and end processes by id and start time, so that a reused id is never hurt."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from app import leash

SAME_START_S_MAX = 2.0
"""Start times are computed from the wall clock, so an adjusted clock moves them a little."""

Steps = Sequence[tuple[signal.Signals, float]]
"""How to end a process: signals, each with the seconds that it is given."""


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """One process for ever: an id alone is given to another process later."""

    pid: int
    started: float
    """Seconds since 1970."""


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    identity: str = leash.KEEP,
    ends_with_us: signal.Signals | None = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that Ctrl-C reaches only us.

    Args:
        command: The program and its arguments.
        log: Where its output is appended.
        environment: Its whole environment; ours when left out.
        folder: Its working directory; ours when left out.
        identity: One of `leash.KEEP`, `leash.NAMESPACE`, `leash.SETUID`.
        ends_with_us: What the kernel sends it when the calling thread ends, however it ends.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            leashed(command, identity=identity, ends_with_us=ends_with_us),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=None if environment is None else dict(environment),
            start_new_session=True,
        )


def leashed(
    command: Sequence[str | Path],
    *,
    identity: str = leash.KEEP,
    ends_with_us: signal.Signals | None = signal.SIGTERM,
) -> list[str]:
    """The command line that runs this command under an identity and ends it with us."""
    wish = [str(int(ends_with_us or 0)), str(os.getpid()), identity]
    return [sys.executable, "-I", "-S", leash.__file__, *wish, *map(str, command)]


def mark(pid: int) -> ProcessMark | None:
    """How to recognise this process later, or None when it is gone."""
    try:
        return ProcessMark(pid, psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None


def find(wanted: ProcessMark) -> psutil.Process | None:
    """The process, if it still runs. One that only waits to be reaped does not run."""
    try:
        process = psutil.Process(wanted.pid)
        if abs(process.create_time() - wanted.started) > SAME_START_S_MAX or not _runs(process):
            return None
    except psutil.NoSuchProcess:
        return None
    return process


def living_in(folder: Path) -> list[psutil.Process]:
    """Every running process whose working directory is this folder.

    PostgreSQL and Valkey go to their data when they start and stay there, backends included, so
    this finds what holds the data even when every note about it is lost.
    """
    home = str(folder.resolve())
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.cwd() == home and _runs(process):
                found.append(process)
    return found


def end(processes: Sequence[psutil.Process], steps: Steps) -> list[psutil.Process]:
    """Send each signal in turn until all have ended. Returns those that outlived the last one."""
    left = list(processes)
    for number, seconds in steps:
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        _, left = psutil.wait_procs(left, timeout=seconds)
        # A killed process whose parent never reaps it stays in the table and holds nothing.
        left = [process for process in left if _runs(process)]
        if not left:
            break
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD})
    except psutil.NoSuchProcess:
        return False
