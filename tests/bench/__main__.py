"""What `make bench` runs: everything, or one part of it: hops, console, audits."""

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from tests.bench import audits, console, growth, hops, report, suite
from tests.bench.figures import Run

FOLDER = Path("var/bench")
"""Where a run's figures and its page are kept."""


def _all(rounds: int) -> int:
    found = suite.run(replace(suite.WHOLE, rounds=rounds), say=lambda text: print(text, flush=True))  # noqa: T201
    found.save(FOLDER / "figures.json")
    page = report.write(found, FOLDER)
    print(f"\n{report.table(found)}\n\nThe page with the plots: {page}")  # noqa: T201
    return 1 if found.faults else 0


def _growth(payouts: int) -> int:
    """Into the figures of the last whole run, where there is one."""
    kept = FOLDER / "figures.json"
    found = Run.load(kept) if kept.exists() else suite.begun()
    growth.measure(found, (10_000, payouts), say=lambda text: print(text, flush=True))  # noqa: T201
    found.save(kept)
    print(report.write(found, FOLDER))  # noqa: T201
    return 1 if found.faults else 0


def main() -> int:
    """Run one benchmark. Exit 1 if an answer was no screen, a page over its budget, or a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "what",
        choices=["all", "growth", "report", "hops", "audits", "console"],
        help="all: payouts against what people would use instead, latency, memory, recovery;"
        " growth: the same backlog over --payouts payouts, beside 10,000;"
        " report: draw the last run's page anew; hops: the USSD door with everything running;"
        " audits, console: audits of, or pages over, many payouts",
    )
    parser.add_argument("--rate", type=float, default=50, help="hops a second (default: 50)")
    parser.add_argument("--seconds", type=float, default=30, help="how long (default: 30)")
    parser.add_argument("--workers", type=int, default=2, help="WEB_WORKERS (default: 2)")
    parser.add_argument("--payouts", type=int, default=100_000, help="for audits and console")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rounds", type=int, default=3, help="for all (default: 3)")
    given = parser.parse_args()
    if given.what == "all":
        return _all(given.rounds)
    if given.what == "growth":
        return _growth(given.payouts)
    if given.what == "report":
        print(report.write(Run.load(FOLDER / "figures.json"), FOLDER))  # noqa: T201
        return 0
    if given.what == "audits":
        audited = audits.measure(payouts=given.payouts)
        print(json.dumps(asdict(audited), indent=2))  # noqa: T201
        return 0 if audited.is_sound else 1
    if given.what == "console":
        pages = console.measure(payouts=given.payouts)
        print(console.table(pages))  # noqa: T201
        return 0 if all(page.is_within_budget for page in pages) else 1
    found = hops.measure(rate=given.rate, seconds=given.seconds, web_workers=given.workers)
    print(json.dumps(asdict(found), indent=2) if given.json else hops.table(found))  # noqa: T201
    return 0 if found.is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
