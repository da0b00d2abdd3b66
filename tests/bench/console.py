"""How soon the console's pages come with many payouts in the database, and how large they are.

The pages are served in this process, by a plain server over loopback, one request at a time.
"""

import statistics
import time
from dataclasses import dataclass

from app.db import Database
from tests.bench import audits
from tests.support import staff_site
from tests.support.databases import Logins

TIMES = 40
PATHS = (
    "/staff/", "/staff/payouts", "/staff/payouts?view=open", "/staff/payouts?view=slow",
    "/staff/payouts/{reference}", "/staff/members/{member}", "/staff/attention",
    "/staff/proposals", "/staff/reconciliation", "/staff/messages", "/staff/messages?state=failed",
    "/staff/pictures", "/staff/queues", "/staff/record", "/staff/reports",
    "/staff/reports?by=month", "/staff/incidents",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """One address."""

    path: str
    p50_ms: float
    p95_ms: float
    bytes: int


def measure(*, payouts: int) -> list[Page]:
    """Make this many payouts, and open each page often."""
    with audits.filled(payouts) as (logins, _):
        return timed(logins)


def timed(logins: Logins) -> list[Page]:
    """Open each page of a manager's often, in turn."""
    db = Database(logins.application, name="bench")
    with staff_site.running(
        db, database_url=logins.application, redis_url="redis://127.0.0.1:1/0"
    ) as site:
        browser = site.browser()
        browser.sign_in(site.hire(role="manager"))
        newest = browser.get("/staff/payouts").text.partition('href="/staff/payouts/BRZ')[2]
        names = {"reference": "BRZ" + newest[:7], "member": "X1"}
        found = [_page(browser, path.format(**names)) for path in PATHS]
    db.close()
    return found


def _page(browser: staff_site.Browser, path: str) -> Page:
    took, size = [], 0
    for _ in range(TIMES):
        began = time.perf_counter()
        answer = browser.get(path)
        took.append((time.perf_counter() - began) * 1000)
        assert answer.ok, f"{path}: {answer.status_code}"
        size = len(answer.content)
    points = statistics.quantiles(took, n=20)
    return Page(path, round(points[9], 1), round(points[18], 1), size)


def table(found: list[Page]) -> str:
    """For people."""
    rows = [f"{one.path:36} {one.p50_ms:8} {one.p95_ms:8} {one.bytes:9,}" for one in found]
    return "\n".join([f"{'page':36} {'p50 ms':>8} {'p95 ms':>8} {'bytes':>9}", *rows])
