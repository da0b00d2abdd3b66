"""Baraza on servers of its own, which a run may kill, with members who have savings and a PIN."""

import os
import random
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
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
from tests.support.databases import Logins
from tests.support.folders import passable_folder
from tests.support.stack import Stack, stack

PIN = "4071"
OURS = ("web", "worker", "clock")


@dataclass
class World:
    """Everything that runs, and the hands that break and mend it."""

    servers: Servers
    stack: Stack
    owner: Database
    """The owner's login: for looking and judging, never through Baraza's own pool."""
    phones: list[str]
    chance: random.Random

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
        server = _server("postgres", str(self.stack.folder))
        server.send_signal(signal.SIGQUIT)
        server.wait(20)

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


@contextmanager
def world(
    *, seed: int, members: int, commands: Mapping[str, Sequence[str]], **settings: str
) -> Iterator[World]:
    """Start everything; all of it ends with the block."""
    with passable_folder() as folder:
        servers = embedded.start(folder / "var")
        try:
            logins = Logins(servers.database_url, servers.database_url_owner)
            migrate(logins.owner)
            owner = Database(logins.owner, role=None, name="chaos")
            with stack(folder, logins, servers.redis_url, **settings) as everything:
                everything.commands = commands
                phones = _members(owner, everything, members)
                everything.start_all()
                yield World(servers, everything, owner, phones, random.Random(seed))
            owner.close()
        finally:
            servers.stop()


def _members(owner: Database, everything: Stack, most: int) -> list[str]:
    """Members who may withdraw, all with one PIN and enough savings for the whole run."""
    pins = Pins(everything.settings.pin_pepper.get_secret_value())
    with owner.transaction() as tx:
        demo.seed(tx, pins, production=False)
        rows = tx.execute(
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
        with ThreadPoolExecutor(2) as pool:
            hashes = list(pool.map(lambda row: pins.hash(row.id, PIN), rows))
        tx.execute(
            sa.text(
                "UPDATE member SET pin_hash = :hash, language = 'en', start_pin_nonce = NULL,"
                " start_pin_until = NULL WHERE id = :id"
            ),
            [{"id": row.id, "hash": each} for row, each in zip(rows, hashes, strict=True)],
        )
    return [row.msisdn for row in rows]


def _server(name: str, mark: str) -> psutil.Process:
    """The server of this kind whose command line has this: tests beside this one have others."""
    found = [
        one
        for one in psutil.Process(os.getpid()).children(recursive=True)
        if name in one.name() and any(mark in word for word in one.cmdline())
    ]
    assert len(found) == 1, f"{len(found)} processes named {name} with {mark}"
    return found[0]
