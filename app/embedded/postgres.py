"""A PostgreSQL of our own: loopback only, scram passwords, UTF-8, data in a folder per major."""

import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from app.embedded import binaries, identity
from app.embedded.errors import ServerFailed
from app.embedded.logs import last_words, make_room
from app.embedded.notes import LOOPBACK, Notes, free_port, make_folder, notes_file
from app.processes import end, find, leashed, living_in, mark, spawn

OWNER = "postgres"
"""The login that migrates."""
LOGIN = "baraza"
"""The login of web and workers. It is nothing but a member of the application's role."""
DATABASE = "baraza"
INIT_S_MAX = 120
START_S_MAX = 60
"""Recovery after a power cut can take a while."""
START_TRIES_MAX = 3
STATUS_LINE = 7
"""Of `postmaster.pid`, counted from 0: where PostgreSQL says that it takes connections."""
GENTLE_STOP = (
    (signal.SIGINT, 15.0),  # fast shutdown: no new work, checkpoint, clean end
    (signal.SIGQUIT, 5.0),  # immediate: the next start recovers from the log
    (signal.SIGKILL, 5.0),
)

ACCESS = f"host all all {LOOPBACK}/32 scram-sha-256\n"

FOOTPRINT = (
    "shared_buffers=48MB",
    "max_connections=60",
    "max_worker_processes=2",
    "max_parallel_workers=0",
    "max_logical_replication_workers=0",
    "max_wal_senders=0",
    "jit=off",
)
"""One machine, one SACCO: small in memory, stock in safety."""

PRIVATE_LOG = ("log_error_verbosity=terse", "log_min_error_statement=panic")
"""Details and statements of an error can hold a member's data; the log gets neither."""

UNSAFE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""For tests that never cut the power."""

# Roles and database are made before the first start and before the folder gets its name, so a
# folder that has its name is complete. In single-user mode every line is one command.
BIRTH = """\
ALTER ROLE {owner} PASSWORD '{owner_password}'
CREATE ROLE baraza_app NOLOGIN
CREATE ROLE {login} LOGIN PASSWORD '{password}' IN ROLE baraza_app
CREATE DATABASE {database}
"""


class Postgres:
    """One server under `<var>/postgres-<major>/`, started and stopped by this process."""

    def __init__(self, var: Path, *, durable: bool = True, runs_as: str = "") -> None:
        self._identity = runs_as or identity.choose()
        self._durable = durable
        installed = binaries.postgres(_majors_to_look_for(var))
        self._home = var / f"postgres-{installed.major}"
        make_folder(self._home)
        self._major = installed.major
        self._data = self._home / "data"
        self._notes_file = notes_file(self._home)
        self._log = var / "log" / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None
        program = identity.reachable(
            installed.root,
            installed.folder / "postgres",
            self._identity,
            copy_to=self._home / "programs",
        )
        self._programs = program.parent

    def start(self, *, port: int = 0) -> Notes:
        """Start it, with whatever an earlier run left behind cleaned away first.

        Args:
            port: The only port that will do; 0 takes the last one if free, else any.

        Raises:
            ServerFailed: it did not come up; the message has its last words.
        """
        clear_leftovers(self._data)
        notes = Notes.read(self._notes_file) or self._initialise()
        if not self._data.exists():
            notes = self._initialise()
        identity.hand_over(self._data, self._identity)
        for _ in range(START_TRIES_MAX):
            chosen = port or free_port(notes.port)
            process = self._launch(chosen)
            if self._came_up(process):
                self._process = process
                started = mark(process.pid)
                assert started is not None
                notes = replace(notes, port=chosen, pid=started.pid, started=started.started)
                notes.write(self._notes_file)
                return notes
            time.sleep(0.5)  # another program may have taken the port, or backends are leaving
        raise ServerFailed(f"PostgreSQL did not start:\n{last_words(self._log)}")

    def ended(self) -> bool:
        """Whether the server that was started is gone."""
        return self._process is not None and self._process.poll() is not None

    def stop(self) -> None:
        """End it cleanly: open transactions are rolled back, everything committed is kept."""
        if self._process is None:
            return
        running = mark(self._process.pid)
        found = find(running) if running else None
        if found:
            end([found], GENTLE_STOP)
        self._process.wait()
        self._process = None

    def _initialise(self) -> Notes:
        if self._data.exists():
            raise ServerFailed(
                f"{self._notes_file} is missing, and with it the passwords of the data beside it. "
                "Put it back, or move the whole folder away to begin with an empty database."
            )
        notes = Notes(password=secrets.token_hex(16), owner_password=secrets.token_hex(16))
        fresh = self._home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        identity.hand_over(fresh, self._identity)
        options: list[str | Path] = [
            "-D",
            fresh,
            "-U",
            OWNER,
            "-E",
            "UTF8",
            "--locale=C",
            "-A",
            "reject",
        ]
        self._run(["initdb", *options, *([] if self._durable else ["--no-sync"])])
        (fresh / "pg_hba.conf").write_text(ACCESS, encoding="ascii")
        birth = BIRTH.format(
            owner=OWNER,
            owner_password=notes.owner_password,
            login=LOGIN,
            password=notes.password,
            database=DATABASE,
        )
        settings = ["exit_on_error=on", "password_encryption=scram-sha-256", *PRIVATE_LOG]
        self._run(["postgres", "--single", "-D", fresh, *_options(settings), OWNER], birth)
        notes.write(self._notes_file)
        fresh.rename(self._data)
        return notes

    def _run(self, command: list[str | Path], text: str = "") -> None:
        program, *arguments = command
        done = subprocess.run(
            leashed([self._programs / program, *arguments], identity=self._identity),
            input=text.encode(),
            capture_output=True,
            timeout=INIT_S_MAX,
            check=False,
        )
        if done.returncode != 0:
            words = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise ServerFailed(f"PostgreSQL's {program} failed:\n{words[-600:]}")

    def _launch(self, port: int) -> subprocess.Popen[bytes]:
        settings = [*FOOTPRINT, *PRIVATE_LOG, "log_timezone=UTC", "timezone=UTC"]
        if self._major >= 18:  # noqa: PLR2004 - since then reads have processes of their own
            settings.append("io_method=sync")
        if not self._durable:
            settings.extend(UNSAFE)
        make_room(self._log)
        where = ["-D", self._data, "-h", LOOPBACK, "-p", port, "-k", ""]
        return spawn(
            [self._programs / "postgres", *map(str, where), *_options(settings)],
            log=self._log,
            identity=self._identity,
            ends_with_us=signal.SIGINT,
        )

    def _came_up(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline:
            if process.poll() is not None:
                return False
            lines = _pid_file_lines(self._data)
            ours = len(lines) > STATUS_LINE and lines[0] == str(process.pid)
            if ours and lines[STATUS_LINE].strip() == "ready":
                return True
            time.sleep(0.02)
        process.send_signal(signal.SIGQUIT)
        process.wait()
        return False


def clear_leftovers(data: Path) -> None:
    """End whatever an earlier run left on this data, and forget its lock file.

    PostgreSQL trusts the lock file's process id, which after a kill may be a zombie's or another
    program's, and refuses to start. It may be removed only when nothing holds the data: two
    servers on one folder destroy it.

    Raises:
        ServerFailed: something holds the data and cannot be ended.
    """
    if not data.exists():
        return
    lines = _pid_file_lines(data)
    holders = living_in(data)
    leaders = [process for process in holders if lines and str(process.pid) == lines[0]]
    end(leaders, GENTLE_STOP)
    # Backends leave by themselves when they see that their leader is gone.
    left = end(living_in(data), ((signal.SIGTERM, 5.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5)))
    if left:
        raise ServerFailed(f"Process {left[0].pid} holds {data} and cannot be ended.")
    (data / "postmaster.pid").unlink(missing_ok=True)


def homes(var: Path) -> list[Path]:
    """The folders under `var` that hold PostgreSQL's data, newest major last."""
    found = [path for path in var.glob("postgres-*") if (path / "data").is_dir()]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))


def _majors_to_look_for(var: Path) -> frozenset[int]:
    """The major version of the data that is there, else any.

    A newer PostgreSQL does not open older data, and starting empty beside it would look to members
    as if their savings were gone.
    """
    there = homes(var)
    if there:
        return frozenset({int(there[-1].name.rpartition("-")[2])})
    return frozenset(binaries.POSTGRES_MAJORS)


def _pid_file_lines(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []


def _options(settings: list[str]) -> list[str]:
    return [part for setting in settings for part in ("-c", setting)]
