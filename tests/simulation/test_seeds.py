"""A fixed set of seeds, and proof that the simulation would notice a broken rule.

`make simulate` plays other seeds, for longer.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.ground import Ground, prepared
from tests.simulation.run import run
from tests.simulation.wrong_rules import RULES, broken
from tests.support.databases import Logins

SEEDS = (1, 2, 3)
NOTICED_BY = {
    "timeout_is_no": 100, "not_found_is_no": 106, "callback_is_enough": 111,
    "new_id_per_call": 101, "sync_refusal_is_enough": 107,
}  # fmt: skip
"""A seed that shows each broken rule soon. A change of the scheduler may shift it a little."""
TRIES = 12


@pytest.fixture(scope="module")
def ground(database_server: Logins) -> Iterator[Ground]:
    with prepared(database_server) as made:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simulation")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_loses_nothing(ground: Ground, folder: Path, seed: int) -> None:
    """Whatever dies, repeats, comes late or lies, the books and M-PESA's own record agree."""
    found = run(ground, folder, seed, print)  # shown with a failure
    assert () == found.violations, f"again: {found.replay}"
    assert found.states["paid"] > 0


def test_a_seed_is_played_the_same_way_again(ground: Ground, folder: Path) -> None:
    """Or no failure could be looked at twice. References are made by chance of their own."""
    told: list[list[str]] = [[], []]
    for trace in told:
        run(ground, folder, 5, trace.append, acts=60)
    assert told[0] == told[1]
    assert len(told[0]) > 10


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_noticed(ground: Ground, folder: Path, rule: str) -> None:
    """A simulation that would not see these would prove nothing."""
    seeds = range(NOTICED_BY[rule], NOTICED_BY[rule] + TRIES)
    with broken(rule):
        assert any(run(ground, folder, seed, lambda _: None).violations for seed in seeds)
