"""`python -m tests.chaos`: what `make chaos` runs."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from tests.chaos import report
from tests.chaos.run import Plans, run, telling
from tests.chaos.wrong_rules import NAMES

REPORTS = Path("var/chaos")
"""Where the last run's report is kept."""
DRAIN_S_MAX = 180
BACKLOG_S_EACH = 0.2
"""For draining a backlog on a slow machine."""


def main() -> int:
    """Run once. Exit 1 if anything was lost, made, paid twice or told wrongly."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    add = parser.add_argument
    add("--payouts", type=int, default=500, help="withdrawals to take in (default: 500)")
    add("--seed", type=int, default=1, help="chooses faults, amounts and members")
    add("--members", type=int, default=120, help="who withdraw in turn (default: 120)")
    add("--threads", type=int, default=6, help="phones at once (default: 6)")
    add("--every", type=float, default=4.0, help="seconds between faults; 0: none (default: 4)")
    add("--per-second", type=float, help="withdrawals a second at most")
    add("--arrivals", type=int, default=0,
        help="then so many without dialling, --per-second of them")  # fmt: skip
    add("--failpoints", type=float, default=0.5, metavar="PER_MILLE",
        help="commits, calls and bells that fail inside Baraza (default: 0.5)")  # fmt: skip
    add("--refusals", action="store_true", help="M-PESA refuses everything")
    add("--late", type=float, default=0, help="seconds that M-PESA is at work on each payout")
    add("--everything", action="store_true", help="at the end kill everything with all in flight")
    add("--backlog", type=int, default=0,
        help="then take in so many at once, and kill everything in the midst of them")  # fmt: skip
    add("--wrong-rule", choices=NAMES, help="a run of its own with a rule broken: it must fail")
    add("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    if given.arrivals and not given.per_second:
        parser.error("--arrivals needs --per-second")
    found = run(_planned(given))
    report.save(found, REPORTS)
    print(report.as_json(found) if given.json else report.text(found))  # noqa: T201
    return 0 if found.is_good else 1


def _planned(given: argparse.Namespace) -> Plans:
    if given.wrong_rule:
        return replace(telling(given.wrong_rule), seed=given.seed)
    return Plans(
        payouts=given.payouts,
        seed=given.seed,
        members=given.members,
        threads=given.threads,
        fault_every_s=given.every,
        per_mille=given.failpoints,
        refuses_everything=given.refusals,
        per_s_max=given.per_second,
        arrivals=given.arrivals,
        late_s=given.late,
        kills_everything=given.everything,
        backlog=given.backlog,
        drain_s_max=DRAIN_S_MAX + given.late + (given.backlog + given.arrivals) * BACKLOG_S_EACH,
    )


if __name__ == "__main__":
    sys.exit(main())
