"""What one payout costs when there are many before it: the same backlog, in a fuller database."""

import statistics
import time
from collections.abc import Callable, Sequence

from tests.bench import backlog, filling, saga_rate
from tests.bench.figures import Run, Series
from tests.bench.ground import Ground, ground
from tests.bench.targets import AT_10_MILLION, AT_10_THOUSAND, GROWTH

NAMES = {10_000: AT_10_THOUSAND, 10_000_000: AT_10_MILLION}
BACKLOG = 2_000
TIMES = 3
SETTLE_S = 90
"""The timekeeper's first minute: it audits what is new, which here is all that was just made, and
counts the months that are over. Neither is a payout's cost."""


def measure(found: Run, counts: Sequence[int], *, say: Callable[[str], None]) -> None:
    """Fill a database with so many paid payouts, then work a backlog, for each of the counts.

    The audit of everything is left out here: `WHAT=audits` times it, and over millions it takes
    longer than all the rest. What the backlog itself did is judged.
    """
    costs = []
    for count in counts:
        say(f"making {count:,} payouts")
        with ground() as on:
            filling.make(on.owner, payouts=count)
            whose = backlog.people(on.owner, BACKLOG * TIMES)
            _settle(on)
            seen = []
            for n in range(TIMES):
                some = whose[n * BACKLOG : (n + 1) * BACKLOG]
                rate = saga_rate.work_backlog(on, some, audits_all=False)
                seen.append(sum(rate.cpu_ms.values()))
                found.faults += rate.faults
                say(f"{count:,} payouts: {rate.per_s:.0f} a second, {seen[-1]:.2f} ms each")
        # The first time, servers and workers warm up.
        costs.append(statistics.median(seen[1:] or seen))
        found.add(GROWTH, NAMES.get(count, f"Baraza with {count:,} payouts"), costs[-1])
    title = "processor ms per payout over payouts in the database"
    found.series.append(Series(title, "Baraza", costs, [float(count) for count in counts]))


def _settle(on: Ground) -> None:
    on.stack.start("web", "worker")
    time.sleep(SETTLE_S)
    on.stack.stop("worker")
