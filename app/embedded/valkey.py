"""A Valkey (or Redis) of our own: loopback only, a random password, appended to disk."""

import secrets
import signal
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from app.embedded import binaries, identity
from app.embedded.errors import ServerFailed
from app.embedded.logs import last_words, make_room
from app.embedded.notes import LOOPBACK, Notes, free_port, make_folder, notes_file
from app.processes import end, find, living_in, mark, spawn

START_S_MAX = 30
START_TRIES_MAX = 3
PING_S_MAX = 1
STOP = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))

# noeviction: a doorbell that is silently dropped costs two seconds; a job that RQ half knows
# costs a person's afternoon. Better to refuse.
CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir "{data}"
appendonly yes
appendfsync everysec
save ""
maxmemory 128mb
maxmemory-policy noeviction
daemonize no
"""


class Valkey:
    """One server under `<var>/valkey/`, started and stopped by this process."""

    def __init__(self, var: Path, *, runs_as: str = "") -> None:
        self._identity = runs_as or identity.choose()
        self._home = home(var)
        make_folder(self._home)
        self._data = self._home / "data"
        self._notes_file = notes_file(self._home)
        self._log = var / "log" / "valkey.log"
        self._process: subprocess.Popen[bytes] | None = None
        program = binaries.redis()
        self._program = identity.reachable(
            _package_root(program), program, self._identity, copy_to=self._home / "programs"
        )

    def start(self, *, port: int = 0) -> Notes:
        """Start it, with whatever an earlier run left behind ended first.

        Data that this program cannot read (an older Redis after a newer Valkey) is put aside:
        Redis may be empty at any moment, and Baraza must come up.

        Args:
            port: The only port that will do; 0 takes the last one if free, else any.

        Raises:
            ServerFailed: it did not come up; the message has its last words.
        """
        notes = Notes.read(self._notes_file) or Notes(password=secrets.token_hex(16))
        if self._data.exists() and end(living_in(self._data), STOP):
            raise ServerFailed(f"Another server holds {self._data} and cannot be ended.")
        for _ in range(START_TRIES_MAX):
            self._data.mkdir(mode=0o700, exist_ok=True)
            chosen = port or free_port(notes.port)
            process = self._launch(chosen, notes.password)
            if self._came_up(process, chosen, notes.password):
                self._process = process
                started = mark(process.pid)
                assert started is not None
                notes = replace(notes, port=chosen, pid=started.pid, started=started.started)
                notes.write(self._notes_file)
                return notes
            self._put_data_aside()
        raise ServerFailed(f"Valkey did not start:\n{last_words(self._log)}")

    def ended(self) -> bool:
        """Whether the server that was started is gone."""
        return self._process is not None and self._process.poll() is not None

    def stop(self) -> None:
        """End it; what it held is on disk."""
        if self._process is None:
            return
        running = mark(self._process.pid)
        found = find(running) if running else None
        if found:
            end([found], STOP)
        self._process.wait()
        self._process = None

    def _launch(self, port: int, password: str) -> subprocess.Popen[bytes]:
        # In a file, because a command line can be read by everybody on the machine.
        settings = self._data / "valkey.conf"
        settings.unlink(missing_ok=True)
        settings.touch(mode=0o600)
        text = CONFIGURATION.format(
            host=LOOPBACK, port=port, password=password, data=self._data.resolve()
        )
        settings.write_text(text, encoding="utf-8")
        identity.hand_over(self._data, self._identity)
        identity.hand_over(settings, self._identity)
        make_room(self._log)
        return spawn([self._program, settings.resolve()], log=self._log, identity=self._identity)

    def _came_up(self, process: subprocess.Popen[bytes], port: int, password: str) -> bool:
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline:
            if process.poll() is not None:
                return False
            if _answers(port, password):
                return True
            time.sleep(0.02)
        process.kill()
        process.wait()
        return False

    def _put_data_aside(self) -> None:
        if any((self._data / "appendonlydir").glob("*")):
            self._data.rename(self._home / f"unreadable-{secrets.token_hex(4)}")


def home(var: Path) -> Path:
    """The folder under `var` that holds Valkey's data."""
    return var / "valkey"


def _answers(port: int, password: str) -> bool:
    """Whether the server is ready for commands. Spoken by hand: a client would cost 10 MB here."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=PING_S_MAX) as line:
            line.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            reply = b""
            while reply.count(b"\r\n") < 2:  # noqa: PLR2004 - one line for each command
                part = line.recv(256)
                if not part:
                    return False
                reply += part
    except OSError:
        return False
    return reply.endswith(b"+PONG\r\n")


def _package_root(program: Path) -> Path:
    """The folder of packages that the program was installed in, else its own folder."""
    for parent in program.parents:
        if parent.name in {"site-packages", "dist-packages"}:
            return parent
    return program.parent
