"""Writes a screen as the bytes a phone shows."""

import string
from collections.abc import Mapping
from functools import cache

from ussd_menus.gsm7 import septets
from ussd_menus.model import End, Facts, Language, Menu, Screen, T
from ussd_menus.placeholders import PLACEHOLDERS

SEPTETS_MAX = 160
"""Safaricom's limit for a menu, kept on every network. `CON ` and `END ` are not counted."""
BACK_LINE = T("0 Back", "0 Rudi")


class TooLong(ValueError):
    """A screen came out longer than a phone shows: a fact is beyond what it was measured with."""


def render(
    screen: Screen, language: Language, facts: Facts, *, error: T | None = None, is_root: bool
) -> str:
    """The answer to the gateway, `CON ` or `END ` in front.

    Raises:
        KeyError: the screen names a fact that is not there.
        TooLong: it takes more than 160 septets.
    """
    values = {
        name: PLACEHOLDERS[name].write(facts[name], language)
        for name in placeholders(screen, error, language)
    }
    body = _fill(screen, language, values, error=error, is_root=is_root)
    if septets(body) > SEPTETS_MAX:
        raise TooLong(f"{septets(body)} septets")
    return ("END " if isinstance(screen, End) else "CON ") + body


def longest(screen: Screen, language: Language, *, error: T | None = None, is_root: bool) -> str:
    """The screen with every fact at its longest, without `CON ` or `END `."""
    values = {
        name: PLACEHOLDERS[name].longest(language) for name in placeholders(screen, error, language)
    }
    return _fill(screen, language, values, error=error, is_root=is_root)


def placeholders(screen: Screen, error: T | None, language: Language) -> frozenset[str]:
    """The names of the facts that a screen shows in this language."""
    shown = _fields(screen.text.to(language))
    return shown | _fields(error.to(language)) if error else shown


@cache
def _fields(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def _fill(
    screen: Screen,
    language: Language,
    values: Mapping[str, str],
    *,
    error: T | None,
    is_root: bool,
) -> str:
    lines = [error.to(language).format(**values)] if error else []
    lines.append(screen.text.to(language).format(**values))
    if isinstance(screen, Menu):
        lines.extend(f"{option.key} {option.label.to(language)}" for option in screen.options)
    if not is_root and not isinstance(screen, End):
        lines.append(BACK_LINE.to(language))
    return "\n".join(lines)
