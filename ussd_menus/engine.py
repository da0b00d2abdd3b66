"""Moves through the screens. Pure: the same transcript over the same facts is the same state.

The gateway repeats the whole transcript with every hop, so no session store is needed: every hop
replays it from the start. What an effect did is looked up, never done again; an effect that is due
is only named, and the channel runs it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ussd_menus.model import (
    BACK,
    HOME,
    Ask,
    Do,
    End,
    Facts,
    Language,
    Menu,
    Screen,
    Screens,
    T,
    Value,
)
from ussd_menus.rendering import render

WRONG_CHOICE = T("Wrong choice.", "Chaguo si sahihi.")
NOT_SEEN = "not_seen"
"""The outcome of a PIN that came before its screen was ever shown: nothing happens."""


class UndeclaredOutcome(Exception):
    """An effect ended in a way that its screen does not know."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is stored of a hop: the screen it ended on, what its effect did, what it showed."""

    screen: str
    outcome: str | None = None
    facts: Facts = field(default_factory=dict)


Lookup = Callable[[int], Recorded | None]
"""Finds what is stored of the hop that ended with this token. They count from 1; 0 is the dial."""


@dataclass(frozen=True, slots=True)
class State:
    """Where a session stands. The last screen of `stack` is the one that is shown."""

    stack: tuple[str, ...]
    language: Language
    first_facts: Facts
    answers: Mapping[str, Value] = field(default_factory=dict)
    shown: Facts = field(default_factory=dict)
    """What was stored with the current screen: a quote, a reference, the tries left."""
    error: T | None = None
    due: str | None = None
    """An effect that the last token set off and that has not run yet."""
    outcome: str | None = None
    """What the last token's effect did, when that is known."""
    language_turned: bool = False
    """Whether the other language was chosen since the last stored hop."""

    @property
    def screen(self) -> str:
        """The id of the screen that is shown."""
        return self.stack[-1]

    @property
    def facts(self) -> Facts:
        """Everything that the screen may show."""
        return {**self.first_facts, **self.answers, **self.shown}


def begin(start: str, language: Language, first_facts: Facts) -> State:
    """The state on the session's first screen."""
    return State((start,), language, first_facts)


def replay(screens: Screens, state: State, tokens: Sequence[str], recorded: Lookup) -> State:
    """The state after all of these tokens. `due` names the effect that the last one sets off.

    Raises:
        UndeclaredOutcome: what is recorded does not belong to this menu.
    """
    for position, token in enumerate(tokens, start=1):
        state = step(screens, state, token, position, recorded, is_last=position == len(tokens))
    return state


def step(
    screens: Screens,
    state: State,
    token: str,
    position: int,
    recorded: Lookup,
    *,
    is_last: bool,
) -> State:
    """The state after one more token."""
    screen = screens[state.screen]
    if isinstance(screen, End):
        return replace(state, outcome=None)
    state = replace(state, error=None, outcome=None)
    record = recorded(position)
    if token == HOME:
        state = replace(state, stack=state.stack[:1], answers={}, shown={})
    elif token == BACK:
        state = _back(screens, state)
    elif isinstance(screen, Menu):
        state = _choose(state, screen, token)
    elif isinstance(screen, Ask):
        state = _keep(state, screen, token)
    elif screen.check.parse(token, state.facts) is None:
        state = replace(state, error=screen.check.error)
    elif record is not None and record.outcome is not None:
        return apply(screens, state, record.outcome, record.facts)
    elif is_last and _was_shown(recorded(position - 1), state.screen):
        return replace(state, due=screen.effect)
    else:
        state = replace(state, outcome=NOT_SEEN)
    if record is None:
        return state
    return replace(state, shown={**state.shown, **record.facts}, language_turned=False)


def apply(screens: Screens, state: State, outcome: str, facts: Facts) -> State:
    """The state once the effect that was due has ended this way.

    Raises:
        UndeclaredOutcome: the screen declares no such outcome.
    """
    screen = screens[state.screen]
    state = replace(state, shown={**state.shown, **facts}, outcome=outcome, due=None)
    if outcome == NOT_SEEN:
        return state
    if not isinstance(screen, Do) or outcome not in screen.outcomes:
        raise UndeclaredOutcome(f"{outcome} on {state.screen}")
    declared = screen.outcomes[outcome]
    if declared.to != state.screen:
        state = replace(state, stack=(*state.stack, declared.to))
    return replace(state, error=declared.error)


def preparation(screens: Screens, state: State) -> str | None:
    """What must be made before the current screen may be shown, if anything still must."""
    screen = screens[state.screen]
    if isinstance(screen, Do) and screen.prepare and screen.prepare not in state.shown:
        return screen.prepare
    return None


def must_be_stored(screens: Screens, state: State) -> bool:
    """Whether this hop leads to an effect or had one, so that its answer must be remembered."""
    return (
        isinstance(screens[state.screen], Do) or state.language_turned or state.outcome is not None
    )


def show(screens: Screens, state: State) -> str:
    """The answer to the gateway for this state."""
    return render(
        screens[state.screen],
        state.language,
        state.facts,
        error=state.error,
        is_root=len(state.stack) == 1,
    )


def _back(screens: Screens, state: State) -> State:
    stack = state.stack[:-1] or state.stack
    # The question that is open again has no answer, and nothing that was made from the old one.
    reopened: Screen = screens[stack[-1]]
    forgotten = reopened.save if isinstance(reopened, Ask) else None
    answers = {name: value for name, value in state.answers.items() if name != forgotten}
    return replace(state, stack=stack, answers=answers, shown={})


def _choose(state: State, menu: Menu, token: str) -> State:
    chosen = next((option for option in menu.options if option.key == token), None)
    if chosen is None:
        return replace(state, error=WRONG_CHOICE)
    if chosen.other_language:
        other: Language = "sw" if state.language == "en" else "en"
        return replace(state, language=other, language_turned=True)
    return replace(state, stack=(*state.stack, chosen.to), shown={})


def _keep(state: State, question: Ask, token: str) -> State:
    value = question.check.parse(token, state.facts)
    if value is None:
        return replace(state, error=question.check.error)
    answers = {**state.answers, question.save: value}
    return replace(state, stack=(*state.stack, question.to), answers=answers, shown={})


def _was_shown(before: Recorded | None, screen: str) -> bool:
    return before is not None and before.screen == screen
