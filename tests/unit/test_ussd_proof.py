"""Menus that could fail a member are refused before they are served."""

import pytest

from ussd_menus import menu, notices, placeholders, proof
from ussd_menus.checks import FourDigits
from ussd_menus.gsm7 import septets
from ussd_menus.model import LANGUAGES, Ask, Do, End, Menu, Opt, Outcome, Screens, T
from ussd_menus.rendering import SEPTETS_MAX, TooLong, longest, render

BYE = End(T("Bye", "Kwaheri"))


def same(text: str) -> T:
    return T(text, text)


def option(key: str, to: str = "bye") -> Opt:
    return Opt(key, same("Go"), to)


def fault_of(screens: Screens, start: str = "main") -> str:
    with pytest.raises(proof.BadMenu) as refused:
        proof.check(screens, [start])
    return str(refused.value)


@pytest.mark.parametrize("name", menu.SCREENS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_fits_a_phone_with_every_fact_at_its_longest(name: str, language: str) -> None:
    """160 septets in both languages, with each error line that can stand above it."""
    screen = menu.SCREENS[name]
    rooms = [
        septets(longest(screen, language, error=error, is_root=False))  # type: ignore[arg-type]
        for error in proof.errors(screen)
    ]
    assert [room for room in rooms if room > SEPTETS_MAX] == []


def test_the_last_words_outside_the_menu_fit_too() -> None:
    for notice in notices.ALL:
        assert notice.startswith("END ")
        assert septets(notice.removeprefix("END ")) <= SEPTETS_MAX


def test_option_numbers_are_those_that_members_know() -> None:
    """A key may be added, never moved: members dial them by heart."""
    for name in ("main", "main.open", "main.stopped"):
        screen = menu.SCREENS[name]
        assert isinstance(screen, Menu)
        assert [(o.key, o.label.en) for o in screen.options] == [
            ("1", "Withdraw to M-PESA"),
            ("2", "Balance"),
            ("7", "Kiswahili"),
        ]


def test_no_screen_before_the_pin_shows_a_balance() -> None:
    """Phones are shared: what a screen shows before a right PIN tells nothing about savings."""
    after_pin = {
        outcome.to
        for screen in menu.SCREENS.values()
        if isinstance(screen, Do)
        for outcome in screen.outcomes.values()
    }
    shows = {name for name, s in menu.SCREENS.items() if "{available}" in s.text.en}
    assert shows == {"balance.shown"}
    assert shows <= after_pin


def test_a_menu_without_faults_passes() -> None:
    proof.check({"main": Menu(same("Hi"), (option("1"),)), "bye": BYE}, ["main"])


def test_a_screen_that_is_too_long_is_refused() -> None:
    """One septet over is over, and the error line counts."""
    long = Ask(same("x" * 134), "amount", FourDigits(), "bye")
    assert "main: en: 161 septets" in fault_of({"main": long, "bye": BYE}).splitlines()


def test_a_letter_that_phones_cannot_show_is_refused() -> None:
    assert "main: sw: '\u2019' (U+2019)" in fault_of({"main": End(T("ng'", "ng\u2019"))})


def test_languages_must_show_the_same_facts() -> None:
    assert fault_of({"main": End(T("{ref}", "-"))}) == "main: the languages show different facts"


def test_a_fact_without_a_longest_value_is_refused() -> None:
    assert fault_of({"main": End(same("{mood}"))}) == "main: unknown facts ['mood']"


def test_missing_targets_are_named() -> None:
    screens = {"main": Menu(same("Hi"), (option("1", "gone"),))}
    assert fault_of(screens, "nowhere").splitlines() == [
        "nowhere: no such start",
        "main: leads to gone",
    ]


def test_screens_that_nobody_can_reach_or_leave_are_refused() -> None:
    """A dead end would keep a member until the network hangs up."""
    ring = Menu(same("Hi"), (option("1", "main"),))
    assert fault_of({"main": ring, "bye": BYE}).splitlines() == [
        "bye: cannot be reached",
        "main: leads to no end",
    ]


@pytest.mark.parametrize("keys", [("1", "1"), ("0",), ("00",), ("98",)])
def test_keys_are_unique_and_leave_back_home_and_more_alone(keys: tuple[str, ...]) -> None:
    screens: Screens = {"main": Menu(same("Hi"), tuple(map(option, keys))), "bye": BYE}
    assert fault_of(screens) == f"main: bad keys {list(keys)}"


def test_more_than_seven_options_confuse() -> None:
    options = tuple(option(str(key)) for key in range(1, 9))
    assert fault_of({"main": Menu(same("Hi"), options), "bye": BYE}) == "main: 8 options"


def test_errors_of_outcomes_are_measured() -> None:
    """The line after a wrong PIN stands above the longest screen of all."""
    do = Do(same("Hi"), FourDigits(), "act", {"no": Outcome("bye", same("y" * 170))})
    assert "main: en: 180 septets" in fault_of({"main": do, "bye": BYE})


def test_a_fact_beyond_what_screens_were_measured_with_never_leaves() -> None:
    with pytest.raises(TooLong):
        render(End(same("{ref}")), "en", {"ref": "B" * 161}, is_root=True)


def test_settings_must_fit_the_room_that_screens_leave() -> None:
    placeholders.check_fits("sacco", "Baraza SACCO")
    with pytest.raises(ValueError, match="longer than the 20 septets"):
        placeholders.check_fits("sacco", "[Baraza SACCO Society]")
    with pytest.raises(ValueError, match="outside GSM-7"):
        placeholders.check_fits("sacco", "Barāza")
