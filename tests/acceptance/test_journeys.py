"""Every journey of a member, played over the real door and compared with how it is written down.

A difference is a change of the product as members see it. `UPDATE_GOLDEN=1 pytest
tests/acceptance/test_journeys.py` writes the files anew; a person reads the diff.
"""

import difflib
import os
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.golden import access, money
from tests.golden.journey import JOURNEYS, Journey
from tests.support import ussd_site
from tests.support.databases import Logins
from tests.support.stories import Stories
from tests.support.story import Story
from tests.support.ussd_site import Site
from ussd_menus import menu
from ussd_menus.engine import NOT_SEEN
from ussd_menus.model import LANGUAGES, Do, Language
from ussd_menus.pin import pin_outcomes

GOLDEN = Path(__file__).parents[1] / "golden"
SUBJECTS = (money, access)
"""Importing them registers their journeys."""
SCREEN = re.compile(r"^    \[(?:CON|END) (\S+) \d+/160(?: (\w+))?\]$", re.MULTILINE)
"""A screen's name, and the outcome that led to it.  A dialled string's outcomes are not told."""
A_PRODUCT_CHANGE = (
    "Members would see something else than before. If that is meant, write it down with"
    " UPDATE_GOLDEN=1 and let a person read the diff:"
)
SHARED_OUTCOMES = set(pin_outcomes("any"))
"""What every screen does with a wrong PIN, the same way; not each of them is played for it."""
UNPLAYED_OUTCOMES = {"returned", "not_possible", "not_now", "weak"}
"""Reached by no step of today, or only through a fault inside Baraza. A weak PIN is refused by the
screen before."""
UNPLAYED = {"last.returned", "withdraw.not_now"}
"""No step of today leads to the first; to the second only a fault inside Baraza does."""


@pytest.fixture(scope="module")
def site(redis_server: str, database_server: Logins, database_template: str) -> Iterator[Site]:
    """One door for all journeys: each has members of its own."""
    with ussd_site.on_its_own(database_server, database_template, redis_server) as running:
        yield running


@pytest.fixture(scope="module")
def stories(site: Site) -> Iterator[Stories]:
    made = Stories(site.db, site.settings.redis_url, priced=True)
    yield made
    made.redis.close()


def play(site: Site, stories: Stories, journey: Journey, language: Language) -> Story:
    """The journey in one language, by a member who is new."""
    story = Story(site, stories, language)
    story.member_id = site.member(story.number, pin=journey.pin, language=language)
    try:
        journey.play(story)
    finally:
        story.calm()
    story.read_sms()
    return story


def compare(path: Path, told: str) -> None:
    """Fail unless this is what is written down, or write it down."""
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(told, "utf-8")
    before = path.read_text("utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        before.splitlines(), told.splitlines(), f"{path.name} as written", "as played", lineterm=""
    )
    difference = "\n".join(lines)
    if difference:
        pytest.fail(f"{A_PRODUCT_CHANGE}\n{difference}", pytrace=False)


@pytest.mark.parametrize("name", sorted(JOURNEYS))
def test_a_journey_goes_as_it_is_written_down(site: Site, stories: Stories, name: str) -> None:
    """In both languages: the same screens in the same order, the same options, the same SMS."""
    journey = JOURNEYS[name]
    english = play(site, stories, journey, "en")
    swahili = play(site, stories, journey, "sw")
    assert english.seen == swahili.seen
    assert english.texted == swahili.texted
    for story in (english, swahili):
        compare(GOLDEN / f"{name}.{story.language}.txt", story.written(journey.title))


def test_no_journey_is_written_down_that_is_not_played() -> None:
    written = {path.name for path in GOLDEN.glob("*.txt")}
    assert written == {f"{name}.{language}.txt" for name in JOURNEYS for language in LANGUAGES}


def test_the_journeys_come_past_every_screen() -> None:
    """A screen that nobody has played is a screen that nobody has read."""
    seen = {screen for shown in played() for screen, _ in shown}
    assert menu.SCREENS.keys() - seen == UNPLAYED
    assert seen <= menu.SCREENS.keys()


def test_the_journeys_come_to_every_outcome_of_every_effect() -> None:
    """What an effect can say is what its screen declares, no more and no less."""
    declared = {
        (name, outcome)
        for name, screen in menu.SCREENS.items()
        if isinstance(screen, Do)
        for outcome in screen.outcomes
    }
    happened = {
        (before, outcome)
        for shown in played()
        for (before, _), (_, outcome) in pairwise(shown)
        if outcome and outcome != NOT_SEEN
    }
    assert happened <= declared
    missing = declared - happened
    assert {outcome for _, outcome in missing} <= UNPLAYED_OUTCOMES | SHARED_OUTCOMES
    assert {outcome for _, outcome in happened} >= SHARED_OUTCOMES


def played() -> Iterator[list[tuple[str, str]]]:
    """The screens of each journey with the outcomes that led to them, as they are written down."""
    for path in sorted(GOLDEN.glob("*.en.txt")):
        yield SCREEN.findall(path.read_text("utf-8"))


def test_a_changed_word_is_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison shows both sides and says what to do; it writes only when it is told to."""
    monkeypatch.delenv("UPDATE_GOLDEN", raising=False)
    written = tmp_path / "journey.en.txt"
    written.write_text("Enter amount:\n", "utf-8")
    with pytest.raises(pytest.fail.Exception, match=r"(?s)UPDATE_GOLDEN=1.*-Enter.*\+Type") as told:
        compare(written, "Type amount:\n")
    assert "journey.en.txt" in str(told.value)
    assert written.read_text("utf-8") == "Enter amount:\n"
    monkeypatch.setenv("UPDATE_GOLDEN", "1")
    compare(written, "Type amount:\n")
    assert written.read_text("utf-8") == "Type amount:\n"


def test_a_pin_is_in_no_dialogue() -> None:
    """What is read by people never holds one, save where it was typed in the clear."""
    for path in GOLDEN.glob("*.txt"):
        text = path.read_text("utf-8")
        dialled = "deep_dial" in path.name
        for pin in ("4071", "8305", "3344"):
            assert dialled or pin not in text, path.name
