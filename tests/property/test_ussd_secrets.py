"""No PIN, new PIN, start PIN or digit of an ID stays anywhere, whatever a session is like.

Members wander through the real door with secrets that nobody else uses; then everything that was
kept or written is searched for them. What they type where no secret is asked for is no secret.
"""

import logging
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from structlog.testing import capture_logs

from app import audit
from app.channels import ussd, ussd_sessions
from app.db import Database, Tx
from app.doorbell import Doorbell
from app.members.pins import Pins, Verdict
from app.observability import logger
from app.operations.metrics import DatabaseCollector
from tests.acceptance.test_secrets import all_texts, redis_contents
from tests.support import databases, ussd_site
from tests.support.cuts import CutOff, faults
from tests.support.databases import Logins
from tests.support.gateway import Gateway
from tests.support.stories import Stories
from tests.support.story import Story
from tests.support.ussd_site import Site
from ussd_menus import engine, menu, notices
from ussd_menus.model import Do, Screen

SESSIONS = 20
FEW_SESSIONS = 5
CUT_SESSIONS = 2
STEPS = 9
KEYS = ("1", "1", "2", "3", "4", "5", "5", "7", "0", "00", "98", "500", "20000", "", "#")
BROKEN = set(notices.ALL)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Groups of four digits stand in these by chance."""


@pytest.fixture
def site(redis_url: str, database_server: Logins, database_template: str) -> Iterator[Site]:
    with ussd_site.on_its_own(database_server, database_template, redis_url) as running:
        yield running


@pytest.fixture
def owner(site: Site) -> Iterator[Database]:
    with site.db.transaction() as tx:
        address = databases.owner_address(tx)
    db = Database(address, role=None, pool_max=1)
    yield db
    db.close()


@dataclass
class Wanderers:
    """Members who press keys by chance, and what must not be found afterwards."""

    site: Site
    stories: Stories
    chance: random.Random
    secrets: set[str] = field(default_factory=set)

    def secret(self) -> str:
        """Four digits that are nobody's, that no date or amount here holds, and no weak PIN."""
        while True:
            found = f"{self.chance.randrange(3000, 10_000)}"
            if found not in self.secrets and len(set(found)) > 2:
                self.secrets.add(found)
                return found

    def member(self) -> tuple[Story, list[str]]:
        """A member, with or without a PIN of her own, and what she may type as a secret."""
        story = Story(self.site, self.stories, "en")
        right, wrong, new = self.secret(), self.secret(), self.secret()
        if self.chance.random() < 0.7:
            story.member_id = self.site.member(story.number, pin=right)
            return story, [right, right, right, wrong, new]
        story.member_id = self.site.member(story.number, pin=None)
        digits = self.secret()
        start = story.start_pin(digits)
        self.secrets.add(start)
        return story, [start, digits, start, digits, new, new, wrong]

    def wander(self, *, through: Callable[..., Gateway] = Gateway) -> None:
        """One or two sessions of a new member. Every hop gets a screen of the menu."""
        story, secrets = self.member()
        phone = self.site.phone(story.number, through=through)
        for _ in range(self.chance.choice((1, 2))):
            if self.chance.random() < 0.2:
                phone.deep_dial(self.chance.choice(("1*500*", "2*")) + secrets[0])
            else:
                phone.dial()
            tried = iter(secrets)
            for _ in range(STEPS):
                assert phone.body not in BROKEN
                if not phone.shown.is_open:
                    break
                if phone.shown.asks_for_secret:
                    typed = next(tried, None) or self.chance.choice(secrets)
                else:
                    typed = self.chance.choice(KEYS)
                phone.reply(typed)
            self.stories.debit()


class Kept(logging.Handler):
    """Every record of the standard library's logging, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it, with its traceback."""
        self.lines.append(logging.Formatter().format(record))


def metrics_of(site: Site) -> str:
    """What Prometheus gets to see."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(DatabaseCollector(site.db))
    return generate_latest(registry).decode()


def found_after(
    site: Site, owner: Database, *, seed: int, sessions: int, cut: int = 0
) -> dict[str, set[str]]:
    """Where secrets are found once this many members have wandered, some with a cut connection."""
    stories = Stories(site.db, site.settings.redis_url, priced=True)
    wanderers = Wanderers(site, stories, random.Random(seed))
    kept = Kept()
    logging.getLogger().addHandler(kept)
    try:
        with capture_logs() as events:
            for _ in range(sessions):
                wanderers.wander()
            with faults(site, owner) as fault:
                for _ in range(cut):
                    wanderers.wander(through=partial(CutOff, fault=fault))
    finally:
        logging.getLogger().removeHandler(kept)
        stories.redis.close()
    places = {
        "events": "\n".join(map(repr, events)),
        "log records": "\n".join(kept.lines),
        "Redis": redis_contents(site.settings.redis_url),
        "metrics": metrics_of(site),
        **all_texts(owner),
    }
    assert places["events"]
    assert places["Redis"]
    pattern = re.compile(rf"(?<![0-9A-Za-z.])({'|'.join(wanderers.secrets)})(?![0-9A-Za-z])")
    found = {place: set(pattern.findall(UUID.sub("", text))) for place, text in places.items()}
    return {place: secrets for place, secrets in found.items() if secrets}


def test_no_secret_stays_anywhere(site: Site, owner: Database) -> None:
    """Also where the connection to the database is cut before any statement of a hop."""
    assert found_after(site, owner, seed=1, sessions=SESSIONS, cut=CUT_SESSIONS) == {}


# The same wandering with a leak put in.


def leak_into_log(patch: pytest.MonkeyPatch) -> None:
    """A developer logs what was typed, under a harmless name."""
    read = ussd._read

    def telling() -> Any:
        asked = read()
        if asked is not None:
            logger().info("ussd_hop_read", typed=asked.text)
        return asked

    patch.setattr(ussd, "_read", telling)


def leak_into_audit(patch: pytest.MonkeyPatch) -> None:
    """The record of acts says which PIN was checked."""
    check = Pins.check

    def telling(self: Pins, tx: Tx, **what: Any) -> Verdict:
        audit.record(tx, "pin_checked", by=audit.MEMBER, pin=what["pin"])
        return check(self, tx, **what)

    patch.setattr(Pins, "check", telling)


def leak_into_hop(patch: pytest.MonkeyPatch) -> None:
    """The answers of a replay are stored with its hop."""
    patch.setattr(engine, "apply", keeping(engine.apply))


def keeping(apply: Any) -> Any:
    """The move after an effect, with all that was typed among the facts of its screen."""

    def kept(screens: Any, state: Any, outcome: str, facts: Any) -> Any:
        return apply(screens, state, outcome, {**facts, **state.answers})

    return kept


def leak_into_redis(patch: pytest.MonkeyPatch) -> None:
    """A cache of transcripts."""
    macs = ussd_sessions.transcript_macs
    cache: list[Any] = []

    def caching(secret_key: str, hop: Any) -> Any:
        cache.append(hop)
        return macs(secret_key, hop)

    ring = Doorbell.ring

    def telling(self: Doorbell, *steps: Any) -> bool:
        self._redis.set("hop", cache[-1].text)
        return ring(self, *steps)

    patch.setattr(ussd_sessions, "transcript_macs", caching)
    patch.setattr(Doorbell, "ring", telling)


def leak_into_traceback(patch: pytest.MonkeyPatch) -> None:
    """The fault of a hop is logged with its text, and the text names what was typed."""
    check = Pins.check

    def failing(self: Pins, tx: Tx, **what: Any) -> Verdict:
        verdict = check(self, tx, **what)
        try:
            int("PIN " + what["pin"])
        except ValueError:
            logging.getLogger("baraza").exception("pin_check_failed")
        return verdict

    patch.setattr(Pins, "check", failing)


LEAKS = {
    "events": leak_into_log,
    "public.staff_action": leak_into_audit,
    "public.ussd_hop": leak_into_hop,
    "Redis": leak_into_redis,
    "log records": leak_into_traceback,
}


@pytest.mark.parametrize("place", sorted(LEAKS))
def test_a_secret_that_stays_is_found(
    site: Site, owner: Database, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """A search that finds nothing proves nothing unless it finds what is there."""
    LEAKS[place](monkeypatch)
    assert place in found_after(site, owner, seed=3, sessions=FEW_SESSIONS)


def test_an_outcome_without_a_screen_is_a_hop_without_one(
    site: Site, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wandering insists on a screen of the menu, so it sees an effect end as nobody declared."""
    for name, screen in menu.SCREENS.items():
        if isinstance(screen, Do):
            known = {said: to for said, to in screen.outcomes.items() if said != "wrong_pin"}
            broken = replace(screen, outcomes=known)
            monkeypatch.setitem(cast("dict[str, Screen]", menu.SCREENS), name, broken)
    with pytest.raises(AssertionError):
        found_after(site, owner, seed=1, sessions=SESSIONS)
