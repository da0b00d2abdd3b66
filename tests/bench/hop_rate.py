"""How many USSD hops a second the web server answers, beside the least that a Flask hop can be.

The hops are those of a member who looks and chooses, up to the screen that asks for her PIN: a
dial, a choice, an amount. The PIN's hash is apart: it costs what it must.
"""

import asyncio
import itertools
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlencode

import requests

from app.operations import invariants
from tests.bench import hops, machine
from tests.bench.figures import Run
from tests.bench.ground import Ground, ground
from tests.bench.targets import HELLO, HELLO_REDIS, HELLO_SELECT, HOP_P99_MS, HOPS_PER_S, US
from tests.support.stack import free_ports, wait_for

CONNECTIONS = 32
SECONDS = 4
WARM_UP_S = 1
WORKERS = 2
SESSION = ("", "1", "1*100")
HEAD_END = b"\r\n\r\n"

Bodies = Iterator[bytes]


@dataclass
class Seen:
    """What a load came to."""

    took_ms: list[float] = field(default_factory=list)
    wrong: int = 0
    """Answers that were no screen to go on from."""


def measure(found: Run, *, rounds: int, say: Callable[[str], None]) -> None:
    """Throughput of each in turn, then our latency at half of ours."""
    with ground(WEB_WORKERS=str(WORKERS)) as on:
        members = hops.members(on.stack, most=100)
        on.stack.start("web")
        ours = (on.stack.port, f"/ussd/{on.stack.settings.door_token('ussd')}")
        with (
            _reference(on, "hello") as hello,
            _reference(on, "hello_redis") as with_redis,
            _reference(on, "hello_select") as with_select,
        ):
            places = {
                US: ours,
                HELLO: (hello, "/hop"),
                HELLO_REDIS: (with_redis, "/hop"),
                HELLO_SELECT: (with_select, "/hop"),
            }
            for number in range(rounds):
                order = list(places.items())
                for who, (port, path) in order if number % 2 == 0 else order[::-1]:
                    asyncio.run(_closed(port, path, on, members.msisdns, WARM_UP_S))
                    seen = asyncio.run(_closed(port, path, on, members.msisdns, SECONDS))
                    per_s = len(seen.took_ms) / SECONDS
                    say(f"hops, round {number + 1} of {rounds}: {who}, {per_s:.0f}/s")
                    found.add(HOPS_PER_S, who, per_s, round=number)
                    _judge(found, who, seen)
            half = found.values(HOPS_PER_S, US)
            rate = sorted(half.values())[len(half) // 2] / 2
            seen = asyncio.run(_open(*ours, on, members.msisdns, rate))
            found.add(HOP_P99_MS, US, machine.percentile(sorted(seen.took_ms), 99))
            _judge(found, US, seen)
        with on.owner.transaction() as tx:
            found.faults += [one.name for one in invariants.run(tx) if not one.ok]


def _judge(found: Run, who: str, seen: Seen) -> None:
    if seen.wrong:
        found.faults.append(f"{who}: {seen.wrong} of {len(seen.took_ms)} answers were no screen")


@contextmanager
def _reference(on: Ground, name: str) -> Iterator[int]:
    port = free_ports(1)
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--no-log",
         "--host", "127.0.0.1", "--port", str(port), "--workers", str(WORKERS),
         "--blocking-threads", "1", f"tests.bench.references.hello:{name}"],
        env={
            "PATH": os.environ["PATH"],
            "REDIS_URL": on.stack.redis_url,
            "DATABASE_URL": on.stack.settings.database_url,
        },
    )  # fmt: skip
    try:
        wait_for(name, lambda: _answers(port))
        yield port
    finally:
        server.terminate()
        server.wait(10)


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=1).status_code > 0
    except requests.RequestException:
        return False


def _bodies(on: Ground, msisdns: list[str]) -> Bodies:
    """The forms of session after session."""
    code = on.stack.settings.ussd_service_codes[0]
    for msisdn in itertools.cycle(msisdns):
        session = f"ATUid_{secrets.token_hex(16)}"
        for text in SESSION:
            fields = {
                "sessionId": session,
                "phoneNumber": msisdn,
                "networkCode": "63902",
                "serviceCode": code,
                "text": text,
            }
            yield urlencode(fields).encode()


class _Caller:
    """One connection, kept open."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
        ).encode()

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def post(self, body: bytes, seen: Seen, due: float | None = None) -> None:
        began = due if due is not None else time.monotonic()
        self._writer.write(self._head + str(len(body)).encode() + HEAD_END + body)
        head = (await self._reader.readuntil(HEAD_END)).lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n", 1)[0])
        answer = await self._reader.readexactly(length)
        seen.took_ms.append((time.monotonic() - began) * 1000)
        if not answer.startswith(b"CON "):
            seen.wrong += 1


async def _closed(port: int, path: str, on: Ground, msisdns: list[str], seconds: float) -> Seen:
    """Every connection sends its next hop when the last one is answered."""
    seen, until = Seen(), time.monotonic() + seconds

    async def call(n: int) -> None:
        bodies = _bodies(on, msisdns[n::CONNECTIONS])
        async with _Caller(port, path) as caller:
            while time.monotonic() < until:
                await caller.post(next(bodies), seen)

    await asyncio.gather(*(call(n) for n in range(CONNECTIONS)))
    return seen


async def _open(port: int, path: str, on: Ground, msisdns: list[str], rate: float) -> Seen:
    """Hops are due at fixed moments, and timed from then, whether or not others are answered."""
    seen, began = Seen(), time.monotonic() + 0.1

    async def call(n: int) -> None:
        bodies = _bodies(on, msisdns[n::CONNECTIONS])
        async with _Caller(port, path) as caller:
            for hop in range(n, int(rate * SECONDS), CONNECTIONS):
                due = began + hop / rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await caller.post(next(bodies), seen, due)

    await asyncio.gather(*(call(n) for n in range(CONNECTIONS)))
    return seen
