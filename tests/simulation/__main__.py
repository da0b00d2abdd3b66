"""`python -m tests.simulation`: what `make simulate` runs."""

import argparse
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from app import embedded
from app.observability import configure_logs
from tests.simulation.ground import Ground, prepared
from tests.simulation.run import run
from tests.simulation.wrong_rules import RULES, broken
from tests.support.databases import Logins
from tests.support.folders import passable_folder


def main() -> int:
    """Play seeds. Exit 1 at the first that loses, makes, repeats or misreports a shilling."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, help="play this seed only")
    add("--first", type=int, default=1000, help="the first of many seeds (default: 1000)")
    add("--minutes", type=float, default=2.0, help="play seeds for so long (default: 2)")
    add("--trace", action="store_true", help="tell all that happens")
    add("--wrong-rule", choices=tuple(RULES), help="break a rule on purpose: the run must fail")
    given = parser.parse_args()
    configure_logs("simulation")
    logging.disable()
    tell = print if given.trace else _nothing
    until = time.monotonic() + given.minutes * 60
    ended: Counter[str] = Counter()
    played = crashes = 0
    with _ground() as ground, tempfile.TemporaryDirectory() as folder, broken(given.wrong_rule):
        for seed in [given.seed] if given.seed is not None else count(given.first):
            found = run(ground, Path(folder), seed, tell)
            ended += found.states
            crashes += found.crashes
            played += 1
            if found.violations:
                print(f"seed {seed}:", *found.violations, sep="\n  ")  # noqa: T201
                print(f"Again: {found.replay}")  # noqa: T201
                return 1
            if time.monotonic() > until:
                break
    states = ", ".join(f"{state} {number}" for state, number in sorted(ended.items()))
    print(f"{played} seeds, {crashes} crashes; payouts: {states}; 0 violations")  # noqa: T201
    return 0


def _nothing(_: str) -> None:
    """Tell nobody."""


@contextmanager
def _ground() -> Iterator[Ground]:
    """On a server of its own."""
    with passable_folder() as folder:
        servers = embedded.start(folder / "var", durable=False, with_redis=False)
        try:
            owner = servers.database_url_owner
            with prepared(Logins(application=servers.database_url, owner=owner)) as ground:
                yield ground
        finally:
            servers.stop()


if __name__ == "__main__":
    sys.exit(main())
