"""One run: load, faults, quiet, verdict."""

import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from app.db import DatabaseAway
from tests.chaos import backlog, failpoints, judge
from tests.chaos.faults import FAULTS, TRANSIENT, Fault, Plan, be_slow, deny_at_first
from tests.chaos.judge import Verdict
from tests.chaos.load import ENDINGS, REFUSED_ONLY, TELLING, Load
from tests.chaos.reader import reading
from tests.chaos.world import OURS, World, world
from tests.chaos.wrong_rules import commands

PROGRESS_S = 10


@dataclass(frozen=True)
class Plans:
    """What a run is to be. The same plans make the same choices."""

    payouts: int = 500
    seed: int = 1
    members: int = 120
    threads: int = 6
    fault_every_s: float = 4.0
    """On average; 0 means no faults but M-PESA's own."""
    endings: Sequence[tuple[int, str, str]] = ENDINGS
    per_mille: float = 0
    """Of all commits, calls and bells of Baraza's, how many fail in the process itself."""
    refuses_everything: bool = False
    per_s_max: float | None = None
    arrivals: int = 0
    """So many more come without dialling, `per_s_max` a second: more than phones can dial."""
    late_s: float = 0
    """How long M-PESA is at work on each payout: many are then in flight at once."""
    kills_everything: bool = False
    """At the end, with all in flight: kill -9, PostgreSQL's immediate stop, Redis emptied."""
    backlog: int = 0
    """So many withdrawals wait when the workers start, and all is killed in the midst of them."""
    settings: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, list[str]] = field(default_factory=dict)
    """Other commands for Baraza's processes, by name: for rules that are wrong on purpose."""
    faults: Sequence[Fault] = FAULTS
    drain_s_max: float = 180
    """How long to wait, once all is quiet, for what has not ended."""

    @property
    def everything_set(self) -> dict[str, str]:
        """The settings of the run. Who is slow is not asked all the time."""
        if not self.late_s:
            return dict(self.settings)
        asks = ",".join(f"{self.late_s + more:.0f}" for more in (5, 15, 30))
        return {"PAYOUT_ASK_AFTER_S": asks, "PAYOUT_NOTICE_AFTER_S": "3600", **self.settings}

    @property
    def replay(self) -> str:
        """The command that runs the same again."""
        words = [f"--payouts {self.payouts} --seed {self.seed} --members {self.members}"]
        words += [f"--every {self.fault_every_s:g}", f"--threads {self.threads}"]
        words += [f"--late {self.late_s:g}"] if self.late_s else []
        words += [f"--failpoints {self.per_mille:g}"]
        words += [f"--backlog {self.backlog}"] * bool(self.backlog)
        words += [f"--arrivals {self.arrivals}"] * bool(self.arrivals)
        words += [f"--per-second {self.per_s_max:g}"] if self.per_s_max else []
        words += ["--refusals"] * self.refuses_everything + ["--everything"] * self.kills_everything
        return f"make chaos ARGS='{' '.join(words)}'"


def telling(rule: str | None) -> Plans:
    """A run that passes with the rules as they are, and fails soon with any of them broken."""
    return Plans(
        payouts=30,
        members=30,
        fault_every_s=0,
        endings=TELLING,
        commands=commands(rule),
        drain_s_max=20,
    )


@dataclass(frozen=True)
class Report:
    """What a run saw."""

    plans: Plans
    seconds: float
    taken: dict[str, int]
    lost_signals: int
    faults: dict[str, int]
    faults_missed: dict[str, int]
    failpoints: dict[str, int]
    """How often each was struck, by what happened and where."""
    slowest_recovery: tuple[float, str]
    carried_on_after_s: float | None
    """From the restart after everything was killed to the next payout that ended."""
    in_flight_when_killed: int
    snapshots: int
    verdict: Verdict
    stories: list[str]
    """Of payouts that a violation names."""

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, made or paid twice."""
        return not self.verdict.violations


def run(plans: Plans) -> Report:
    """Run it on servers of its own; everything is stopped at the end."""
    began = time.monotonic()
    with world(
        seed=plans.seed,
        members=plans.members,
        commands={**failpoints.commands(), **plans.commands} if plans.per_mille else plans.commands,
        per_mille=plans.per_mille,
        **plans.everything_set,
    ) as everything:
        plan = Plan(random.Random(plans.seed), plans.faults)
        deny_at_first(everything)
        if plans.late_s:
            be_slow(everything, plans.late_s)
        endings = REFUSED_ONLY if plans.refuses_everything else plans.endings
        load = Load(
            everything.stack,
            everything.phones,
            wanted=plans.payouts,
            seed=plans.seed,
            threads=plans.threads,
            endings=endings,
            per_s_max=plans.per_s_max,
        )
        in_flight, carried_on = 0, None
        with reading(everything.stack.logins.owner) as reader:
            with load.dialling():
                _trouble(everything, plan, load, plans)
            if plans.arrivals:
                assert plans.per_s_max, "arrivals need a rate"
                load.taken.update(
                    backlog.arrive(
                        everything,
                        plans.arrivals,
                        per_s=plans.per_s_max,
                        endings=endings,
                        seed=plans.seed,
                    )
                )
            if plans.backlog:
                load.taken.update(backlog.fill(everything, plans.backlog, seed=plans.seed))
                _under_way(everything, plans.drain_s_max)
            if plans.kills_everything or plans.backlog:
                in_flight, carried_on = _kill_everything(everything, plans.drain_s_max)
            _quiet(everything, plans.drain_s_max)
        verdict = judge.judge(everything)
        verdict.violations.extend(reader.violations)
        if load.is_short:
            verdict.violations.append(f"{load.is_short} withdrawals could not be taken in: stalled")
        return Report(
            plans=plans,
            seconds=time.monotonic() - began,
            taken=dict(load.kinds()),
            lost_signals=load.lost_signals,
            faults=dict(plan.counted),
            faults_missed=dict(plan.missed),
            failpoints=everything.failpoints(),
            slowest_recovery=judge.slowest_recovery(everything, plan.at),
            carried_on_after_s=carried_on,
            in_flight_when_killed=in_flight,
            snapshots=reader.snapshots,
            verdict=verdict,
            stories=judge.stories(everything, verdict.violations),
        )


def _trouble(everything: World, plan: Plan, load: Load, plans: Plans) -> None:
    due = shown = time.monotonic()
    while not load.done:
        time.sleep(0.1)
        if time.monotonic() >= shown + PROGRESS_S:
            shown = time.monotonic()
            print(  # noqa: T201 - for whoever waits
                f"{time.strftime('%T')} {len(load.taken)} of {plans.payouts} taken in,"
                f" {sum(plan.counted.values())} faults",
                file=sys.stderr,
                flush=True,
            )
        everything.tend()
        if plans.fault_every_s and time.monotonic() >= due:
            plan.strike(everything)
            due = time.monotonic() + everything.chance.uniform(0.5, 1.5) * plans.fault_every_s


def _under_way(everything: World, wait_s_max: float) -> None:
    """Wait until the workers are in the midst of it: some have ended, some are with M-PESA."""
    until = time.monotonic() + wait_s_max
    found = "SELECT count(*) FILTER (WHERE state = :state) FROM payout"
    while time.monotonic() < until:
        with everything.owner.transaction() as tx:
            ended = tx.scalar(sa.text(found), {"state": "paid"}) or 0
            sent = tx.scalar(sa.text(found), {"state": "submitted"}) or 0
        if ended and sent:
            return
        time.sleep(0.1)
    raise AssertionError("nothing of the backlog was ever paid")


def _kill_everything(everything: World, wait_s_max: float) -> tuple[int, float]:
    """Kill all with payouts in flight. How many there were, and how soon work went on."""
    with everything.owner.transaction() as tx:
        in_flight = len(judge.open_payouts(tx))
    everything.kill_everything()
    time.sleep(1)
    everything.revive_servers()
    restarted = time.time()
    everything.stack.start(*OURS)
    while True:
        after = judge.first_move_after(everything, restarted)
        if after:
            return in_flight, after
        assert time.time() < restarted + wait_s_max, "work does not go on"
        time.sleep(0.2)


def _quiet(everything: World, wait_s_max: float) -> None:
    """No more faults: wait until all that can end has ended."""
    everything.servers.revive()
    until = time.monotonic() + wait_s_max
    while time.monotonic() < until:
        everything.tend()
        try:
            with everything.owner.transaction() as tx:
                left = judge.open_payouts(tx)
            if judge.only_people_can_end(everything, left) and _texts_are_out(everything):
                return
        except (DatabaseAway, *TRANSIENT):
            pass
        time.sleep(0.5)


def _texts_are_out(everything: World) -> bool:
    with everything.owner.transaction() as tx:
        waiting = "SELECT count(*) FROM message WHERE state IN ('queued', 'sending')"
        return bool(tx.scalar(sa.text(waiting)) == 0)
