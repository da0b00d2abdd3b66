"""`baraza up` and `baraza demo` as a newcomer runs them, on servers of their own."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import requests

from tests.support.folders import passable_folder
from tests.support.stack import BARAZA, free_ports, wait_for

PHONE = "+254712345678"
MEMORY_MB_MAX = 450


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """An empty environment, but for PATH, a folder and a port."""
    with passable_folder() as folder:
        yield {
            "PATH": os.environ["PATH"],
            "BARAZA_VAR": str(folder / "var"),
            "PORT": str(free_ports()),
        }


def baraza(environment: dict[str, str], *arguments: str, code: int = 0) -> str:
    """Run a command to its end; what it printed."""
    done = subprocess.run(
        [BARAZA, *arguments],
        env=environment, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@contextmanager
def up(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`baraza up`, once it is ready. Nothing of it is left at the end, however that came."""
    log = Path(environment["BARAZA_VAR"] + ".log")
    with log.open("ab") as out:
        process = subprocess.Popen([BARAZA, "up"], env=environment, stdout=out, stderr=out)

    def ready() -> bool:
        assert process.poll() is None, log.read_text("utf-8")
        return "Ctrl-C stops everything" in log.read_text("utf-8")

    try:
        wait_for("baraza up is ready", ready, seconds=60)
        log.write_text("", "utf-8")
        yield process
    finally:
        if process.poll() is None:
            kill_all(process)


def family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The process and all that it started. PostgreSQL's own children come and go at any time."""
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


def weight_mb(process: subprocess.Popen[bytes]) -> float:
    """What the process and all that it started weigh, shared pages counted once."""
    weight = 0
    for one in family(process):
        with suppress(psutil.NoSuchProcess):
            weight += one.memory_full_info().pss
    return weight / 1e6


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for the process and all that it started."""
    everything = family(process)
    for one in everything:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait()
    psutil.wait_procs(everything, timeout=10)


def withdraw(environment: dict[str, str]) -> str:
    replies = [word for reply in ("1", "1500", "4071") for word in ("--reply", reply)]
    return baraza(environment, "dial", PHONE, *replies)


def test_up_dial_kill_everything_and_carry_on(environment: dict[str, str]) -> None:
    """The newcomer's way, small enough at rest; then kill -9 of every process, and again."""
    with up(environment) as process:
        said = withdraw(environment)
        assert "KES 1,500.00 sent to M-PESA" in said
        baraza(environment, "audit")
        assert weight_mb(process) < MEMORY_MB_MAX
        kill_all(process)

    with up(environment) as process:
        shown = json.loads(baraza(environment, "payouts", "list", "--json"))
        assert [one["state"] for one in shown] == ["paid"]
        assert "KES 1,500.00 sent to M-PESA" in withdraw(environment)

        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{environment['PORT']}/health/live", timeout=1)


def test_demo_starts_what_it_needs_and_proves_the_story(environment: dict[str, str]) -> None:
    """One paid, one refused, one silent-then-paid, with green invariants, on an empty machine."""
    told = json.loads(baraza(environment, "demo", "--json"))
    assert [payout["state"] for payout in told["payouts"]] == ["paid", "reversed", "paid"]
    assert all(payout["sms"] for payout in told["payouts"])
    assert all(finding["ok"] for finding in told["audit"])
    assert told["trial_balance_cents"] == 0


def test_a_taken_port_is_said_with_the_cure(environment: dict[str, str]) -> None:
    """Another program on PORT: exit 2 and the name of the setting."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environment["PORT"])))
        taken.listen()
        done = subprocess.run(
            [BARAZA, "up"], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    assert "PORT" in done.stderr


def test_wrong_settings_are_told_all_at_once() -> None:
    """Exit 2, each fault by its setting's name."""
    done = subprocess.run(
        [BARAZA, "web"],
        env={"PATH": os.environ["PATH"], "PORT": "x", "REDIS_URL": "nonsense"},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "PORT: " in done.stderr
    assert "REDIS_URL: " in done.stderr
