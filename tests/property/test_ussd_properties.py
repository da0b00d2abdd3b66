"""What must be true of the real menu whatever anybody types, and proof that each law can fail.

Most laws stand in `test_ussd_engine`; here are those about the menu as a whole, and for every law
a test that takes its rule out and sees it fail. Laws about effects run at the real door, in
`tests/integration/test_ussd_repeats.py` and `test_ussd_secrets.py`; privacy in `test_privacy.py`.
"""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.property import test_ussd_engine as laws
from tests.property.test_ussd_engine import PATHS, SECRETS, SPOKEN, STARTS, TOKENS
from tests.support.dialogue import Dialogue
from tests.support.mutants import must_fail
from ussd_menus import checks, engine, menu, proof
from ussd_menus.engine import State
from ussd_menus.model import (
    LANGUAGES,
    Ask,
    Do,
    End,
    Language,
    Menu,
    Opt,
    Outcome,
    Pick,
    Screen,
    Screens,
    T,
    takes_secret,
)
from ussd_menus.rendering import longest

NAMES = st.sampled_from(sorted(menu.SCREENS))
SERVED = cast("dict[str, Screen]", menu.SCREENS)
"""The menu as the door serves it, to break."""
OTHER_DIGITS = ("\u0660\u06f0\u0966", "\uff10")
ZEROES = st.sampled_from("".join(OTHER_DIGITS))


# The menu as a whole: a fault put into any of its screens is found before a member sees it.


def with_text(screen: Screen, change: Callable[[T], T]) -> Screen:
    """The screen with another text."""
    return replace(screen, text=change(screen.text))


def with_targets(screen: Screen, name: str) -> Screen | None:
    """The screen leading only to another one; None if it leads nowhere."""
    match screen:
        case Menu():
            options = tuple(
                option if option.other_language else replace(option, to=name)
                for option in screen.options
            )
            return replace(screen, options=options)
        case Ask() | Pick():
            return replace(screen, to=name)
        case Do():
            return replace(screen, outcomes={key: Outcome(name) for key in screen.outcomes})
        case End():
            return None


def with_options(screen: Screen, *more: Opt) -> Screen | None:
    """The menu with further options; None if it is no menu."""
    return replace(screen, options=(*screen.options, *more)) if isinstance(screen, Menu) else None


BACK_AGAIN = Opt("0", T("Back", "Rudi"), "help")
FAULTS: dict[str, Callable[[Screen], Screen | None]] = {
    "English too long": lambda s: with_text(s, lambda t: T(t.en + "x" * 161, t.sw)),
    "Swahili too long": lambda s: with_text(s, lambda t: T(t.en, t.sw + "x" * 161)),
    "a letter that phones lack": lambda s: with_text(s, lambda t: T(t.en + "\u2013", t.sw)),
    "a fact in one language": lambda s: with_text(s, lambda t: T(t.en, t.sw + "{when}{tries}")),
    "a fact that nobody knows": lambda s: with_text(s, lambda t: T(t.en + "{x}", t.sw + "{x}")),
    "a target that is not there": lambda s: with_targets(s, "nowhere"),
    "a taken key": lambda s: with_options(s, BACK_AGAIN),
    "the same key twice": lambda s: with_options(s, replace(BACK_AGAIN, key="1")),
    "a secret asked for without a word": lambda s: (
        with_text(s, lambda _: T("Enter:", "Weka:")) if takes_secret(s) else None
    ),
}


@given(NAMES, st.sampled_from(sorted(FAULTS)))
def test_a_fault_in_any_screen_is_found(name: str, fault: str) -> None:
    """Length, letters, facts, targets and keys are proved for every screen that there is."""
    broken = FAULTS[fault](menu.SCREENS[name])
    assume(broken is not None)
    assert broken is not None
    with pytest.raises(proof.BadMenu):
        proof.check({**menu.SCREENS, name: broken}, menu.STARTS)


@given(NAMES)
def test_a_screen_without_a_way_to_an_end_is_found(name: str) -> None:
    """And one that nobody can come to."""
    closed = with_targets(menu.SCREENS[name], name)
    if closed is not None and not isinstance(closed, Menu):
        with pytest.raises(proof.BadMenu, match=r"leads to no end|cannot be reached"):
            proof.check({**menu.SCREENS, name: closed}, menu.STARTS)
    alone: Screens = {**menu.SCREENS, "alone": End(T("Alone", "Peke"))}
    with pytest.raises(proof.BadMenu, match="alone: cannot be reached"):
        proof.check(alone, menu.STARTS)


def test_the_menu_as_it_is_has_no_fault() -> None:
    """So that what the two laws above find is the fault they put in."""
    proof.check(menu.SCREENS, menu.STARTS)


@given(NAMES, st.data())
def test_both_languages_have_the_same_keys_in_the_same_order(
    name: str, data: st.DataObject
) -> None:
    """As they are written on the screen, not only as they are declared."""
    screen = menu.SCREENS[name]
    error = data.draw(st.sampled_from(proof.errors(menu.SCREENS, name)))
    written = [
        re.findall(r"^(\d+) ", longest(screen, spoken, error=error, is_root=False), re.MULTILINE)
        for spoken in LANGUAGES
    ]
    assert written[0] == written[1]


# What is typed.


@given(st.sampled_from(sorted(PATHS)), ZEROES, st.text("0123456789", min_size=1, max_size=6))
def test_digits_of_other_scripts_mean_nothing(effect: str, zero: str, typed: str) -> None:
    """`str.isdigit` takes them for digits; on any screen of a path they are a wrong reply."""
    start, keys = PATHS[effect]
    foreign = "".join(chr(ord(zero) + int(digit)) for digit in typed)
    session = Dialogue(start=start)
    session.dial()
    for token in keys:
        before = session.state(session.tokens)
        wrong = session.state((*session.tokens, foreign))
        assert (wrong.stack, wrong.answers) == (before.stack, before.answers)
        session.reply(token)
    session.reply(foreign)
    assert effect not in [ran for ran, _ in session.effects]


@given(
    st.sampled_from(sorted(PATHS)),
    st.sampled_from(SECRETS),
    st.lists(TOKENS, max_size=4),
    st.lists(st.integers(0, 9), max_size=12),
)
def test_repeats_on_the_way_to_an_effect_change_nothing(
    effect: str, secret: str, more: list[str], order: list[int]
) -> None:
    """Each hop comes in its turn, and any of those before it may come again: one effect each."""
    start, keys = PATHS[effect]
    tokens = (*keys, secret, *more)
    session = Dialogue(start=start)
    answers: dict[tuple[str, ...], str] = {}
    repeats = iter(order)
    for length in range(len(tokens) + 1):
        for again in (length, min(next(repeats, 0), length), length):
            transcript = tokens[:again]
            body = session.hop(transcript)
            if transcript in session.hops:
                assert answers.setdefault(transcript, body) == body
    transcripts = [transcript for _, transcript in session.effects]
    assert len(set(transcripts)) == len(transcripts)
    assert tokens[: len(keys) + 1] in transcripts


@given(STARTS, SPOKEN, st.lists(TOKENS, max_size=8))
def test_an_end_is_the_end(start: str, language: Language, tokens: list[str]) -> None:
    """Nothing that is typed after the last screen does anything or shows another."""
    session = Dialogue(start=start, language=language)
    session.dial()
    session.reply("6", *tokens)
    last = session.state(session.tokens)
    assume(isinstance(menu.SCREENS[last.screen], End))
    ran = list(session.effects)
    for token in ("0", "00", "1", "4071"):
        session.reply(token)
    assert session.state(session.tokens).stack == last.stack
    assert session.effects == ran


# Each law with its rule taken out.


def lengthen_help(patch: pytest.MonkeyPatch) -> None:
    """A screen that nobody measured."""
    long = with_text(menu.SCREENS["help"], lambda t: T(t.en + "x" * 161, t.sw + "x" * 161))
    patch.setitem(SERVED, "help", long)


def insist_on_a_choice(patch: pytest.MonkeyPatch) -> None:
    """A key that is no option is not asked for again."""

    def choose(_: Screens, state: State, asked: Menu, token: str) -> State:
        (option,) = (option for option in asked.options if option.key == token)
        return replace(state, stack=(*state.stack, option.to))

    patch.setattr(engine, "_choose", choose)


def remember_across_sessions(patch: pytest.MonkeyPatch) -> None:
    """The engine has a memory of its own."""
    turns = itertools.count()
    shown = engine.show

    def show(screens: Screens, state: State) -> str:
        return shown(screens, state) if next(turns) % 7 else "END "

    patch.setattr(engine, "show", show)


def keep_what_was_typed(patch: pytest.MonkeyPatch) -> None:
    """Going back forgets nothing."""

    def at(_: Screens, state: State, stack: tuple[str, ...]) -> State:
        return replace(state, stack=stack)

    patch.setattr(engine, "_at", at)


def turn_home_off(patch: pytest.MonkeyPatch) -> None:
    """00 is no key any more."""
    patch.setattr(engine, "HOME", "home")


def take_any_digits(patch: pytest.MonkeyPatch) -> None:
    """Digits are what Unicode calls so."""
    patch.setattr(checks, "_FOUR_DIGITS", re.compile(r"\d{4}"))


def store_questions_only(patch: pytest.MonkeyPatch) -> None:
    """What an effect did is not remembered."""
    patch.setattr(
        engine,
        "must_be_stored",
        lambda screens, state: takes_secret(screens[state.screen]) and state.outcome is None,
    )


def trust_every_secret(patch: pytest.MonkeyPatch) -> None:
    """A PIN counts wherever it stands."""
    patch.setattr(engine, "_is_seen", lambda *_: True)


def print_answers(patch: pytest.MonkeyPatch) -> None:
    """A state shows all that it holds."""
    patch.setattr(State, "__repr__", lambda state: f"{state.stack} {state.answers}")


def forget_an_outcome(patch: pytest.MonkeyPatch) -> None:
    """A wrong PIN has no screen."""
    for name, screen in menu.SCREENS.items():
        if isinstance(screen, Do):
            known = {said: to for said, to in screen.outcomes.items() if said != "wrong_pin"}
            patch.setitem(SERVED, name, replace(screen, outcomes=known))


def forget_the_proof(patch: pytest.MonkeyPatch) -> None:
    """The menu is served as it is."""
    patch.setattr(proof, "check", lambda *_: None)


def go_on_after_the_end(patch: pytest.MonkeyPatch) -> None:
    """The last screen takes keys like any other."""
    steps = engine.step

    def step(screens: Screens, state: State, token: str, *others: Any, **more: Any) -> State:
        if isinstance(screens[state.screen], End) and len(state.stack) > 1:
            state = replace(state, stack=state.stack[:-1])
        return steps(screens, state, token, *others, **more)

    patch.setattr(engine, "step", step)


MUTANTS: list[tuple[Callable[[], None], Callable[[pytest.MonkeyPatch], None]]] = [
    (laws.test_screens_fit_with_any_facts_in_their_bounds, lengthen_help),
    (test_a_fault_in_any_screen_is_found, forget_the_proof),
    (test_a_screen_without_a_way_to_an_end_is_found, forget_the_proof),
    (laws.test_any_keys_get_a_screen_that_fits, insist_on_a_choice),
    (laws.test_any_keys_get_a_screen_that_fits, lengthen_help),
    (laws.test_the_same_keys_always_lead_to_the_same_screens, remember_across_sessions),
    (test_digits_of_other_scripts_mean_nothing, take_any_digits),
    (laws.test_back_undoes_the_last_forward_move, keep_what_was_typed),
    (laws.test_home_leads_to_the_first_screen_with_nothing_typed, turn_home_off),
    (test_repeats_on_the_way_to_an_effect_change_nothing, store_questions_only),
    (laws.test_a_secret_counts_only_on_a_screen_that_was_served, trust_every_secret),
    (laws.test_no_secret_is_in_what_a_hop_stores_or_a_state_prints, print_answers),
    (laws.test_every_declared_outcome_has_a_screen, forget_an_outcome),
    (test_an_end_is_the_end, go_on_after_the_end),
]


@pytest.mark.parametrize(
    ("law", "take_out"),
    MUTANTS,
    ids=[f"{law.__name__}-{take_out.__name__}" for law, take_out in MUTANTS],
)
def test_a_law_fails_without_its_rule(
    monkeypatch: pytest.MonkeyPatch,
    law: Callable[[], None],
    take_out: Callable[[pytest.MonkeyPatch], None],
) -> None:
    """A property that cannot fail is a defect."""
    take_out(monkeypatch)
    must_fail(monkeypatch, law)
