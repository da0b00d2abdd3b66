"""Moves through the screens. Pure: the same transcript over the same facts is the same state.

The gateway repeats the whole transcript with every hop, so no session store is needed: every hop
replays it from the start. What an effect did is looked up, never done again; an effect that is due
is only named, and the channel runs it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ussd_menus.model import (
    BACK,
    HOME,
    MORE,
    Ask,
    Do,
    End,
    Facts,
    Language,
    Menu,
    Pick,
    Screens,
    T,
    as_rows,
    takes_secret,
)
from ussd_menus.rendering import pages, render

WRONG_CHOICE = T("Wrong choice.", "Chaguo si sahihi.")
NOT_SEEN = "not_seen"
"""The outcome of a secret that came before its screen was ever shown: nothing happens."""


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
    answers: Facts = field(default_factory=dict, repr=False)
    """What was typed and chosen. PINs may be among it, so it is never stored nor printed."""
    page: int = 0
    """Which part of a list that takes several screens, from 0."""
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
        state = replace(state, stack=state.stack[:1], answers={}, shown={}, page=0)
    elif token == BACK:
        state = _back(screens, state)
    elif isinstance(screen, Menu):
        state = _choose(screens, state, screen, token)
    elif isinstance(screen, Pick):
        state = _pick(screens, state, screen, token)
    elif isinstance(screen, Do) and record is not None and record.outcome is not None:
        state = apply(screens, state, record.outcome, record.facts)
    else:
        is_seen = _is_seen(state.screen, record, recorded(position - 1))
        state = _type(screens, state, screen, token, is_seen=is_seen, is_last=is_last)
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
    if declared.to in state.stack:
        stack = state.stack[: state.stack.index(declared.to) + 1]
        return replace(_at(screens, state, stack), error=declared.error)
    return replace(state, stack=(*state.stack, declared.to), error=declared.error)


def look(screens: Screens, state: State, tokens: Sequence[str]) -> State | None:
    """The state after these tokens, if all that they did was to lead there; else None.

    Before the last of them no secret was asked for and nothing had an effect, so that no hop is
    stored that could change the way.
    """
    for position, token in enumerate(tokens, start=1):
        if must_be_stored(screens, state):
            return None
        state = step(screens, state, token, position, lambda _: None, is_last=False)
    return None if state.language_turned else state


def preparation(screens: Screens, state: State) -> str | None:
    """What must be made before the current screen may be shown, if anything still must."""
    screen = screens[state.screen]
    if isinstance(screen, Do) and screen.prepare and screen.prepare not in state.shown:
        return screen.prepare
    return None


def must_be_stored(screens: Screens, state: State) -> bool:
    """Whether this hop asks for a secret or had an effect, so that it must be remembered."""
    return takes_secret(screens[state.screen]) or state.language_turned or state.outcome is not None


def show(screens: Screens, state: State) -> str:
    """The answer to the gateway for this state."""
    return render(
        screens[state.screen],
        state.language,
        state.facts,
        error=state.error,
        is_root=len(state.stack) == 1,
        page=state.page,
    )


def _back(screens: Screens, state: State) -> State:
    if state.page:
        return replace(state, page=state.page - 1)
    stack = state.stack[:-1] or state.stack
    while len(stack) > 1 and _is_no_choice(screens, state, stack[-1]):
        stack = stack[:-1]
    return replace(_at(screens, state, stack), shown={})


def _at(screens: Screens, state: State, stack: tuple[str, ...]) -> State:
    """Back on an earlier screen: its question is open again, and so is all that came after."""
    asked = [screens[name] for name in stack[:-1]]
    kept = {screen.save for screen in asked if isinstance(screen, Ask | Pick)}
    answers = {name: value for name, value in state.answers.items() if name in kept}
    return replace(state, stack=stack, answers=answers)


def _enter(screens: Screens, state: State, name: str) -> State:
    """On to a screen, and past it where it is a list that leaves no choice."""
    state = replace(state, stack=(*state.stack, name), shown={}, page=0)
    pick = screens[name]
    if not isinstance(pick, Pick) or not _is_no_choice(screens, state, name):
        return state
    answers = {**state.answers, pick.save: as_rows(state.facts[pick.items])[0]}
    return _enter(screens, replace(state, answers=answers), pick.to)


def _is_no_choice(screens: Screens, state: State, name: str) -> bool:
    pick = screens[name]
    return isinstance(pick, Pick) and len(as_rows(state.facts[pick.items])) == 1


def _choose(screens: Screens, state: State, menu: Menu, token: str) -> State:
    chosen = next((option for option in menu.options if option.key == token), None)
    if chosen is None:
        return replace(state, error=WRONG_CHOICE)
    if chosen.other_language:
        other: Language = "sw" if state.language == "en" else "en"
        return replace(state, language=other, language_turned=True)
    return _enter(screens, state, chosen.to)


def _pick(screens: Screens, state: State, pick: Pick, token: str) -> State:
    rows = as_rows(state.facts[pick.items])
    if token == MORE and state.page + 1 < pages(len(rows)):
        return replace(state, page=state.page + 1)
    chosen = {str(number): row for number, row in enumerate(rows, start=1)}.get(token)
    if chosen is None:
        return replace(state, error=WRONG_CHOICE)
    answers = {**state.answers, pick.save: chosen}
    return _enter(screens, replace(state, answers=answers), pick.to)


def _type(
    screens: Screens, state: State, question: Ask | Do, token: str, *, is_seen: bool, is_last: bool
) -> State:
    value = question.check.parse(token, state.facts)
    if value is None:
        return replace(state, error=question.check.error)
    if takes_secret(question) and not is_seen:
        return replace(state, outcome=NOT_SEEN)
    if isinstance(question, Ask):
        answers = {**state.answers, question.save: value}
        return _enter(screens, replace(state, answers=answers), question.to)
    # The hop that should have run the effect never came: the member saw nothing happen.
    return replace(state, due=question.effect) if is_last else replace(state, outcome=NOT_SEEN)


def _is_seen(screen: str, record: Recorded | None, before: Recorded | None) -> bool:
    """Whether a secret was typed on its screen, and not in a dialled string or past a lost hop.

    What the hop itself was answered stands: a hop before it that comes late changes nothing.
    """
    if record is not None and record.outcome == NOT_SEEN:
        return False
    return before is not None and before.screen == screen
