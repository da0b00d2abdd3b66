"""Hops that come twice, late, at once, cut off in the middle, or without Redis: nobody notices.

A session is played once in peace. Played again under disturbance by a member like her, it must show
the same screens and leave the same rows behind.
"""

import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from app import redis_client
from app.channels import ussd_sessions
from app.commands.handset import Handset, Screen
from app.db import Database, Tx
from app.payouts import quotes
from tests.support import databases, ussd_site
from tests.support.cuts import CutOff, faults
from tests.support.databases import Logins
from tests.support.gateway import Call, Gateway
from tests.support.mutants import must_fail
from tests.support.stories import Stories
from tests.support.story import ID_DIGITS, PIN, Story, normalised
from tests.support.ussd_site import Site

NOBODY = "redis://127.0.0.1:1/0"
RIGHTS = {
    "withdraw": ("1", "500", "1111", PIN),
    "cancel": ("1", "1", PIN),
    "change PIN": ("5", "1", PIN, "8305", "8306", "8305", "8305"),
    "first use": ("start", "9999", "start", ID_DIGITS, "8305", "8305"),
    "lock": ("2", "1111", "2222", "3333"),
    "language and receipts": ("7", "5", "2", "2", PIN),
}
"""What is typed in each session. `start` stands for the member's start PIN."""
SESSIONS = st.sampled_from(sorted(RIGHTS))
FEW = settings(max_examples=12, derandomize=True, database=None, deadline=None)

Disturb = Callable[[Handset], object]
"""Something that befalls a session after each of its hops."""

FOOTPRINT = """
SELECT (SELECT array_agg(state || ' ' || amount_cents ORDER BY 1) FROM payout
         WHERE member_id = m.id) AS payouts,
       (SELECT count(*) FROM quote WHERE member_id = m.id) AS quotes,
       (SELECT array_agg(outcome ORDER BY at) FROM pin_attempt WHERE member_id = m.id) AS tries,
       (SELECT array_agg(kind ORDER BY kind) FROM message WHERE member_id = m.id) AS texts,
       (SELECT count(*) FROM pin_history WHERE member_id = m.id) AS pins_before,
       (SELECT array_agg(h.screen || coalesce(' ' || h.outcome, '') ORDER BY h.position, h.screen)
          FROM ussd_hop h JOIN ussd_session s USING (session_id) WHERE s.member_id = m.id) AS hops,
       (SELECT count(*) FROM staff_action WHERE detail ->> 'member_no' = m.member_no) AS acts,
       pin_failures, pin_lockouts, pin_locked_until IS NOT NULL AS is_locked, language,
       receipt_balance, start_pin_nonce IS NOT NULL AS has_start_pin
  FROM member m WHERE id = :id
"""


@pytest.fixture(scope="module")
def site(redis_server: str, database_server: Logins, database_template: str) -> Iterator[Site]:
    with ussd_site.on_its_own(database_server, database_template, redis_server) as running:
        yield running


@pytest.fixture(scope="module")
def stories(site: Site) -> Iterator[Stories]:
    made = Stories(site.db, site.settings.redis_url, priced=True)
    yield made
    made.redis.close()


@dataclass(frozen=True)
class Played:
    """A session as the member saw it, and what it left behind."""

    screens: list[str]
    footprint: dict[str, Any]


@dataclass
class Stage:
    """Where sessions are played. What a peaceful one is like is found out once."""

    site: Site
    stories: Stories
    peaceful: dict[str, Played] = field(default_factory=dict)

    def play(
        self,
        name: str,
        disturb: Disturb = lambda _: None,
        *,
        at: Site | None = None,
        through: Callable[..., Gateway] = Gateway,
    ) -> Played:
        """A session of a new member. `at` is another door on the same database."""
        story = Story(self.site, self.stories, "en")
        pin = None if name == "first use" else PIN
        story.member_id = self.site.member(story.number, pin=pin)
        start_pin = story.start_pin() if name == "first use" else ""
        if name == "cancel":
            story.phone.dial().reply("1", "500", PIN)
        phone = (at or self.site).phone(story.number, through=through)
        shown = [normalised(phone.dial().body)]
        disturb(phone)
        for token in RIGHTS[name]:
            shown.append(normalised(phone.reply(start_pin if token == "start" else token).body))
            disturb(phone)
        with self.site.db.transaction() as tx:
            row = tx.execute(sa.text(FOOTPRINT), {"id": story.member_id}).one()
        return Played(shown, dict(row._mapping))

    def must_be_as_in_peace(self, name: str, played: Played) -> None:
        """Fail unless a disturbed session was like a peaceful one."""
        if name not in self.peaceful:
            self.peaceful[name] = self.play(name)
        assert played == self.peaceful[name]


@pytest.fixture(scope="module")
def stage(site: Site, stories: Stories) -> Stage:
    made = Stage(site, stories)
    for name in RIGHTS:
        made.peaceful[name] = made.play(name)
    return made


# Twice, late, at once.

TROUBLES = st.lists(
    st.tuples(st.sampled_from(["nothing", "again", "at once", "late"]), st.integers(1, 6)),
    max_size=8,
)


def troubled(troubles: list[tuple[str, int]]) -> Disturb:
    """One trouble after each hop, in this order; every answer must be what was shown then."""
    coming = iter(troubles)
    shown: list[str] = []

    def disturb(phone: Handset) -> None:
        shown.append(phone.body)
        trouble, number = next(coming, ("nothing", 0))
        if trouble == "again":
            assert phone.resend().body == shown[-1]
        elif trouble == "at once":
            assert set(phone.resend_concurrently(2 + number % 3)) == {shown[-1]}
        elif trouble == "late" and number < len(shown):
            assert phone.late(number) == shown[-1 - number]

    return disturb


def repeats_change_nothing(stage: Stage) -> Callable[[], None]:
    """The property, to be run."""

    @FEW
    @given(SESSIONS, TROUBLES)
    def law(name: str, troubles: list[tuple[str, int]]) -> None:
        stage.must_be_as_in_peace(name, stage.play(name, troubled(troubles)))

    return law


def test_repeated_and_late_hops_get_the_same_bytes_and_change_nothing(stage: Stage) -> None:
    repeats_change_nothing(stage)()


def test_without_stored_hops_they_would(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hop that has been served is served again."""
    recall = ussd_sessions.recall

    def forgetful(tx: Tx, session_id: str, macs: list[bytes]) -> Any:
        session, stored = recall(tx, session_id, macs)
        return session, {mac: hop for mac, hop in stored.items() if mac != macs[-1]}

    monkeypatch.setattr(ussd_sessions, "recall", forgetful)
    must_fail(monkeypatch, repeats_change_nothing(stage))


def all_at_once(stage: Stage) -> Callable[[], None]:
    """Every hop of every session from four sides at the same moment, the first time it comes."""

    def law() -> None:
        for name in ("withdraw", "lock", "cancel"):
            stage.must_be_as_in_peace(name, stage.play(name, through=Crowded))

    return law


class Crowded(Gateway):
    """A proxy that does not wait: it delivers every hop four times at once."""

    def post(self, call: Call, *, hops_ago: int = 0) -> Screen:
        """The answer, which must be the same to all of them."""
        gate = threading.Barrier(4)

        def one(_: int) -> Screen:
            gate.wait()
            return Gateway.post(self, call, hops_ago=hops_ago)

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(one, range(4)))
        assert len({answer.body for answer in answers}) == 1
        return answers[0]


def test_hops_that_come_four_times_at_once_have_one_effect(stage: Stage) -> None:
    all_at_once(stage)()


def test_without_the_session_lock_they_would_have_more(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ussd_sessions, "lock", lambda *_: None)
    with pytest.raises(AssertionError):
        all_at_once(stage)()


# Cut off.


@pytest.fixture
def owner(site: Site) -> Iterator[Database]:
    """The owner's login may end the connections of others."""
    with site.db.transaction() as tx:
        address = databases.owner_address(tx)
    db = Database(address, role=None, pool_max=1)
    yield db
    db.close()


@pytest.mark.parametrize("name", sorted(RIGHTS))
def test_a_hop_that_is_cut_off_anywhere_leaves_nothing_and_can_come_again(
    stage: Stage, owner: Database, name: str
) -> None:
    """Before each single statement, and before the commit, of each hop of the session."""
    with faults(stage.site, owner) as fault:
        played = stage.play(name, through=partial(CutOff, fault=fault))
    assert fault.cuts > len(RIGHTS[name])
    stage.must_be_as_in_peace(name, played)


def test_with_a_quote_outside_of_the_hops_transaction_it_would_leave_one(
    stage: Stage, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored at once and under a new key each time, a quote outlives the hop that was cut off."""
    made = quotes.make

    def make(_: Tx, **what: Any) -> Any:
        with stage.site.db.transaction() as own:
            return made(own, **{**what, "transcript_mac": secrets.token_bytes(32)})

    monkeypatch.setattr(quotes, "make", make)
    with faults(stage.site, owner) as fault:
        played = stage.play("withdraw", through=partial(CutOff, fault=fault))
    assert played.footprint["quotes"] > stage.peaceful["withdraw"].footprint["quotes"]
    with pytest.raises(AssertionError):
        stage.must_be_as_in_peace("withdraw", played)


# Without Redis.


def wiped(stage: Stage) -> Callable[[], None]:
    """Redis is emptied after every hop."""
    redis = redis_client.connect(stage.site.settings.redis_url)

    def law() -> None:
        for name in sorted(RIGHTS):
            played = stage.play(name, lambda _: redis.flushall())
            stage.must_be_as_in_peace(name, played)
        redis.close()

    return law


def test_nothing_of_a_session_is_lost_with_redis(stage: Stage) -> None:
    wiped(stage)()


def test_if_redis_held_any_of_it_that_would_show(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that only Redis knows of ends with it."""
    redis = redis_client.connect(stage.site.settings.redis_url)
    begin, recall = ussd_sessions.begin, ussd_sessions.recall

    def remember(tx: Tx, session: Any) -> None:
        redis.set(session.session_id, 1)
        begin(tx, session)

    def recalled(tx: Tx, session_id: str, macs: list[bytes]) -> Any:
        return recall(tx, session_id, macs) if redis.exists(session_id) else (None, {})

    monkeypatch.setattr(ussd_sessions, "begin", remember)
    monkeypatch.setattr(ussd_sessions, "recall", recalled)
    with pytest.raises(AssertionError):
        wiped(stage)()
    redis.close()


@pytest.mark.parametrize("name", sorted(RIGHTS))
def test_a_whole_session_needs_no_redis(stage: Stage, name: str) -> None:
    """Nobody listens there at all: the work is found by the timekeeper."""
    settings = stage.site.settings
    with ussd_site.serving(
        database_url=settings.database_url,
        redis_url=NOBODY,
        PIN_PEPPER=settings.pin_pepper.get_secret_value(),
        SECRET_KEY=settings.secret_key.get_secret_value(),
    ) as (url, doors):
        elsewhere = Site(url, doors.settings, stage.site.db, doors)
        stage.must_be_as_in_peace(name, stage.play(name, at=elsewhere))
