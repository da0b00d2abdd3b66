"""Baraza's real processes, against the sandbox's real processes, on ports of their own.

Everything that a test may kill is a process that this module started and remembers.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psutil
import requests

from app import config
from app.commands.handset import Handset, SandboxNetwork
from app.config import Settings
from tests.support.databases import Logins

BARAZA = str(Path(sys.executable).parent / "baraza")
READY_S_MAX = 30
SHORT_DEADLINES = {
    "DARAJA_READ_TIMEOUT_S": "1.5",
    "DARAJA_CALLS_PER_S_MAX": "1000",
    "PAYOUT_RESEND_AFTER_S": "2,4,6",
    "PAYOUT_ASK_AFTER_S": "3,5,7,9,12,15,20,25,30",
    "PAYOUT_DOUBT_AFTER_S": "4",
    "PAYOUT_NOTICE_AFTER_S": "30",
}
"""So that minutes of silence pass in seconds. They are ordinary settings."""
CANARIES = {
    "PIN_PEPPER": "canary-pepper-0123456789abcdef0123456789",
    "SECRET_KEY": "canary-secret-0123456789abcdef0123456789",
    "CALLBACK_SECRETS": "canary-doors-0123456789abcdef0123456789",
}
"""Secrets that a test can look for wherever they must not be."""
Found = TypeVar("Found")


def free_ports(count: int = 3) -> int:
    """The first of several free ports in a row."""
    for _ in range(50):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = int(probe.getsockname()[1])
        sockets = [socket.socket() for _ in range(count)]
        try:
            for offset, one in enumerate(sockets):
                one.bind(("127.0.0.1", first + offset))
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
        return first
    raise AssertionError("no free ports in a row")


def wait_for(what: str, look: Callable[[], Found], *, seconds: float = 20) -> Found:
    """The first true thing that `look` returns.

    Raises:
        AssertionError: nothing came in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)


@dataclass
class Stack:
    """Running processes by name, and how to reach them."""

    folder: Path
    logins: Logins
    redis_url: str
    port: int = field(default_factory=free_ports)
    extra: dict[str, str] = field(default_factory=dict)
    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Other commands than `baraza NAME`, by name."""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What every process is started with: nothing of the tests' own environment but PATH."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "DATABASE_URL": self.logins.application,
            "DATABASE_OWNER_URL": self.logins.owner,
            "REDIS_URL": self.redis_url,
            "BARAZA_VAR": str(self.folder),
            "PORT": str(self.port),
            **SHORT_DEADLINES,
            **CANARIES,
            **self.extra,
        }

    @property
    def settings(self) -> Settings:
        """The same as an object."""
        return config.load(self.environment)

    @property
    def safaricom(self) -> str:
        """The base of M-PESA's stand-in."""
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def africastalking(self) -> str:
        """The base of the gateway's stand-in."""
        return f"http://127.0.0.1:{self.port + 2}"

    def start(self, *names: str) -> None:
        """Start processes: safaricom, africastalking, web, worker, clock."""
        from app.commands.processes import sandbox_commands

        stand_ins = dict(
            zip(("safaricom", "africastalking"), sandbox_commands(self.settings), strict=True)
        )
        health = {
            "safaricom": f"{self.safaricom}/health",
            "africastalking": f"{self.africastalking}/health",
            "web": f"http://127.0.0.1:{self.port}/health/ready",
        }
        for name in names:
            command = stand_ins.get(name) or self.commands.get(name) or [BARAZA, name]
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    command, env=self.environment, stdout=log, stderr=log
                )
        for name in names:
            if name in health:
                ready = partial(_answers, health[name])
                wait_for(f"{name} ready", ready, seconds=READY_S_MAX)

    def start_all(self) -> None:
        """Start everything."""
        self.start("safaricom", "africastalking", "web", "worker", "clock")

    def kill(self, name: str) -> None:
        """SIGKILL a process and all that it has started."""
        process = self.processes.pop(name)
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        for child in family:
            try:
                child.kill()
                child.wait(5)
            except psutil.NoSuchProcess:
                continue

    def stop(self, name: str) -> int:
        """SIGTERM a process. Returns its exit code."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(15)

    def stop_all(self) -> None:
        """Stop what still runs, last started first."""
        for name in reversed(list(self.processes)):
            if self.processes[name].poll() is None:
                self.stop(name)

    def logs(self) -> str:
        """Everything that all processes have written."""
        return "\n".join(path.read_text("utf-8", "replace") for path in self.folder.glob("*.log"))

    def phone(self, number: str) -> Handset:
        """A phone with this number, on the sandbox's network."""
        code = self.settings.ussd_service_codes[0]
        return Handset(SandboxNetwork(self.africastalking), number, code)

    def withdraw(self, phone: str, shillings: int, pin: str = "4071") -> str:
        """Dial a whole withdrawal; its reference."""
        last = self.phone(phone).dial().reply("1", str(shillings), pin).body
        words = [word for word in last.replace(".", " ").split() if word.startswith("BRZ")]
        assert words, f"no reference on the last screen: {last!r}"
        return words[0]

    def paid(self) -> dict[str, Any]:
        """M-PESA's own record of what it paid."""
        return dict(requests.get(f"{self.safaricom}/truth/paid", timeout=5).json())

    def fault(
        self, match: dict[str, Any], do: str, *, times: int | None = 1, **parameters: Any
    ) -> None:
        """Make the next matching requests to M-PESA go wrong; None: all from now on."""
        requests.post(
            f"{self.safaricom}/faults",
            json={"match": match, "do": do, "times": times, **parameters},
            timeout=5,
        ).raise_for_status()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False


@contextmanager
def stack(folder: Path, logins: Logins, redis_url: str, **extra: str) -> Iterator[Stack]:
    """A stack with nothing started; whatever is started is stopped at the end."""
    made = Stack(folder, logins, redis_url, extra=extra)
    try:
        yield made
    finally:
        made.stop_all()
