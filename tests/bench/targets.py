"""What the bench is held against, as ratios of one round wherever there is something to divide by.

Two cores, everything on one machine. `at_least` is what must be reached; `aim` is what is wanted.
"""

from tests.bench.figures import YARDSTICK, Target

US = "Baraza"
NAIVE = "naive saga, two SimpleWorkers"
NAIVE_FORKING = "naive saga, RQ's default worker"
DBOS = "DBOS"
CELERY = "Celery"
RESTATE = "Restate"
HELLO = "Flask hello"
HELLO_REDIS = "Flask hello, two Redis round trips"
HELLO_SELECT = "Flask hello, one SELECT"
RQ_IDLE = "RQ alone, enqueue to start"

PAYOUTS_PER_S = "payouts/s"
HOPS_PER_S = "requests/s"
HOP_P99_MS = "p99 ms at half load"
COMMITS = "commits per payout"
POSTINGS_PER_S = "entries/s"
SINGLE = "guarded posting, one entry a transaction"
BATCHED = "guarded posting, fifty entries a transaction"
TPCB_PER_S = "transactions/s"
WIRE_P50_MS = "confirm to request on the wire, p50 ms"
WIRE_P99_MS = "confirm to request on the wire, p99 ms at half load"
GROWTH = "processor ms per payout"
AT_10_THOUSAND = "Baraza with 10 thousand payouts"
AT_10_MILLION = "Baraza with 10 million payouts"
RECOVERY_S = "10,000 in flight settled after a total kill, s"
RECOVERY_LIMIT_S = "10 s + 1.5 × 10,000 / steady rate"
IDLE_MB = "memory of all processes, idle, MB"

TARGETS = (
    Target(
        "payouts/s ÷ naive saga, two SimpleWorkers",
        (PAYOUTS_PER_S, US),
        (PAYOUTS_PER_S, NAIVE),
        4,
        10,
    ),
    Target(
        "payouts/s ÷ naive saga, RQ's default worker",
        (PAYOUTS_PER_S, US),
        (PAYOUTS_PER_S, NAIVE_FORKING),
        100,
        500,
    ),
    Target("payouts/s ÷ DBOS at its best", (PAYOUTS_PER_S, US), (PAYOUTS_PER_S, DBOS), 8, 20),
    Target("payouts/s ÷ Celery", (PAYOUTS_PER_S, US), (PAYOUTS_PER_S, CELERY), 5, 10),
    Target("payouts/s ÷ Restate", (PAYOUTS_PER_S, US), (PAYOUTS_PER_S, RESTATE), 5, 10),
    Target(
        "commits per payout under load", (COMMITS, US), None, 0.4, 0.2, less_is_better=True, unit=""
    ),
    Target("hop requests/s ÷ hello", (HOPS_PER_S, US), (HOPS_PER_S, HELLO), 0.5, 0.6),
    Target(
        "hop requests/s ÷ hello with two Redis round trips",
        (HOPS_PER_S, US),
        (HOPS_PER_S, HELLO_REDIS),
        1.2,
        1.5,
    ),
    Target(
        "hop p99 at half of that load",
        (HOP_P99_MS, US),
        None,
        15,
        10,
        less_is_better=True,
        unit="ms",
    ),
    Target(
        "guarded posting/s ÷ TPC-B, single",
        (POSTINGS_PER_S, SINGLE),
        (TPCB_PER_S, YARDSTICK),
        0.8,
        1.2,
    ),
    Target(
        "guarded posting/s ÷ TPC-B, batched",
        (POSTINGS_PER_S, BATCHED),
        (TPCB_PER_S, YARDSTICK),
        3,
        5,
    ),
    Target(
        "confirm to request on the wire ÷ RQ's own idle enqueue to start",
        (WIRE_P50_MS, US),
        (WIRE_P50_MS, RQ_IDLE),
        3,
        1.7,
        less_is_better=True,
    ),
    Target(
        "the same, p99 at half of full load",
        (WIRE_P99_MS, US),
        None,
        150,
        100,
        less_is_better=True,
        unit="ms",
    ),
    Target(
        "per-payout cost at 10 million ÷ at 10 thousand",
        (GROWTH, AT_10_MILLION),
        (GROWTH, AT_10_THOUSAND),
        1.15,
        1.05,
        less_is_better=True,
    ),
    Target(
        "10,000 in flight settled after a total kill ÷ its limit",
        (RECOVERY_S, US),
        (RECOVERY_S, RECOVERY_LIMIT_S),
        1,
        0.83,
        less_is_better=True,
    ),
    Target("all processes, idle", (IDLE_MB, US), None, 350, 250, less_is_better=True, unit="MB"),
)
"""The rows of the table, in its order."""
