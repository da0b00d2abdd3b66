"""What the terminal phone shows and how it takes keys. Without any network."""

from datetime import UTC, datetime

import pytest

from app.commands.dial import newest
from app.commands.handset import Screen, Sms
from app.commands.keys import Line
from ussd_menus import menu
from ussd_menus.model import LANGUAGES, End, Language, takes_secret
from ussd_menus.proof import errors, is_always_root
from ussd_menus.rendering import longest


def screen(text: str, *, is_open: bool = True) -> Screen:
    return Screen(text, is_open=is_open, milliseconds=7)


@pytest.mark.parametrize(
    ("text", "is_open", "shown"),
    [
        ("Withdraw KES 1,500\nEnter PIN to confirm", True, "••••"),
        ("Toa KES 1,500\nWeka PIN kuthibitisha", True, "••••"),
        ("Enter amount", True, "4071"),
        ("SHIPPING", True, "4071"),
        ("Wrong PIN too often.", False, "4071"),
        ("PIN and SMS\n1 Change PIN\n2 Balance in SMS receipts\n0 Back", True, "4071"),
        ("Enter the last 4 digits of your ID number:\n0 Back", True, "••••"),
    ],
)
def test_a_pin_is_dots_and_nothing_else_is(text: str, *, is_open: bool, shown: str) -> None:
    assert screen(text, is_open=is_open).readable("4071") == shown


@pytest.mark.parametrize("name", sorted(menu.SCREENS))
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_phone_knows_by_its_words_every_screen_that_takes_a_secret(
    name: str, language: Language
) -> None:
    """With any line of error above it: the phone hides what it is told, and nothing else."""
    asked = menu.SCREENS[name]
    for error in errors(menu.SCREENS, name):
        is_root = is_always_root(menu.SCREENS, name)
        shown = screen(longest(asked, language, error=error, is_root=is_root))
        assert shown.asks_for_secret == takes_secret(asked) or isinstance(asked, End)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("abc", "3 of 160 septets"),
        ("€5", "3 of 160 septets"),
        ("naïve", "has letters that phones cannot show"),
    ],
)
def test_the_size_of_a_screen_is_counted_as_the_network_does(text: str, size: str) -> None:
    assert screen(text).size == size


def test_only_a_last_screen_promises_an_sms() -> None:
    assert screen("You will get an SMS.", is_open=False).promises_sms
    assert not screen("You will get an SMS.", is_open=True).promises_sms
    assert not screen("Goodbye.", is_open=False).promises_sms


@pytest.mark.parametrize(
    ("keys", "text", "is_sent", "is_closed"),
    [
        (["1", "5", "0", "0", "\n"], "1500", True, False),
        (["15", "\x7f", "6\r"], "16", True, False),
        (["\x7f", "1"], "1", False, False),
        (["\x1b[A", "1"], "1", False, False),
        (["\x07\t1"], "1", False, False),
        (["\x04"], "", False, True),
        (["1", "\x04"], "1", False, False),
        (["9" * 300], "9" * 160, False, False),
    ],
)
def test_keys_become_a_line(keys: list[str], text: str, *, is_sent: bool, is_closed: bool) -> None:
    line = Line()
    for pressed in keys:
        line.take(pressed)
    assert (line.text, line.is_sent, line.is_closed) == (text, is_sent, is_closed)


def test_the_newest_sms_come_first() -> None:
    inbox = [Sms(str(n), "BARAZA", "x", datetime(2026, 11, 23, tzinfo=UTC)) for n in range(5)]
    assert [sms.id for sms in newest(inbox, 3)] == ["4", "3", "2"]
    assert newest(inbox[:1], 3) == inbox[:1]
