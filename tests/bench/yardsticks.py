"""What PostgreSQL itself does on this machine: pgbench's TPC-B, and our guarded posting beside it.

pgbench comes with the embedded server. It runs on the run's own server, in databases of its own.
"""

import re
import subprocess
import tempfile
import time
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

import psutil
import psycopg
import sqlalchemy as sa

from app.db import Database
from app.embedded import binaries
from tests.bench.figures import Calibration
from tests.chaos import backlog
from tests.support import databases
from tests.support.databases import Logins

SCALE = 10
SECONDS = 4
REST_S = 1.5
CLIENTS = 2
MEMBERS = 1000
BATCH = 50
_TPCB = "bench_tpcb"
_ID = (
    "(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7'"
    " || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid"
)
_SINGLE = f"""
\\set account random($first, $last)
SELECT ledger.post_entry({_ID}, 'reserve', (now() AT TIME ZONE 'Africa/Nairobi')::date, 'bench',
    ARRAY[:account, 9000000002020]::bigint[], ARRAY[100, -100]::bigint[]);
"""
_BATCHED = f"""
\\set first random($first, $last)
SELECT bench_post(:first, {BATCH});
"""
_BENCH_POST = f"""
CREATE FUNCTION bench_post(first bigint, entries integer) RETURNS bigint LANGUAGE sql AS $$
    WITH e AS MATERIALIZED (SELECT {_ID} AS id, first + n AS account
                              FROM generate_series(0, entries - 1) n),
    a AS (SELECT array_agg(id) AS ids, array_agg(account) AS accounts FROM e)
    SELECT count(*) FROM a, LATERAL ledger.post_entries(
        a.ids, array_fill('reserve'::text, ARRAY[entries]),
        array_fill((now() AT TIME ZONE 'Africa/Nairobi')::date, ARRAY[entries]),
        array_fill('bench'::text, ARRAY[entries]), array_fill(NULL::uuid, ARRAY[entries]),
        a.ids || a.ids, a.accounts || array_fill(9000000002020, ARRAY[entries]),
        array_fill(100::bigint, ARRAY[entries]) || array_fill(-100::bigint, ARRAY[entries]))
$$"""  # noqa: S608 - constants


class PgbenchFailedError(Exception):
    """It did not run; the text is its own."""


def prepare(owner_url: str) -> None:
    """Make TPC-B's tables."""
    plain = _plain(owner_url)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_TPCB}")
    _pgbench(owner_url, _TPCB, "--initialize", "--quiet", f"--scale={SCALE}")


def calibrate(owner_url: str, number: int) -> Calibration:
    """How fast the machine is at this moment of a round."""
    with psycopg.connect(_plain(owner_url), autocommit=True) as connection:
        connection.execute("CHECKPOINT")  # so that nobody pays for what another has written
    time.sleep(REST_S)
    load = psutil.getloadavg()[0]
    return Calibration(number, load, _tps(_pgbench(owner_url, _TPCB, *_RUN)))


def postings_per_s(logins: Logins) -> tuple[float, float]:
    """Guarded two-line entries a second: one a transaction, and fifty a transaction.

    Raises:
        AssertionError: the books do not hold what was posted.
    """
    with databases.template(logins) as template, databases.copy(logins, template) as books:
        db = Database(books.owner, role=None, name="bench")
        accounts = [account for _, account in backlog.people(db, MEMBERS)]
        with db.transaction() as tx:
            tx.exec_driver_sql(_BENCH_POST)
        name = urlsplit(books.owner).path[1:]
        numbers = {"first": str(min(accounts)), "last": str(max(accounts))}
        single = _scripted(books.owner, name, Template(_SINGLE).substitute(numbers))
        last = {"first": numbers["first"], "last": str(max(accounts) - BATCH)}
        batched = _scripted(books.owner, name, Template(_BATCHED).substitute(last)) * BATCH
        with db.transaction() as tx:
            lines, off = tx.execute(
                sa.text("SELECT count(*), coalesce(sum(cents), 0) FROM ledger.posting")
            ).one()
        db.close()
        assert lines > 0
        assert off == 0
    return single, batched


_RUN = (
    f"--client={CLIENTS}",
    f"--jobs={CLIENTS}",
    f"--time={SECONDS}",
    "--protocol=prepared",
    "--no-vacuum",
)


def _scripted(url: str, name: str, script: str) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script.replace("\n    ", " "))
        file.flush()
        return _tps(_pgbench(url, name, *_RUN, f"--file={file.name}"))


def _pgbench(url: str, name: str, *options: str) -> str:
    parts = urlsplit(url)
    command = [
        str(_program()), *options, "--host", str(parts.hostname), "--port", str(parts.port),
        "--username", str(parts.username), name,
    ]  # fmt: skip
    done = subprocess.run(
        command,
        env={"PGPASSWORD": str(parts.password), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise PgbenchFailedError(done.stderr.decode(errors="replace")[-800:])
    return done.stdout.decode()


def _program() -> Path:
    return binaries.postgres().folder / "pgbench"


def _tps(output: str) -> float:
    found = re.search(r"^tps = ([0-9.]+)", output, re.MULTILINE)
    if found is None:
        raise PgbenchFailedError(output[-500:])
    return float(found[1])


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")
