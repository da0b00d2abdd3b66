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
    Screen,
    Screens,
    T,
)
from ussd_menus.placeholders import PLACEHOLDERS
from ussd_menus.rendering import SEPTETS_MAX, longest, placeholders

OPTIONS_MAX = 7
"""Longer lists confuse (MicroSave, 2015)."""


class BadMenu(Exception):
    """The menu must not be served. Every fault, one line each."""


def check(screens: Screens, starts: Sequence[str]) -> None:
    """Prove the menu.

    Raises:
        BadMenu: a screen is too long or cannot be written, a fact has no longest value, a target
            is missing, a screen cannot be reached or left, or an option has a reserved key.
    """
    faults = [*_missing_targets(screens, starts)]
    if not faults:
        faults = [*_unreachable(screens, starts), *_without_end(screens)]
    for name, screen in screens.items():
        faults += [f"{name}: {fault}" for fault in (*_texts(screen), *_options(screen))]
    if faults:
        raise BadMenu("\n".join(faults))


def errors(screen: Screen) -> tuple[T | None, ...]:
    """Every error line that can stand above a screen, and none."""
    if isinstance(screen, Menu):
        return (None, WRONG_CHOICE)
    if isinstance(screen, Ask):
        return (None, screen.check.error)
    if isinstance(screen, Do):
        return (None, screen.check.error, *(o.error for o in screen.outcomes.values() if o.error))
    return (None,)


def targets(screen: Screen) -> tuple[str, ...]:
    """Where a screen can lead, going back apart."""
    if isinstance(screen, Menu):
        return tuple(option.to for option in screen.options)
    if isinstance(screen, Ask):
        return (screen.to,)
    if isinstance(screen, Do):
        return tuple(outcome.to for outcome in screen.outcomes.values())
    return ()


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


def _texts(screen: Screen) -> Iterator[str]:
    for error in errors(screen):
        names = {language: placeholders(screen, error, language) for language in LANGUAGES}
        if names["en"] != names["sw"]:
            yield "the languages show different facts"
        unknown = (names["en"] | names["sw"]) - PLACEHOLDERS.keys()
        if unknown:
            yield f"unknown facts {sorted(unknown)}"
        else:
            for language in LANGUAGES:
                yield from _length(screen, language, error)


def _length(screen: Screen, language: Language, error: T | None) -> Iterator[str]:
    try:
        room = septets(longest(screen, language, error=error, is_root=False))
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
