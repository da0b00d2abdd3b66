"""Baraza on servers of its own, which a run may kill, with members who have savings and a PIN."""

import csv
import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psutil
import redis
import sqlalchemy as sa

from app import embedded
from app.db import Database
from app.embedded import Servers
from app.members import demo
from app.members.pins import Pins
from app.migrations import migrate
from tests.chaos import failpoints
from tests.chaos.proxy import Proxy, proxied
from tests.support.databases import Logins
from tests.support.folders import passable_folder
from tests.support.stack import BARAZA, Stack, stack

PIN = "4071"
OURS = ("web", "worker", "clock")
FAILPOINTS_FILE = "failpoints.txt"
_NO_CEILINGS = sa.text(
    "INSERT INTO withdrawal_limit (effective_from, minimum_cents, maximum_cents, daily_cents)"
    " VALUES ((now() AT TIME ZONE 'Africa/Nairobi')::date, 5000, 25000000, 100000000)"
)
"""The demo's ceiling for the whole SACCO ends a run of thousands, at night after a few hundred."""


@dataclass
class World:
    """Everything that runs, and the hands that break and mend it."""

    servers: Servers
    stack: Stack
    owner: Database
    """The owner's login: for looking and judging, never through Baraza's own pool."""
    phones: list[str]
    chance: random.Random
    lines: dict[str, Proxy] = field(default_factory=dict)
    """What Baraza reaches PostgreSQL, Redis and M-PESA through. The run itself goes straight."""

    def failpoints(self) -> dict[str, int]:
        """How often each failpoint was struck so far."""
        notes = self.stack.folder / FAILPOINTS_FILE
        return dict(Counter(notes.read_text("utf-8").splitlines())) if notes.exists() else {}

    def tend(self) -> None:
        """Start again what died of Baraza's processes, as their supervisor would."""
        for name in OURS:
            if self.stack.processes[name].poll() is not None:
                self.stack.start(name)

    def kill(self, name: str) -> None:
        """SIGKILL of a process of Baraza's and all that it forked, then a plain start."""
        self.stack.kill(name)
        self.stack.start(name)

    def kill_everything(self) -> None:
        """SIGKILL of all of Baraza, PostgreSQL's immediate stop, Redis emptied. All stay down."""
        for name in OURS:
            self.stack.kill(name)
        self.redis().flushall()
        self.stop_postgres()

    def stop_postgres(self) -> None:
        """PostgreSQL's immediate stop: no checkpoint, every session cut."""
        stop_postgres_in(str(self.stack.folder))

    def kill_redis(self) -> None:
        """SIGKILL of Redis: what it held is gone."""
        server = _server("valkey", f":{urlsplit(self.stack.redis_url).port}")
        server.kill()
        server.wait(5)

    def revive_servers(self) -> None:
        """Start again what died of PostgreSQL and Redis, at the same addresses."""
        self.servers.revive()

    def redis(self) -> "redis.Redis":
        """A connection of the run's own."""
        return redis.Redis.from_url(self.stack.redis_url)


def stop_postgres_in(folder: str) -> None:
    """PostgreSQL's immediate stop, of the one whose data are in this folder."""
    server = _server("postgres", folder)
    server.send_signal(signal.SIGQUIT)
    server.wait(20)


@contextmanager
def world(
    *,
    seed: int,
    members: int,
    commands: Mapping[str, Sequence[str]],
    per_mille: float = 0,
    **settings: str,
) -> Iterator[World]:
    """Start everything; all of it ends with the block."""
    with passable_folder() as folder:
        servers = embedded.start(folder / "var")
        logins = Logins(servers.database_url, servers.database_url_owner)
        owner = Database(logins.owner, role=None, name="chaos")
        try:
            migrate(logins.owner)
            with (
                ExitStack() as ends,  # the lines outlive those who stop through them
                stack(folder, logins, servers.redis_url, **settings) as everything,
            ):
                everything.commands = commands
                everything.extra |= failpoints.environment(
                    seed=seed, per_mille=per_mille, notes=everything.folder / FAILPOINTS_FILE
                )
                lines = _lines(everything, ends)
                phones = _members(owner, everything, members)
                everything.start_all()
                yield World(servers, everything, owner, phones, random.Random(seed), lines)
        finally:
            owner.close()
            servers.stop()


def _lines(everything: Stack, ends: ExitStack) -> dict[str, Proxy]:
    """Put a proxy before each server that Baraza speaks to."""
    addresses = {
        "DATABASE_URL": everything.logins.application,
        "REDIS_URL": everything.redis_url,
        "DARAJA_URL": everything.safaricom,
    }
    lines = {}
    for setting, address in addresses.items():
        parts = urlsplit(address)
        assert parts.port is not None, f"{setting} has no port"
        assert parts.hostname is not None
        made = ends.enter_context(proxied(parts.hostname, parts.port))
        lines[setting.removesuffix("_URL").lower()] = made
        place = f"{parts.netloc.rpartition('@')[0]}@".removeprefix("@") + f"127.0.0.1:{made.port}"
        everything.extra[setting] = parts._replace(netloc=place).geturl()
    return lines


def _members(owner: Database, everything: Stack, most: int) -> list[str]:
    """Members who may withdraw, all with one PIN and enough savings for the whole run."""
    pins = Pins(everything.settings.pin_pepper.get_secret_value())
    with owner.transaction() as tx:
        demo.seed(tx, pins, production=False)
        tx.execute(_NO_CEILINGS)
    if most > len(_with_savings(owner, most)):
        _import(everything, most)
    rows = _with_savings(owner, most)
    with ThreadPoolExecutor(2) as pool:
        hashes = list(pool.map(lambda row: pins.hash(row.id, PIN), rows))
    with owner.transaction() as tx:
        tx.execute(
            sa.text(
                "UPDATE member SET pin_hash = :hash, language = 'en', start_pin_nonce = NULL,"
                " start_pin_until = NULL WHERE id = :id"
            ),
            [{"id": row.id, "hash": each} for row, each in zip(rows, hashes, strict=True)],
        )
    return [row.msisdn for row in rows]


def _import(everything: Stack, count: int) -> None:
    """Bring in as many more members as the SACCO's own command does."""
    file = everything.folder / "members.csv"
    with file.open("w", encoding="utf-8", newline="") as rows:
        out = csv.writer(rows)
        out.writerow(["member_no", "name", "phone", "id_number", "opening_balance", "account"])
        for n in range(count):
            out.writerow(
                (f"C{n:05d}", "Zawadi Chaos", f"07{n:08d}", f"{n:08d}", "100000", "Savings")
            )
    subprocess.run(
        [BARAZA, "members", "import", str(file), "--no-start-pins", "--yes"],
        env=everything.environment,
        check=True,
        capture_output=True,
    )


def _with_savings(owner: Database, most: int) -> Sequence[sa.Row[Any]]:
    with owner.transaction() as tx:
        return tx.execute(
            sa.text(
                "SELECT m.id, m.msisdn FROM member m JOIN member_account a ON a.member_id = m.id"
                " JOIN ledger.account_balance b ON b.account_id = a.account_id"
                " WHERE m.status = 'active' AND m.mandate = 'sole'"
                " GROUP BY m.id"
                " HAVING count(*) = 1 AND sum(b.credit_cents - b.debit_cents) > 5000000"
                " ORDER BY m.id LIMIT :most"
            ),
            {"most": most},
        ).all()


def _server(name: str, mark: str) -> psutil.Process:
    """The server of this kind whose command line has this: tests beside this one have others."""
    found = []
    for one in psutil.Process(os.getpid()).children(recursive=True):
        # Whoever ends while we look, as backends do, is not the server.
        with suppress(psutil.NoSuchProcess):
            if name in one.name() and any(mark in word for word in one.cmdline()):
                found.append(one)
    assert len(found) == 1, f"{len(found)} processes named {name} with {mark}"
    return found[0]
