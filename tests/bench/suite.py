"""The whole bench: every contender in turn, round by round, on one machine and one PostgreSQL."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from tests.bench import (
    backlog,
    hop_rate,
    latency,
    machine,
    memory,
    peers,
    recovery,
    saga_rate,
    yardsticks,
)
from tests.bench.figures import YARDSTICK, Run, Series
from tests.bench.ground import Ground, ground
from tests.bench.targets import (
    BATCHED,
    COMMITS,
    IDLE_MB,
    NAIVE_FORKING,
    PAYOUTS_PER_S,
    POSTINGS_PER_S,
    RECOVERY_LIMIT_S,
    RECOVERY_S,
    RQ_IDLE,
    SINGLE,
    TPCB_PER_S,
    US,
    WIRE_P50_MS,
    WIRE_P99_MS,
)  # fmt: skip
from tests.support.databases import Logins
from tests.support.stack import free_ports

US_SLOW_ANSWERS = "Baraza, results after 300 ms"
RESULT_DELAY_MS = 300
ARRIVALS_PER_S = 10
TOGETHER = 5


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    rounds: int
    payouts: int
    """Of ours in each round."""
    peers_payouts: int
    """Of each peer in each round: they are slower, and their rate does not depend on it."""
    forking_payouts: int
    arrivals: int
    in_flight: int
    with_peers: bool = True


WHOLE = Size(3, 5_000, 600, 24, 200, 10_000)
SHORT = Size(1, 100, 0, 0, 10, 100, with_peers=False)
"""For the tests: everything once, in miniature."""


def begun() -> Run:
    """A run that has seen nothing yet."""
    return Run(machine=machine.described(), begun=datetime.now(UTC).isoformat(timespec="seconds"))


def run(size: Size, *, say: Callable[[str], None]) -> Run:
    """Measure everything. What went wrong is among the run's faults, not raised."""
    found = begun()
    with ground() as on:
        idle = memory.by_process(on)
        for name, mb in idle.items():
            found.add("memory, idle, MB", name, mb)
        found.add(IDLE_MB, US, sum(idle.values()))
        yardsticks.prepare(on.servers.database_url_owner)
        whose = backlog.people(on.owner, size.rounds * 2 * size.payouts + 8 * size.arrivals)
        for number in range(size.rounds):
            _round(on, found, size, number=number, whose=whose, say=say)
        _latency(on, found, size, whose[2 * size.rounds * size.payouts :], say)
    hop_rate.measure(found, rounds=size.rounds, say=say)
    say("a total kill with payouts in flight")
    _recovery(found, size)
    return found


def _round(
    on: Ground,
    found: Run,
    size: Size,
    *,
    number: int,
    whose: list[tuple[int, int]],
    say: Callable[[str], None],
) -> None:
    """Every contender once; in every other round the other way round."""
    first = 2 * number * size.payouts
    ours = whose[first : first + size.payouts]
    ours_slow = whose[first + size.payouts : first + 2 * size.payouts]
    steps: list[tuple[str, Callable[[], None]]] = [
        (US, lambda: _us(on, found, number, ours, delay_ms=0)),
        ("postings", lambda: _postings(on, found, number)),
        (US_SLOW_ANSWERS, lambda: _us(on, found, number, ours_slow, delay_ms=RESULT_DELAY_MS)),
    ]
    if size.with_peers:
        steps[1:1] = [(name, _peer(on, found, number, name, size)) for name in peers.PROGRAMS]
    if number % 2:
        steps.reverse()
    owner = on.servers.database_url_owner
    for name, step in steps:
        calibration = yardsticks.calibrate(owner, number)
        found.calibrations.append(calibration)
        found.add(TPCB_PER_S, YARDSTICK, calibration.tpcb_per_s, round=number)
        say(f"round {number + 1} of {size.rounds}: {name}; TPC-B {calibration.tpcb_per_s:.0f}/s")
        step()


def _us(
    on: Ground, found: Run, number: int, whose: list[tuple[int, int]], *, delay_ms: float
) -> None:
    rate = saga_rate.work_backlog(on, whose, delay_ms=delay_ms)
    who = US_SLOW_ANSWERS if delay_ms else US
    found.add(PAYOUTS_PER_S, who, rate.per_s, round=number)
    found.add(COMMITS, who, rate.saga_commits, round=number)
    for name, each in rate.per_payout.items():
        found.add(f"{name.replace('_', ' ')} per payout", who, each, round=number)
    if not delay_ms:
        for name, ms in rate.cpu_ms.items():
            found.add("processor ms per payout", name, ms, round=number)
        found.add("processor ms per payout, all", US, sum(rate.cpu_ms.values()), round=number)
    found.faults += rate.faults


def _peer(on: Ground, found: Run, number: int, name: str, size: Size) -> Callable[[], None]:
    def step() -> None:
        on.forget()
        payouts = size.forking_payouts if name == NAIVE_FORKING else size.peers_payouts
        try:
            seen = peers.run(
                name,
                database_url=on.servers.database_url_owner,
                redis_url=on.stack.redis_url,
                simulator=on.simulator,
                door_port=free_ports(1),
                payouts=payouts,
            )
        except (peers.PeerUnavailableError, peers.PeerFailedError) as gone:
            found.notes.append(f"{name}: {gone}")
            return
        found.add(PAYOUTS_PER_S, name, seen["payouts_per_s"], round=number)
        found.add(
            "processor ms per payout, all", name, seen["cpu_s"] * 1000 / payouts, round=number
        )
        found.add("writing commits per payout", name, seen["commits"] / payouts, round=number)

    return step


def _postings(on: Ground, found: Run, number: int) -> None:
    logins = Logins(on.servers.database_url, on.servers.database_url_owner)
    single, batched = yardsticks.postings_per_s(logins)
    found.add(POSTINGS_PER_S, SINGLE, single, round=number)
    found.add(POSTINGS_PER_S, BATCHED, batched, round=number)


def _latency(
    on: Ground,
    found: Run,
    size: Size,
    whose: list[tuple[int, int]],
    say: Callable[[str], None],
) -> None:
    """Idle, and while half of what we can do arrives."""
    say("from the confirmation to the wire")
    began = on.scalar("SELECT clock_timestamp()")
    on.forget()
    rq_ms = latency.rq_idle_ms(on)
    on.stack.start(*(name for name in ("web", "worker") if name not in on.stack.processes))
    time.sleep(2)
    rates = found.values(PAYOUTS_PER_S, US_SLOW_ANSWERS) or {0: float(ARRIVALS_PER_S)}
    half = max(ARRIVALS_PER_S, sorted(rates.values())[len(rates) // 2] / 2)
    idle, loaded = size.arrivals, 7 * size.arrivals
    calm_ms = latency.confirm_to_wire_ms(on, whose[:idle], per_s=ARRIVALS_PER_S)
    busy_ms = latency.confirm_to_wire_ms(
        on, whose[idle : idle + loaded], per_s=half, together=TOGETHER
    )
    found.add(WIRE_P50_MS, RQ_IDLE, machine.percentile(rq_ms, 50))
    found.add(WIRE_P50_MS, US, machine.percentile(calm_ms, 50))
    found.add(WIRE_P99_MS, US, machine.percentile(busy_ms, 99))
    what = "milliseconds from a confirmation to the request on the wire"
    found.series.append(Series(what, "RQ alone: enqueue to start", rq_ms))
    found.series.append(Series(what, f"idle, {ARRIVALS_PER_S} a second", calm_ms))
    found.series.append(Series(what, f"half of full load, {half:.0f} a second", busy_ms))
    saga_rate.wait(on, began)
    with on.owner.transaction() as tx:
        settled = tx.scalars(
            sa.text(
                "SELECT extract(epoch FROM e.at - i.received_at)::float * 1000 FROM inbox i"
                " JOIN payout_event e ON e.payout_id = i.payout_id AND e.to_state = 'paid'"
                " WHERE i.received_at >= :began"
            ),
            {"began": began},
        ).all()
    found.series.append(
        Series("milliseconds from M-PESA's result to a settled payout", US, sorted(settled))
    )
    found.add("result to settled, p50 ms", US, machine.percentile(sorted(settled), 50))
    on.stack.stop("worker")
    found.faults += saga_rate.judged(on, idle + loaded, began)


def _recovery(found: Run, size: Size) -> None:
    rates = sorted(found.values(PAYOUTS_PER_S, US).values())
    if not rates:
        return
    seen = recovery.measure(size.in_flight)
    steady = rates[len(rates) // 2]
    found.add(RECOVERY_S, US, seen.seconds)
    found.add(RECOVERY_S, RECOVERY_LIMIT_S, 10 + 1.5 * size.in_flight / steady)
    found.series.append(
        Series("payouts settled since the kill, by second", US, seen.settled, seen.at_s)
    )
    found.faults += seen.faults
