"""What a stranger with her phone sees: nothing about her money, whatever he types.

Phones are shared, lent and lost. Two members who differ in what they own and did see the same
screens, byte by byte, until somebody types the right PIN. The one exception is a withdrawal that is
still open: its reference and its state, never an amount.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.channels import ussd_effects, ussd_money, ussd_starts
from app.db import Database, Tx
from app.ledger import statements
from app.members import directory
from app.payouts import latest
from tests.support import databases, ussd_site
from tests.support.databases import Logins
from tests.support.mutants import must_fail
from tests.support.stories import Stories
from tests.support.story import PIN, Story, normalised
from tests.support.ussd_site import Site

WRONG = "1111"
KEYS = ("1", "2", "3", "4", "5", "6", "7", "0", "00", "98", "9", "50", "500", "20000", "250000")
OTHERS = st.text("0123456789#ab \u0664\U0001f600", max_size=5).filter(lambda typed: typed != PIN)
TYPED = st.lists(st.sampled_from(KEYS) | OTHERS, max_size=7)
TYPED_WITH_WRONG_PIN = st.lists(st.sampled_from((*KEYS, WRONG)), max_size=7)
SOME = settings(max_examples=12, derandomize=True, database=None, deadline=None)
FORGET = (
    "UPDATE member SET pin_failures = 0, pin_lockouts = 0, pin_locked_until = NULL,"
    " phone_locked_at = NULL, phone_lock_reason = NULL, language = 'en'"
)


@pytest.fixture(scope="module")
def site(redis_server: str, database_server: Logins, database_template: str) -> Iterator[Site]:
    with ussd_site.on_its_own(database_server, database_template, redis_server) as running:
        yield running


@pytest.fixture(scope="module")
def stories(site: Site) -> Iterator[Stories]:
    made = Stories(site.db, site.settings.redis_url, priced=True)
    yield made
    made.redis.close()


@dataclass
class Twins:
    """Two members whose screens must not tell them apart."""

    rich: Story
    poor: Story
    owner: Database

    def sees_the_same(self, typed: list[str], *, dialled: int = 0) -> None:
        """Type the same on both phones, from the same dial; every screen must be the same."""
        self.forget()
        self.prepare()
        shown = []
        for story in (self.rich, self.poor):
            phone = story.phone
            keys = "*".join(typed[:dialled])
            screens = [(phone.deep_dial(keys) if keys else phone.dial()).body]
            screens += [phone.reply(token).body for token in typed[dialled:]]
            shown.append(screens)
        assert shown[0] == shown[1]

    def forget(self) -> None:
        """Neither has tried a PIN or turned the language, as in the beginning."""
        with self.owner.transaction() as tx:
            tx.execute(sa.text("DELETE FROM pin_attempt"))
            tx.execute(sa.text(FORGET))

    def prepare(self) -> None:
        """Nothing, unless a test says otherwise."""


@pytest.fixture(scope="module")
def owner(site: Site) -> Iterator[Database]:
    with site.db.transaction() as tx:
        address = databases.owner_address(tx)
    db = Database(address, role=None, pool_max=1)
    yield db
    db.close()


def member(site: Site, stories: Stories, *, cents: int) -> Story:
    """A member with this much on her savings."""
    story = Story(site, stories, "en")
    story.member_id = site.member(story.number, cents=cents)
    return story


@pytest.fixture(scope="module")
def twins(site: Site, stories: Stories, owner: Database) -> Twins:
    """One has money, a statement and withdrawals that ended in several ways; the other nothing."""
    rich, poor = member(site, stories, cents=400_000_00), member(site, stories, cents=0)
    for end in (rich.pays, lambda: rich.refuses("8")):
        rich.withdraw(700)
        rich.taken()
        end()
    rich.withdraw(800)
    rich.dial()
    rich.reply("1", "1", PIN)
    assert stories.state(rich.reference()) == "cancelled"
    return Twins(rich, poor, owner)


def money_is_not_seen(twins: Twins) -> Callable[[], None]:
    """Whatever is typed but the right PIN, wrong ones among it."""

    @SOME
    @example(typed=["1", "20000", WRONG], dialled=0)
    @example(typed=["4", WRONG], dialled=0)
    @given(TYPED_WITH_WRONG_PIN | TYPED, st.integers(0, 2))
    def law(typed: list[str], dialled: int) -> None:
        twins.sees_the_same(typed, dialled=dialled)

    return law


def test_money_and_history_are_not_seen_without_the_pin(twins: Twins) -> None:
    """Balance, statement lines, ended withdrawals."""
    money_is_not_seen(twins)()


def test_they_are_with_it(twins: Twins) -> None:
    """So that the law above compares members who do differ."""
    for option in ("2", "3", "4"):
        with pytest.raises(AssertionError):
            twins.sees_the_same([option, PIN])


def test_wrong_tries_below_the_lock_are_not_seen_before_a_pin(twins: Twins) -> None:
    """Whoever picks up the phone does not learn that somebody has tried PINs."""

    @dataclass
    class Tried(Twins):
        def prepare(self) -> None:
            self.rich.sql("UPDATE member SET pin_failures = 2 WHERE id = :id")

    tried = Tried(twins.rich, twins.poor, twins.owner)

    @SOME
    @given(TYPED.filter(lambda typed: not any(len(token) == len(PIN) for token in typed)))
    def law(typed: list[str]) -> None:
        tried.sees_the_same(typed)

    law()
    with pytest.raises(AssertionError):
        tried.sees_the_same(["2", WRONG])


# The exception.


@pytest.fixture(scope="module")
def drawing(site: Site, stories: Stories, owner: Database) -> Twins:
    """Both have an open withdrawal in the same state; one of them has far more money."""
    rich, poor = member(site, stories, cents=400_000_00), member(site, stories, cents=600_00)
    rich.withdraw(20_000)
    poor.withdraw(500)
    return Twins(rich, poor, owner)


def test_an_open_withdrawal_shows_its_reference_and_state_and_no_amount(drawing: Twins) -> None:
    """Not sent yet, then in doubt: the same screens but for the reference, none with money."""

    @SOME
    @given(TYPED_WITH_WRONG_PIN | TYPED)
    def law(typed: list[str]) -> None:
        drawing.forget()
        shown = []
        for story in (drawing.rich, drawing.poor):
            bodies = [story.phone.dial().sees(story.reference()).body]
            bodies += [story.phone.reply(token).body for token in typed]
            assert not [body for body in bodies if "KES" in body]
            shown.append([normalised(body) for body in bodies])
        assert shown[0] == shown[1]

    law()
    for story in (drawing.rich, drawing.poor):
        story.doubt()
    law()


# Each rule taken out.


def change_facts(
    patch: pytest.MonkeyPatch, change: Callable[[Tx, int, Mapping[str, Any]], dict[str, Any]]
) -> None:
    """Let a session begin with other facts, by who dials and what was found of her."""
    begin = ussd_starts.session

    def changed(tx: Tx, settings: Any, hop: Any) -> Any:
        session = begin(tx, settings, hop)
        facts = change(tx, session.member_id, session.facts)
        return replace(session, facts={**session.facts, **facts})

    patch.setattr(ussd_starts, "session", changed)


def savings_of(tx: Tx, member: int) -> int:
    """The member's first account."""
    (account, *_) = directory.accounts(tx, member)
    return account.account_id


def greet_with_the_balance(patch: pytest.MonkeyPatch) -> None:
    """The first screen says how much there is."""

    def greet(tx: Tx, member: int, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"sacco": str(statements.available(tx, savings_of(tx, member)))}

    change_facts(patch, greet)


def offer_what_she_has(patch: pytest.MonkeyPatch) -> None:
    """The amount screen goes no further than her savings."""

    def capped(tx: Tx, member: int, facts: Mapping[str, Any]) -> dict[str, Any]:
        most = max(statements.available(tx, savings_of(tx, member)) // 2, 50_00)
        return {"maximum": min(facts["maximum"], most)}

    change_facts(patch, capped)


def warn_before_the_pin(patch: pytest.MonkeyPatch) -> None:
    """The confirm screen knows whether her savings are enough."""
    prepare = ussd_money.prepare_quote

    def warn(call: Any) -> Any:
        facts: dict[str, Any] = dict(prepare(call))
        has = statements.available(call.tx, call.chosen_account())
        return {**facts, "total": facts["total"] if facts["total"] <= has else 0}

    patch.setitem(cast("dict[str, Any]", ussd_effects.PREPARATIONS), "quote", warn)


def begin_by_history(patch: pytest.MonkeyPatch) -> None:
    """Who has never withdrawn begins in another menu."""

    def start(tx: Tx, member: int, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"start": "main.branch"} if latest.last(tx, member) is None else {}

    change_facts(patch, start)


@pytest.mark.parametrize(
    "take_out",
    [
        greet_with_the_balance,
        offer_what_she_has,
        warn_before_the_pin,
        begin_by_history,
    ],
)
def test_a_leak_is_found(
    twins: Twins, monkeypatch: pytest.MonkeyPatch, take_out: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """The law sees each of the ways in which money could show."""
    take_out(monkeypatch)
    must_fail(monkeypatch, money_is_not_seen(twins))
