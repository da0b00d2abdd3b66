"""Menus that could fail a member are refused before they are served."""

import pytest

from ussd_menus import menu, notices, placeholders, proof
from ussd_menus.checks import FourDigits
from ussd_menus.gsm7 import septets
from ussd_menus.model import LANGUAGES, Ask, Do, End, Menu, Opt, Outcome, Pick, Screens, T
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
    is_root = proof.is_always_root(menu.SCREENS, name)
    rooms = [
        septets(longest(menu.SCREENS[name], language, error=error, is_root=is_root))  # type: ignore[arg-type]
        for error in proof.errors(menu.SCREENS, name)
    ]
    assert [room for room in rooms if room > SEPTETS_MAX] == []


def test_the_last_words_outside_the_menu_fit_too() -> None:
    for notice in notices.ALL:
        assert notice.startswith("END ")
        assert septets(notice.removeprefix("END ")) <= SEPTETS_MAX


def test_option_numbers_are_those_that_members_know() -> None:
    """A key may be added, never moved: members dial them by heart."""
    for name in ("main", "main.open", "main.unsent", "main.stopped", "main.branch"):
        screen = menu.SCREENS[name]
        assert isinstance(screen, Menu)
        assert [(o.key, o.label.en) for o in screen.options] == [
            ("1", "Withdraw to M-PESA"),
            ("2", "Balance"),
            ("3", "Mini statement"),
            ("4", "Last withdrawal"),
            ("5", "PIN and SMS"),
            ("6", "Help"),
            ("7", "Kiswahili"),
        ]


TOLD_AFTER_THE_PIN = ("{balances}", "{lines}", "{code}", "{reason}", "{when}")
"""Savings and history. A withdrawal that is still open is no secret: reference and state."""


def without_pin() -> frozenset[str]:
    """The screens that can be come to without any secret being right."""
    screens = {
        name: Menu(same("-"), ()) if isinstance(screen, Do) else screen
        for name, screen in menu.SCREENS.items()
    }
    return proof.reachable(screens, menu.STARTS)


def test_no_screen_before_the_pin_shows_savings_or_history() -> None:
    """Phones are shared: what a screen shows before a right PIN tells nothing about money."""
    told = [
        (name, fact)
        for name in without_pin()
        for fact in TOLD_AFTER_THE_PIN
        if fact in menu.SCREENS[name].text.en
    ]
    assert told == []
    amounts = {name for name in without_pin() if "{amount}" in menu.SCREENS[name].text.en}
    assert amounts == {"withdraw.confirm"}, "only what she typed herself"


@pytest.mark.parametrize(
    ("proof_effect", "sets"), [("check_pin", "pin.repeat"), ("check_start", "start.repeat")]
)
def test_a_new_pin_can_be_set_only_past_the_proof_of_an_old_one(
    proof_effect: str, sets: str
) -> None:
    """Without the one effect that checks it, the screen that sets a PIN cannot be come to."""
    assert sets in proof.reachable(menu.SCREENS, menu.STARTS)
    screens = {
        name: BYE if isinstance(screen, Do) and screen.effect == proof_effect else screen
        for name, screen in menu.SCREENS.items()
    }
    assert sets not in proof.reachable(screens, menu.STARTS)


def test_every_pin_screen_says_what_a_wrong_and_a_locked_pin_lead_to() -> None:
    no_pin_of_hers = {"check_start", "change_pin", "set_first_pin"}
    for name, screen in menu.SCREENS.items():
        if isinstance(screen, Do) and screen.effect not in no_pin_of_hers:
            leads = {outcome: to.to for outcome, to in screen.outcomes.items()}
            expected = {"wrong_pin": name, "locked": "pin.locked"}
            assert leads | expected | {"locked_by_us": "pin.locked_by_us"} == leads


def test_every_end_after_a_refusal_says_what_became_of_the_money() -> None:
    """In both languages. What was never about money, and what went well, need not say it."""
    fine = {"withdraw.accepted", "balance.shown", "help", "unregistered", "no_pin", "not_active",
            "last.none", "last.paid", "last.open", "last.paid_after_all"}  # fmt: skip
    for name, screen in menu.SCREENS.items():
        if not isinstance(screen, End) or name in fine or ".done" in name or "statement" in name:
            continue
        assert "deducted" in screen.text.en or "savings" in screen.text.en, name
        assert "iliyokatwa" in screen.text.sw or "akiba" in screen.text.sw.lower(), name


def test_a_menu_without_faults_passes() -> None:
    proof.check({"main": Menu(same("Hi"), (option("1"),)), "bye": BYE}, ["main"])


def test_a_screen_that_is_too_long_is_refused() -> None:
    """One septet over is over, and the error line counts."""
    long = Ask(same("x" * 141), "amount", FourDigits(), "bye")
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
    do = Do(same("PIN"), FourDigits(), "act", {"no": Outcome("bye", same("y" * 170))})
    assert "bye: en: 174 septets" in fault_of({"main": do, "bye": BYE})


def test_the_back_line_counts_where_there_is_something_to_go_back_to() -> None:
    """A screen that only begins sessions has none; turning the language does not lead to it."""
    turn = Opt("7", same("x" * 150), "main", other_language=True)
    menu_ = Menu(same("Hi"), (option("1"), turn))
    proof.check({"main": Menu(same(""), (option("1"),)), "bye": BYE}, ["main"])
    assert proof.is_always_root({"main": menu_, "bye": BYE}, "main")
    assert not proof.is_always_root({"main": menu_, "bye": BYE}, "bye")


def test_a_list_is_measured_with_its_longest_rows() -> None:
    """As many rows as a screen takes, each with a name of the greatest length."""
    screens = {"main": Pick(same("x" * 47), "accounts", "account", "bye"), "bye": BYE}
    proof.check(screens, ["main"])
    long = {**screens, "main": Pick(same("x" * 48), "accounts", "account", "bye")}
    assert fault_of(long) == "main: sw: 161 septets"


def test_a_list_whose_rows_nothing_can_write_is_refused() -> None:
    pick = Pick(same("Which?"), "moods", "mood", "bye")
    assert fault_of({"main": pick, "bye": BYE}) == "main: nothing writes a row of mood"


def test_a_screen_that_takes_a_secret_says_so() -> None:
    """The phone in the terminal hides what is typed by these words, and members know them."""
    silent = Do(T("Enter PIN:", "Weka:"), FourDigits(), "act", {"no": Outcome("bye")})
    fault = "main: asks for a secret without saying PIN or ID"
    assert fault_of({"main": silent, "bye": BYE}) == fault


def test_a_secret_that_a_text_could_show_is_refused() -> None:
    shown = Ask(same("PIN?"), "ref", FourDigits(), "bye", secret=True)
    assert fault_of({"main": shown, "bye": BYE}) == "main: the secret ref could be shown"


def test_a_fact_beyond_what_screens_were_measured_with_never_leaves() -> None:
    with pytest.raises(TooLong):
        render(End(same("{ref}")), "en", {"ref": "B" * 161}, is_root=True)


def test_settings_must_fit_the_room_that_screens_leave() -> None:
    placeholders.check_fits("sacco", "Baraza SACCO")
    placeholders.check_fits("hours", "Mon-Fri 8am-5pm, Sat 9-1")
    with pytest.raises(ValueError, match="longer than the 20 septets"):
        placeholders.check_fits("sacco", "[Baraza SACCO Society]")
    with pytest.raises(ValueError, match="outside GSM-7"):
        placeholders.check_fits("sacco", "Barāza")
