"""Both servers as one thing: start them, find them, hand out their addresses."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.embedded import postgres, valkey
from app.embedded.errors import AlreadyRunning, ServerFailed
from app.embedded.notes import LOOPBACK, OF_ANOTHER_USER, Notes, make_folder, notes_file
from app.embedded.postgres import Postgres
from app.embedded.valkey import Valkey
from app.processes import find

WAIT_FOR_OTHER_S_MAX = 90
"""How long `ensure` waits for another process that is just starting or stopping its servers."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Addresses of running servers, and how to end those that this process started."""

    database_url: str
    """For web and workers: a login with the application's rights only. Empty: not started."""
    database_url_owner: str
    """For migrations: the login that may do everything. Empty: not started."""
    redis_url: str
    """Empty: not started."""
    _started: "_Started | None" = field(default=None, repr=False)

    def stop(self) -> None:
        """End what this process started, keep the data. Ends nothing of another process."""
        if self._started:
            self._started.stop()

    def revive(self) -> list[str]:
        """Start again what has died, at the same address. Returns the names of what it was.

        Raises:
            ServerFailed: it does not come up again.
        """
        return self._started.revive() if self._started else []


class _Started:
    """What this process runs, and the lock that says so."""

    def __init__(self, lock: int) -> None:
        self._lock = lock
        self._running: dict[str, tuple[Postgres | Valkey, int]] = {}

    def add(self, name: str, server: Postgres | Valkey) -> Notes:
        notes = server.start()
        self._running[name] = (server, notes.port)
        return notes

    def revive(self) -> list[str]:
        dead = [name for name, (server, _) in self._running.items() if server.ended()]
        for name in dead:
            server, port = self._running[name]
            server.start(port=port)  # everybody was told this port
        return dead

    def stop(self) -> None:
        while self._running:
            _, (server, _) = self._running.popitem()
            server.stop()
        os.close(self._lock)


def start(
    var: Path, *, durable: bool = True, with_postgres: bool = True, with_redis: bool = True
) -> Servers:
    """Start PostgreSQL and Valkey with their data under `var`.

    They end when `stop` is called and, on Linux, when this process ends in any way.

    Args:
        var: The folder for data and logs; made when missing.
        durable: False gives up safety against power cuts for speed; for tests only.
        with_postgres: Whether PostgreSQL is wanted.
        with_redis: Whether Valkey is wanted.

    Raises:
        AlreadyRunning: another process runs its servers in this folder.
        BinariesMissing: nothing to start; the message says what to install.
        ServerFailed: a server did not come up.
    """
    make_folder(var)
    started = _Started(_take_lock(var))
    login = owner = redis = ""
    try:
        # Both are looked for before either is started: what is missing is said at once.
        database = Postgres(var, durable=durable) if with_postgres else None
        cache = Valkey(var) if with_redis else None
        if database:
            login, owner = _database_urls(started.add("PostgreSQL", database))
        if cache:
            redis = _redis_url(started.add("Valkey", cache))
    except BaseException:
        started.stop()
        raise
    return Servers(login, owner, redis, started)


def running(var: Path) -> Servers | None:
    """The servers that another process runs in this folder; None when it runs none."""
    login = owner = redis = ""
    for home in postgres.homes(var)[-1:]:
        notes = _live(home)
        if notes:
            login, owner = _database_urls(notes)
    notes = _live(valkey.home(var))
    if notes:
        redis = _redis_url(notes)
    return Servers(login, owner, redis) if login or redis else None


@contextmanager
def ensure(
    var: Path, *, durable: bool = True, with_postgres: bool = True, with_redis: bool = True
) -> Iterator[Servers]:
    """Servers for as long as the block lasts: those that run, else some of our own.

    Raises:
        AlreadyRunning: another process has the folder and brings up no server in good time.
        BinariesMissing, ServerFailed: as `start`.
    """
    servers = _join_or_start(
        var, durable=durable, with_postgres=with_postgres, with_redis=with_redis
    )
    try:
        yield servers
    finally:
        servers.stop()


def _join_or_start(var: Path, *, durable: bool, with_postgres: bool, with_redis: bool) -> Servers:
    deadline = time.monotonic() + WAIT_FOR_OTHER_S_MAX
    while True:
        try:
            return start(var, durable=durable, with_postgres=with_postgres, with_redis=with_redis)
        except AlreadyRunning:
            found = running(var) or Servers("", "", "")
            if bool(found.database_url) >= with_postgres and bool(found.redis_url) >= with_redis:
                return found
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _take_lock(var: Path) -> int:
    """Hold the folder for as long as this process lives. The kernel lets go, whatever happens."""
    try:
        handle = os.open(var / "servers.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError:
        raise ServerFailed(OF_ANOTHER_USER.format(path=var)) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(handle, 20).decode(errors="replace").strip() or "unknown"
        os.close(handle)
        raise AlreadyRunning(
            f"Another Baraza (process {holder}) runs in {var}. Stop it first, or give this one a "
            "folder of its own with BARAZA_VAR."
        ) from None
    os.ftruncate(handle, 0)
    os.write(handle, f"{os.getpid()}\n".encode())
    return handle


def _live(home: Path) -> Notes | None:
    """The notes of the server in this folder, if it runs."""
    notes = Notes.read(notes_file(home))
    return notes if notes and find(notes.process) else None


def _database_urls(notes: Notes) -> tuple[str, str]:
    base = f"{LOOPBACK}:{notes.port}/{postgres.DATABASE}"
    return (
        f"postgresql+psycopg://{postgres.LOGIN}:{notes.password}@{base}",
        f"postgresql+psycopg://{postgres.OWNER}:{notes.owner_password}@{base}",
    )


def _redis_url(notes: Notes) -> str:
    return f"redis://:{notes.password}@{LOOPBACK}:{notes.port}/0"
