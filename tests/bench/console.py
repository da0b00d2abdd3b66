"""How soon the console's pages come with many payouts in the database, and how large they are.

The pages are served in this process, by a plain server over loopback: first to one person, then to
several at once, who never stop to read.
"""

import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from app.db import Database
from app.operations import payout_report
from app.staff.accounts import Role
from app.staff.console import routes
from app.staff.permissions import ROLES
from tests.bench import audits
from tests.support import staff_site
from tests.support.databases import Logins
from tests.support.staff_site import Browser, Site

TIMES = 40
PEOPLE = 5
"""At once. They click without a pause, so they stand for ten times as many who read."""
P95_MS_MAX = 150
BYTES_MAX = 25_000
"""Of a page. Its styles and scripts come once, and are not counted here."""
WITH_FILTERS = (
    ("console.payouts", "/staff/payouts?view=open"),
    ("console.payouts", "/staff/payouts?view=slow"),
    ("console.payouts", "/staff/payouts?view=touched"),
    ("console.messages", "/staff/messages?state=failed"),
    ("console.reports", "/staff/reports?by=month"),
    ("console.inbound_calls", "/staff/inbound?view=doubled"),
    ("console.ussd", "/staff/ussd?days=7"),
)
MOST_OPENED = (
    ("console.payout", "/staff/payouts/{reference}"),
    ("console.member", "/staff/members/{member}"),
)


@dataclass(frozen=True, slots=True)
class Page:
    """One address."""

    path: str
    p50_ms: float
    p95_ms: float
    p95_at_once_ms: float
    """While several people open pages."""
    bytes: int

    @property
    def is_within_budget(self) -> bool:
        """For one person at a time: what several at once wait is the machine's to tell."""
        return self.p95_ms <= P95_MS_MAX and self.bytes <= BYTES_MAX


def measure(*, payouts: int) -> list[Page]:
    """Make this many payouts, and open each page often."""
    with audits.filled(payouts) as (logins, _):
        return timed(logins)


def timed(logins: Logins) -> list[Page]:
    """Open each page often, as somebody who may, alone and then with others."""
    db = Database(logins.application, name="bench")
    with staff_site.running(
        db, database_url=logins.application, redis_url="redis://127.0.0.1:1/0"
    ) as site:
        with db.transaction() as tx:
            payout_report.keep_months(tx)  # as the timekeeper does
        for role in Role:
            site.hire(f"{role}@bench.example", role)
        paths = list(_paths(site))
        alone = _person(site)
        newest = alone[Role.MANAGER].get("/staff/payouts").text
        names = {
            "reference": "BRZ" + newest.partition('href="/staff/payouts/BRZ')[2][:7],
            "member": "X1",
        }
        paths = [(role, path.format(**names)) for role, path in paths]
        quiet = [_opened(alone[role], path) for role, path in paths]
        busy = _at_once(site, paths)
    db.close()
    return [
        Page(path, _point(took, 50), _point(took, 95), _point(busy[path], 95), size)
        for (_, path), (took, size) in zip(paths, quiet, strict=True)
    ]


def _paths(site: Site) -> Iterator[tuple[Role, str]]:
    """Every page that needs no name in its address, and those that people open most."""
    plain = [
        (rule.endpoint, rule.rule)
        for rule in site.app.url_map.iter_rules()
        if rule.endpoint in routes.NEEDS
        and "GET" in (rule.methods or ())
        and not rule.arguments
        and not rule.rule.endswith(".csv")  # a file that somebody waits for
    ]
    for endpoint, path in (*MOST_OPENED, *sorted(plain, key=lambda one: one[1]), *WITH_FILTERS):
        roles = ROLES[routes.NEEDS[endpoint]]
        yield (Role.MANAGER if Role.MANAGER in roles else min(roles)), path


def _person(site: Site) -> dict[Role, Browser]:
    """Somebody who can be anybody."""
    browsers = {role: site.browser() for role in Role}
    for role, browser in browsers.items():
        browser.sign_in(f"{role}@bench.example")
    return browsers


def _opened(browser: Browser, path: str, times: int = TIMES) -> tuple[list[float], int]:
    took, size = [], 0
    for _ in range(times):
        began = time.perf_counter()
        answer = browser.get(path)
        took.append((time.perf_counter() - began) * 1000)
        # A person without a second factor is sent to set one up; nothing may fail.
        assert answer.status_code < 500, f"{path}: {answer.status_code}"
        size = len(answer.content)
    return took, size


def _at_once(site: Site, paths: list[tuple[Role, str]]) -> dict[str, list[float]]:
    people = [_person(site) for _ in range(PEOPLE)]
    found: dict[str, list[float]] = {path: [] for _, path in paths}

    def walk(number: int) -> None:
        for turn in range(TIMES // PEOPLE):
            for step in range(len(paths)):
                role, path = paths[(step + number * 3 + turn) % len(paths)]
                found[path] += _opened(people[number][role], path, times=1)[0]

    with ThreadPoolExecutor(PEOPLE) as pool:
        list(pool.map(walk, range(PEOPLE)))
    return found


def _point(took: list[float], percent: int) -> float:
    return round(statistics.quantiles(took, n=100)[percent - 1], 1)


def table(found: list[Page]) -> str:
    """For people."""
    head = f"{'page':36} {'p50 ms':>8} {'p95 ms':>8} {f'{PEOPLE} at once':>10} {'bytes':>9}"
    rows = [
        f"{one.path:36} {one.p50_ms:8} {one.p95_ms:8} {one.p95_at_once_ms:10} {one.bytes:9,}"
        f"{'' if one.is_within_budget else '  over its budget'}"
        for one in found
    ]
    return "\n".join([head, *rows])
