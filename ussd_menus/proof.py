"""Refuses a menu that could fail a member: too long, untranslated, or without a way out."""

from collections.abc import Iterator, Sequence

from ussd_menus.engine import WRONG_CHOICE
from ussd_menus.gsm7 import septets
from ussd_menus.model import (
    BACK,
    HOME,
    LANGUAGES,
    MORE,
    Ask,
    Do,
    End,
    Language,
    Menu,
    Pick,
    Screen,
    Screens,
    T,
    takes_secret,
)
from ussd_menus.placeholders import PLACEHOLDERS
from ussd_menus.rendering import SEPTETS_MAX, longest, placeholders

OPTIONS_MAX = 7
"""Longer lists confuse (MicroSave, 2015)."""

SECRET_WORDS = ("PIN", "(ID)", "ID number")
"""One of them stands on every screen that takes a secret, in both languages."""


class BadMenu(Exception):
    """The menu must not be served. Every fault, one line each."""


def check(screens: Screens, starts: Sequence[str]) -> None:
    """Prove the menu.

    Raises:
        BadMenu: a screen is too long or cannot be written, a fact has no longest value, a target
            is missing, a screen cannot be reached or left, an option has a reserved key, or a
            screen takes a secret without saying so or keeps one where it could be shown.
    """
    faults = [*_missing_targets(screens, starts)]
    if not faults:
        faults = [*_unreachable(screens, starts), *_without_end(screens)]
        for name, screen in screens.items():
            found = (*_texts(screens, name), *_options(screen), *_lists(screen), *_secrets(screen))
            faults += [f"{name}: {fault}" for fault in found]
    if faults:
        raise BadMenu("\n".join(faults))


def errors(screens: Screens, name: str) -> tuple[T | None, ...]:
    """Every error line that can stand above a screen, and none."""
    screen = screens[name]
    own: tuple[T, ...] = ()
    if isinstance(screen, Menu | Pick):
        own = (WRONG_CHOICE,)
    elif isinstance(screen, Ask | Do):
        own = (screen.check.error,)
    effects = [other for other in screens.values() if isinstance(other, Do)]
    leading_here = [
        outcome.error
        for effect in effects
        for outcome in effect.outcomes.values()
        if outcome.to == name and outcome.error
    ]
    return (None, *own, *dict.fromkeys(leading_here))


def is_always_root(screens: Screens, name: str) -> bool:
    """Whether a screen only ever begins a session, so that there is nothing to go back to."""
    return all(name not in _onward(screen) for screen in screens.values())


def targets(screen: Screen) -> tuple[str, ...]:
    """Where a screen can lead, going back apart."""
    if isinstance(screen, Menu):
        return tuple(option.to for option in screen.options)
    if isinstance(screen, Ask | Pick):
        return (screen.to,)
    if isinstance(screen, Do):
        return tuple(outcome.to for outcome in screen.outcomes.values())
    return ()


def _onward(screen: Screen) -> tuple[str, ...]:
    if isinstance(screen, Menu):
        return tuple(option.to for option in screen.options if not option.other_language)
    return targets(screen)


def reachable(screens: Screens, sources: Sequence[str]) -> frozenset[str]:
    """The screens that can be come to from these, themselves among them."""
    found: set[str] = set()
    waiting = list(sources)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(targets(screens[name]))
    return frozenset(found)


def _missing_targets(screens: Screens, starts: Sequence[str]) -> Iterator[str]:
    yield from (f"{name}: no such start" for name in starts if name not in screens)
    for name, screen in screens.items():
        yield from (f"{name}: leads to {to}" for to in targets(screen) if to not in screens)


def _unreachable(screens: Screens, starts: Sequence[str]) -> Iterator[str]:
    seen = reachable(screens, starts)
    yield from (f"{name}: cannot be reached" for name in screens if name not in seen)


def _without_end(screens: Screens) -> Iterator[str]:
    for name in screens:
        if not any(isinstance(screens[to], End) for to in reachable(screens, [name])):
            yield f"{name}: leads to no end"


def _texts(screens: Screens, name: str) -> Iterator[str]:
    screen, is_root = screens[name], is_always_root(screens, name)
    for error in errors(screens, name):
        names = {language: placeholders(screen, error, language) for language in LANGUAGES}
        if names["en"] != names["sw"]:
            yield "the languages show different facts"
        unknown = (names["en"] | names["sw"]) - PLACEHOLDERS.keys()
        if unknown:
            yield f"unknown facts {sorted(unknown)}"
        elif not isinstance(screen, Pick) or screen.save in PLACEHOLDERS:
            for language in LANGUAGES:
                yield from _length(screen, language, error, is_root=is_root)


def _length(screen: Screen, language: Language, error: T | None, *, is_root: bool) -> Iterator[str]:
    try:
        room = septets(longest(screen, language, error=error, is_root=is_root))
    except ValueError as outside:
        yield f"{language}: {outside}"
        return
    if room > SEPTETS_MAX:
        yield f"{language}: {room} septets"


def _options(screen: Screen) -> Iterator[str]:
    if not isinstance(screen, Menu):
        return
    keys = [option.key for option in screen.options]
    if len(keys) > OPTIONS_MAX:
        yield f"{len(keys)} options"
    if len(set(keys)) < len(keys) or {BACK, HOME, MORE} & set(keys):
        yield f"bad keys {keys}"


def _lists(screen: Screen) -> Iterator[str]:
    if isinstance(screen, Pick) and screen.save not in PLACEHOLDERS:
        yield f"nothing writes a row of {screen.save}"


def _secrets(screen: Screen) -> Iterator[str]:
    """A phone that hides what is typed, and the member, know a secret by the screen's words."""
    if not takes_secret(screen):
        return
    says = all(
        any(word in screen.text.to(language) for word in SECRET_WORDS) for language in LANGUAGES
    )
    if not says:
        yield "asks for a secret without saying PIN or ID"
    if isinstance(screen, Ask) and screen.save in PLACEHOLDERS:
        yield f"the secret {screen.save} could be shown"
