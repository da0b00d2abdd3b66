"""One seed, from the first withdrawal to the last doubt."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from app.doorbell import Step
from tests.simulation import judge
from tests.simulation.ground import Ground
from tests.simulation.world import World, opened

ACTS = 160
"""Things that happen before all faults are over."""
STEPS = (Step.DEBIT, Step.PAY, Step.RESOLVE, Step.ASK)
DRAIN_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, *(3600,) * 6, 6 * 3600, 12 * 3600, 24 * 3600)
"""The waits between looks once all faults are over: two days together."""

ROUNDS = 3
"""Between two waits: what was rung for, what that leads to, and what comes of it."""


@dataclass(frozen=True)
class Run:
    """What came of one seed."""

    seed: int
    violations: tuple[str, ...]
    states: Counter[str]
    crashes: int

    @property
    def replay(self) -> str:
        """How to see it again."""
        return f"python -m tests.simulation --seed {self.seed} --trace"


def run(
    ground: Ground, folder: Path, seed: int, tell: Callable[[str], None], *, acts: int = ACTS
) -> Run:
    """Play one seed. It ends at the first violation."""
    with opened(ground, folder, seed, tell) as world:
        found = _play(world, acts) or _drain(world) or list(judge.at_the_end(world))
        for one in found:
            world.tell(f"VIOLATION: {one}")
        with world.look.transaction() as tx:
            rows = tx.execute(
                sa.text("SELECT CASE WHEN frozen THEN 'frozen' ELSE state END FROM payout")
            )
            states = Counter(str(row[0]) for row in rows)
        return Run(seed, tuple(found), states, world.crashes)


def _play(world: World, acts: int) -> list[str]:
    world.interrupt = lambda: _act(world)
    for _ in range(acts):
        _act(world)
        found = list(judge.at_any_moment(world))
        if found:
            return found
    return []


def _act(world: World) -> None:
    """One thing happens, by the seed's choice."""
    chance = world.chance
    world.clock.pass_s(chance.uniform(0.01, 0.1))
    acts: dict[Callable[[], None], int] = {
        lambda: _somebody_works(world): 55,
        world.request: 9,
        lambda: _time_passes(world): 26,
        world.mpesa.work: 8,
        world.deliver: 10,
        world.tick: 6,
        lambda: world.tick(sleeping=True): 1,
        world.take_back: 3,
        world.mpesa.forge: 3,
        lambda: _token_ends(world): 1,
        lambda: _float_runs_out(world): 1,
        world.close_breaker: 3,
    }
    [act] = chance.choices(list(acts), list(acts.values()))
    act()


def _somebody_works(world: World) -> None:
    rung = [step for step in STEPS if step in world.bells.rung]
    # A step may be rung for nothing, and a bell may not be heard for a while.
    heard = rung if rung and world.chance.random() < 0.9 else STEPS
    world.work(world.chance.randrange(len(world.workers)), world.chance.choice(heard))


def _time_passes(world: World) -> None:
    """Seconds, mostly. While a worker is at work no more than its claim bears."""
    if world.is_at_work:
        world.clock.pass_s(world.chance.uniform(0.1, 1))
        return
    spans = {(0.5, 6): 12, (4, 20): 9, (20, 90): 4, (90, 400): 2, (1000, 9000): 1}
    [(low, high)] = world.chance.choices(list(spans), list(spans.values()))
    world.clock.pass_s(world.chance.uniform(low, high))
    world.tick(sleeping=world.chance.random() < 0.1)


def _token_ends(world: World) -> None:
    world.mpesa.token += 1
    world.tell("all access tokens end")


def _float_runs_out(world: World) -> None:
    world.mpesa.float_cents = 500_00
    world.tell("the float is nearly empty")


def _drain(world: World) -> list[str]:
    """All faults are over. Whatever can end does."""
    world.mpesa.kind = True
    world.tell("all faults are over")
    for seconds in DRAIN_S:
        world.clock.pass_s(seconds)
        world.close_breaker()
        for _ in range(ROUNDS):
            world.mpesa.work()
            world.deliver()
            world.tick()
            for step in (one for one in STEPS if one in world.bells.rung):
                world.clock.pass_s(0.5)
                world.work(0, step)
        found = list(judge.at_any_moment(world))
        if found:
            return found
    return []
