"""Hops at a steady rate, with everything running: how long members wait for a screen."""

import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import sqlalchemy as sa

from app import embedded
from app.db import Database
from app.members import demo
from app.members.pins import Pins
from app.migrations import migrate
from app.operations import invariants
from tests.bench import calibrate
from tests.bench.journeys import Members
from tests.bench.load import Load
from tests.support.databases import Logins
from tests.support.stack import Stack, stack

PIN, WRONG_PIN = "4071", "9135"
WARM_UP_S = 3


@dataclass(frozen=True)
class Found:
    """One run. Times are milliseconds."""

    rate_wanted: float
    rate_reached: float
    hops: int
    no_screen: int
    """Answers that were no screen, or none at all."""
    p50: float
    p95: float
    p99: float
    worst: float
    screens: dict[str, tuple[int, float, float]]
    """Hops, median and p99, by the screen that they led to."""
    payouts: int
    broken_rules: list[str]
    cores: int
    load_before: float
    pin_hash_ms: float
    """The same hash on this machine with nothing else running: most of a hop with a PIN."""
    echo_ms: float
    """One request and answer between two threads over loopback: what the machine adds by itself."""
    web_workers: int
    cpu_ms: dict[str, float]
    """Processor time for each hop, by process: what the machine was busy with."""

    @property
    def is_sound(self) -> bool:
        """Whether the figures may be believed: every answer a screen, every rule kept."""
        return self.no_screen == 0 and not self.broken_rules


def measure(*, rate: float, seconds: float, web_workers: int) -> Found:
    """As `run`, on servers of its own that keep what they commit, as in earnest."""
    with tempfile.TemporaryDirectory(prefix="baraza-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        servers = embedded.start(folder / "var")
        try:
            logins = Logins(servers.database_url, servers.database_url_owner)
            migrate(logins.owner)
            return run(
                folder,
                logins,
                servers.redis_url,
                rate=rate,
                seconds=seconds,
                web_workers=web_workers,
            )
        finally:
            servers.stop()


def run(
    folder: Path,
    logins: Logins,
    redis_url: str,
    *,
    rate: float,
    seconds: float,
    web_workers: int,
    warm_up_s: float = WARM_UP_S,
    callers: int = demo.MEMBERS,
) -> Found:
    """Start everything on an empty database, send hops, audit, stop everything.

    Args:
        folder: For logs and the sandbox's state.
        logins: An empty, migrated database.
        redis_url: An empty Redis database.
        rate: Hops a second.
        seconds: How long they are timed.
        web_workers: Web server processes.
        warm_up_s: How long hops are sent before that.
        callers: How many of the demo's members dial, at most; each has a PIN to be hashed first.
    """
    load_before = psutil.getloadavg()[0]
    pin_hash_ms, echo_ms = calibrate.pin_hash_ms(), calibrate.echo_ms()
    with stack(folder, logins, redis_url, WEB_WORKERS=str(web_workers)) as everything:
        people = members(everything, most=callers)
        everything.start_all()
        with closing(Load(everything.settings, people, rate=rate)) as warm_up:
            warm_up.run(warm_up_s)
        before = _cpu_s(everything)
        with closing(Load(everything.settings, people, rate=rate)) as load:
            took_s = load.run(seconds)
        spent = {name: after - before.get(name, 0) for name, after in _cpu_s(everything).items()}
        broken, payouts = _audit(everything)
    times = sorted(one for many in load.timed.by_screen.values() for one in many)
    return Found(
        rate_wanted=rate,
        rate_reached=len(times) / took_s,
        hops=len(times),
        no_screen=load.timed.no_screen,
        p50=_percentile(times, 50),
        p95=_percentile(times, 95),
        p99=_percentile(times, 99),
        worst=max(times, default=0),
        screens={
            screen: (len(many), statistics.median(many), _percentile(sorted(many), 99))
            for screen, many in sorted(load.timed.by_screen.items())
        },
        payouts=payouts,
        broken_rules=broken,
        cores=psutil.cpu_count() or 1,
        load_before=load_before,
        pin_hash_ms=pin_hash_ms,
        echo_ms=echo_ms,
        web_workers=web_workers,
        cpu_ms={name: s * 1000 / max(1, len(times)) for name, s in spent.items()},
    )


def table(found: Found) -> str:
    """The figures for people."""
    lines = [
        (
            f"{found.hops} hops at {found.rate_reached:.1f}/s (wanted {found.rate_wanted:g}/s),"
            f" {found.payouts} withdrawals, {found.web_workers} web workers, {found.cores} cores"
        ),
        (
            f"p50 {found.p50:.1f} ms   p95 {found.p95:.1f} ms   p99 {found.p99:.1f} ms"
            f"   worst {found.worst:.1f} ms"
        ),
        (
            f"this machine before: load {found.load_before:.2f}, one PIN hash"
            f" {found.pin_hash_ms:.1f} ms, one loopback echo {found.echo_ms:.2f} ms"
        ),
        "processor per hop: "
        + ", ".join(f"{name} {ms:.1f} ms" for name, ms in sorted(found.cpu_ms.items())),
        "",
        f"{'screen':24} {'hops':>6} {'p50':>8} {'p99':>8}",
    ]
    lines += [
        f"{screen:24} {count:6} {p50:8.1f} {p99:8.1f}"
        for screen, (count, p50, p99) in found.screens.items()
    ]
    lines += ["", f"answers that were no screen: {found.no_screen}"]
    lines += [f"BROKEN: {rule}" for rule in found.broken_rules] or ["audit: every rule holds"]
    return "\n".join(lines)


def members(everything: Stack, *, most: int) -> Members:
    """Some of the demo's members who may withdraw, all with one PIN and enough savings."""
    pins = Pins(everything.settings.pin_pepper.get_secret_value())
    db = Database(everything.logins.owner, role=None, name="bench")
    with db.transaction() as tx:
        demo.seed(tx, pins, production=False)
        rows = tx.execute(
            sa.text(
                "SELECT id, msisdn FROM member WHERE status = 'active' AND mandate = 'sole'"
                " ORDER BY id LIMIT :most"
            ),
            {"most": most},
        ).all()
        with ThreadPoolExecutor(4) as pool:
            hashes = list(pool.map(lambda row: pins.hash(row.id, PIN), rows))
        tx.execute(
            sa.text(
                "UPDATE member SET pin_hash = :hash, language = 'en', start_pin_nonce = NULL,"
                " start_pin_until = NULL WHERE id = :id"
            ),
            [{"id": row.id, "hash": each} for row, each in zip(rows, hashes, strict=True)],
        )
    db.close()
    return Members([row.msisdn for row in rows], pin=PIN, wrong=WRONG_PIN)


def _cpu_s(everything: Stack) -> dict[str, float]:
    """Seconds of processor that each process of the run has used so far."""
    spent: dict[str, float] = {"bench": sum(psutil.Process().cpu_times()[:2])}
    family = {name: psutil.Process(p.pid) for name, p in everything.processes.items()}
    for name, parent in family.items():
        for process in (parent, *parent.children(recursive=True)):
            spent[name] = spent.get(name, 0) + sum(process.cpu_times()[:2])
    mine = {process.pid for parent in family.values() for process in parent.children(True)}
    for process in psutil.Process().children(recursive=True):
        name = process.name()
        if process.pid not in mine and process.pid not in {p.pid for p in family.values()}:
            spent[name] = spent.get(name, 0) + sum(process.cpu_times()[:2])
    return spent


def _audit(everything: Stack) -> tuple[list[str], int]:
    """The rules that do not hold, and how many withdrawals there were."""
    db = Database(everything.logins.application, name="bench")
    with db.transaction() as tx:
        broken = [one.name for one in invariants.run(tx) if not one.ok]
        payouts = tx.scalar(sa.text("SELECT count(*) FROM payout")) or 0
    db.close()
    return broken, payouts


def _percentile(ordered: list[float], percent: int) -> float:
    """The smallest value that so many percent do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0
