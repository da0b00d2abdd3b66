"""A total kill with thousands in flight: how long until all of them are settled."""

import time
from dataclasses import dataclass

import sqlalchemy as sa

from app.db import DatabaseAway
from tests.bench import backlog, saga_rate
from tests.bench.ground import Ground, ground
from tests.chaos.world import stop_postgres_in

OURS = ("web", "worker")
SETTLED_S_MAX = 600
LOOK_S = 0.5
UNDER_WAY_S = 1.5
"""The workers run for so long before the kill, so that calls are on the wire when it comes."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What came after."""

    seconds: float
    """From the kill to the last payout settled and told."""
    at_s: list[float]
    settled: list[float]
    faults: list[str]


def measure(in_flight: int) -> Recovered:
    """Take in so many, begin, kill all of it, empty Redis, start anew, wait."""
    with ground() as on:
        whose = backlog.people(on.owner, in_flight)
        began = on.scalar("SELECT clock_timestamp()")
        backlog.fill(on.owner, whose)
        on.stack.start(*OURS)
        time.sleep(UNDER_WAY_S)
        killed = time.monotonic()
        for name in OURS:
            on.stack.kill(name)
        on.redis().flushall()
        stop_postgres_in(str(on.stack.folder))
        on.owner.close()
        on.servers.revive()
        on.stack.start(*OURS)
        at_s, settled = _watch(on, killed, in_flight)
        saga_rate.wait(on, began)
        seconds = time.monotonic() - killed
        on.stack.stop("worker")
        return Recovered(seconds, at_s, settled, saga_rate.judged(on, in_flight, began))


def _watch(on: Ground, killed: float, in_flight: int) -> tuple[list[float], list[float]]:
    at_s, settled = [], []
    while not settled or settled[-1] < in_flight:
        passed = time.monotonic() - killed
        assert passed < SETTLED_S_MAX, f"{settled[-1:]} of {in_flight} after {passed:.0f} s"
        try:
            with on.owner.transaction() as tx:
                done = tx.scalar(sa.text("SELECT count(*) FROM payout WHERE state = 'paid'"))
        except DatabaseAway:
            done = settled[-1] if settled else 0
        at_s.append(round(passed, 2))
        settled.append(float(done or 0))
        time.sleep(LOOK_S)
    return at_s, settled
