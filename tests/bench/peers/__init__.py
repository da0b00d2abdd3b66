"""What people would use instead of Baraza, doing the same work, in a venv of their own."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[3]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
RESTATE = (
    ROOT / "var/bench/node/node_modules/@restatedev/restate-server-linux-x64/bin/restate-server"
)
RUN_S_MAX = 2400
PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "naive saga, two SimpleWorkers": ("naive",),
    "naive saga, RQ's default worker": ("naive", "--forking"),
    "Celery": ("celery_peer",),
    "DBOS": ("dbos_peer",),
    "Restate": ("restate_peer",),
}
"""The programs in this folder, by the peer's name."""


class PeerUnavailableError(Exception):
    """It is not installed here; the text says what would help."""


class PeerFailedError(Exception):
    """It did not do the work."""


def run(
    name: str, *, database_url: str, redis_url: str, simulator: str, door_port: int, payouts: int
) -> dict[str, float]:
    """Let one peer do so many payouts, in a database of its own. Its figures.

    Raises:
        PeerUnavailableError: its libraries or its server are not here.
        PeerFailedError: something was lost, doubled or not done.
    """
    program, *options = PROGRAMS[name]
    if not PYTHON.exists():
        raise PeerUnavailableError("no .venv-peers: `make bench` makes it")
    if name == "Restate" and not RESTATE.exists():
        raise PeerUnavailableError("no server of Restate's: npm could not install it")
    url = _fresh_database(database_url, f"peer_{program}")
    command = [
        str(PYTHON), "-m", f"tests.bench.peers.{program}", *options,
        "--database-url", url, "--redis-url", redis_url, "--simulator", simulator,
        "--door", f"http://127.0.0.1:{door_port}", "--payouts", str(payouts),
    ]  # fmt: skip
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "RESTATE_SERVER": str(RESTATE),
    }
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, timeout=RUN_S_MAX, check=False
    )
    if done.returncode:
        raise PeerFailedError(f"{name}: {done.stderr.decode(errors='replace')[-1500:]}")
    found: dict[str, float] = json.loads(done.stdout.decode().strip().splitlines()[-1])
    return found


def _fresh_database(database_url: str, name: str) -> str:
    plain = database_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    return database_url.rsplit("/", 1)[0] + f"/{name}"
