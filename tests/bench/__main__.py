"""What `make bench` runs: `hops`; `make bench WHAT=console` and `WHAT=audits` the others."""

import argparse
import json
import sys
from dataclasses import asdict

from tests.bench import audits, console, hops


def main() -> int:
    """Run one benchmark. Exit 1 if an answer was no screen, a page over its budget, or a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "what",
        choices=["hops", "audits", "console"],
        help="the USSD door with everything running; or audits of, or pages over, many payouts",
    )
    parser.add_argument("--rate", type=float, default=50, help="hops a second (default: 50)")
    parser.add_argument("--seconds", type=float, default=30, help="how long (default: 30)")
    parser.add_argument("--workers", type=int, default=2, help="WEB_WORKERS (default: 2)")
    parser.add_argument("--payouts", type=int, default=100_000, help="for audits and console")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
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
