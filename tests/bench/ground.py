"""Real servers that keep what they commit, and a simulator too light to be what is measured."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import redis
import requests
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from app import embedded
from app.db import Database
from app.embedded import Servers
from app.migrations import migrate
from tests.support.databases import Logins
from tests.support.folders import passable_folder
from tests.support.stack import BARAZA, Stack, free_ports, stack, wait_for

SETTINGS = {
    "DARAJA_READ_TIMEOUT_S": "25",
    "DARAJA_CALLS_PER_S_MAX": "1000",
    "DARAJA_CALLS_MAX": "64",
    "PAYOUT_RESEND_AFTER_S": "60,120",
    "PAYOUT_ASK_AFTER_S": "10,20,30,40,60,300",
    "PAYOUT_DOUBT_AFTER_S": "60",
    "PAYOUT_NOTICE_AFTER_S": "600",
    "AT_API_KEY": "bench",
    "SANDBOX": "off",
}
"""As in earnest, but for the rate that M-PESA allows."""


@dataclass
class Ground:
    """What runs, and how to look at it."""

    servers: Servers
    stack: Stack
    owner: Database
    simulator: str
    """The base address of M-PESA and the SMS gateway."""

    def truth(self) -> dict[str, Any]:
        """What the simulator paid and told."""
        return dict(requests.get(f"{self.simulator}/truth", timeout=10).json())

    def forget(self, *, delay_ms: float = 0) -> None:
        """Set the simulator's counters to zero."""
        requests.post(f"{self.simulator}/forget?delay_ms={delay_ms:g}", timeout=10)

    def scalar(self, query: str, **facts: Any) -> Any:
        """One value, by the owner's login."""
        with self.owner.transaction() as tx:
            return tx.scalar(sa.text(query), facts)

    def redis(self) -> "redis.Redis":
        """A connection of the bench's own."""
        return redis.Redis.from_url(self.stack.redis_url)

    def name_of(self, process: psutil.Process) -> str:
        """A part's name: Baraza's own processes by what they are for, servers by what they are.

        Raises:
            psutil.NoSuchProcess: it has ended meanwhile.
        """
        ours = {started.pid: name for name, started in self.stack.processes.items()}
        family = [process, *process.parents()]
        return _name(process, next((ours[one.pid] for one in family if one.pid in ours), None))

    def cpu_s(self) -> dict[str, float]:
        """Seconds of processor that each part has used so far, by the part's name."""
        spent: dict[str, float] = {}
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                name = self.name_of(process)
                used = process.cpu_times()
                # What its ended children used is in theirs: PostgreSQL's backends come and go.
                total = used.user + used.system + used.children_user + used.children_system
                spent[name] = spent.get(name, 0.0) + total
        return spent

    def counters(self) -> dict[str, float]:
        """What PostgreSQL and Redis have done so far."""
        with self.owner.transaction() as tx:
            row = tx.execute(
                sa.text(
                    "SELECT pg_current_xact_id()::text::bigint AS writing_commits,"
                    " pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS wal_bytes,"
                    " (SELECT sum(xact_commit) FROM pg_stat_database"
                    "  WHERE datname = current_database())::bigint AS all_transactions"
                )
            ).one()
        info = self.redis().info("stats")
        assert isinstance(info, Mapping)
        return {**row._mapping, "redis_commands": float(info["total_commands_processed"])}


def _name(process: psutil.Process, ours: str | None) -> str:
    """A part's name: Baraza's own processes by what they are for, servers by what they are."""
    line = " ".join(process.cmdline())
    if ours is not None:
        return f"worker {line.split(':')[2].split('-')[0]}" if line.startswith("rq:") else ours
    if "tests.bench.simulator" in line:
        return "simulator"
    return "PostgreSQL" if "postgres" in line else "Valkey" if "valkey" in line else "other"


@contextmanager
def ground(**settings: str) -> Iterator[Ground]:
    """Servers, an empty migrated database and the simulator; none of Baraza's processes yet."""
    with passable_folder(on_disk=True) as folder:
        servers = embedded.start(folder / "var")
        logins = Logins(servers.database_url, servers.database_url_owner)
        owner = Database(logins.owner, role=None, name="bench")
        port = free_ports(1)
        simulator = f"http://127.0.0.1:{port}"
        certificate = _certificate(folder)
        try:
            migrate(logins.owner)
            given = {
                **SETTINGS,
                "DARAJA_URL": simulator,
                "AT_URL": simulator,
                "DARAJA_CERTIFICATE": str(certificate),
                **settings,
            }
            with stack(folder, logins, servers.redis_url, **given) as everything:
                everything.commands = {
                    # As `baraza up` starts them: the clock shares the workers' pages.
                    "worker": [BARAZA, "worker", "--with-clock"],
                    "simulator": [
                        sys.executable, "-m", "tests.bench.simulator", "--port", str(port),
                    ]
                }  # fmt: skip
                everything.start("simulator")
                wait_for("the simulator", lambda: _answers(simulator))
                yield Ground(servers, everything, owner, simulator)
        finally:
            owner.close()
            servers.stop()


def _answers(simulator: str) -> bool:
    try:
        return requests.get(f"{simulator}/truth", timeout=1).ok
    except requests.RequestException:
        return False


def _certificate(folder: Path) -> Path:
    """A certificate to encrypt our password with, as Safaricom's is. Nobody has to read it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "safaricom.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    path.chmod(0o644)
    return path
