"""Writes a screen as the bytes a phone shows."""

import string
from collections.abc import Mapping, Sequence
from functools import cache

from ussd_menus.gsm7 import septets
from ussd_menus.model import MORE, End, Facts, Language, Menu, Pick, Screen, T, as_rows
from ussd_menus.placeholders import PLACEHOLDERS

SEPTETS_MAX = 160
"""Safaricom's limit for a menu, kept on every network. `CON ` and `END ` are not counted."""
BACK_LINE = T("0 Back", "0 Rudi")
MORE_LINE = T(f"{MORE} More", f"{MORE} Endelea")

ROWS_MAX = 5
"""A list this short stands on one screen: with question and back line it has seven lines."""
ROWS_OF_MANY = 4
"""Rows of a longer list on each of its screens, where one line leads on to the rest."""
_MANY = 20
"""The length of the list that screens are measured with."""


class TooLong(ValueError):
    """A screen came out longer than a phone shows: a fact is beyond what it was measured with."""


def render(
    screen: Screen,
    language: Language,
    facts: Facts,
    *,
    error: T | None = None,
    is_root: bool,
    page: int = 0,
) -> str:
    """The answer to the gateway, `CON ` or `END ` in front.

    Args:
        screen: What to write.
        language: In which language.
        facts: What the screen may show.
        error: The line above it, if any.
        is_root: Whether there is nothing to go back to.
        page: Which part of a list that takes several screens, from 0.

    Raises:
        KeyError: the screen names a fact that is not there.
        TooLong: it takes more than 160 septets.
    """
    values = {
        name: PLACEHOLDERS[name].write(facts[name], language)
        for name in placeholders(screen, error, language)
    }
    choices: Sequence[str] = ()
    if isinstance(screen, Pick):
        kind = PLACEHOLDERS[screen.save]
        names = [kind.write(row, language) for row in as_rows(facts[screen.items])]
        choices = _choices(names, language, page)
    body = _fill(screen, language, values, choices=choices, error=error, is_root=is_root)
    if septets(body) > SEPTETS_MAX:
        raise TooLong(f"{septets(body)} septets")
    return ("END " if isinstance(screen, End) else "CON ") + body


def longest(screen: Screen, language: Language, *, error: T | None = None, is_root: bool) -> str:
    """The screen with every fact at its longest, without `CON ` or `END `."""
    values = {
        name: PLACEHOLDERS[name].longest(language) for name in placeholders(screen, error, language)
    }
    choices: Sequence[str] = ()
    if isinstance(screen, Pick):
        name = PLACEHOLDERS[screen.save].longest(language)
        parts = [_choices([name] * ROWS_MAX, language, 0)]
        parts += [_choices([name] * _MANY, language, page) for page in range(pages(_MANY))]
        choices = max(parts, key=lambda lines: septets("\n".join(lines)))
    return _fill(screen, language, values, choices=choices, error=error, is_root=is_root)


def placeholders(screen: Screen, error: T | None, language: Language) -> frozenset[str]:
    """The names of the facts that a screen shows in this language."""
    shown = _fields(screen.text.to(language))
    return shown | _fields(error.to(language)) if error else shown


def pages(count: int) -> int:
    """How many screens a list of so many rows takes."""
    return 1 if count <= ROWS_MAX else -(-count // ROWS_OF_MANY)


@cache
def _fields(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def _choices(names: Sequence[str], language: Language, page: int) -> list[str]:
    """The lines of one page. Numbers run through all pages, so each keeps meaning one row."""
    size = ROWS_MAX if pages(len(names)) == 1 else ROWS_OF_MANY
    first = page * size
    shown = enumerate(names[first : first + size], start=first + 1)
    lines = [f"{number} {name}" for number, name in shown]
    return [*lines, MORE_LINE.to(language)] if page + 1 < pages(len(names)) else lines


def _fill(
    screen: Screen,
    language: Language,
    values: Mapping[str, str],
    *,
    choices: Sequence[str],
    error: T | None,
    is_root: bool,
) -> str:
    lines = [error.to(language).format(**values)] if error else []
    lines.append(screen.text.to(language).format(**values))
    if isinstance(screen, Menu):
        lines.extend(f"{option.key} {option.label.to(language)}" for option in screen.options)
    lines.extend(choices)
    if not is_root and not isinstance(screen, End):
        lines.append(BACK_LINE.to(language))
    return "\n".join(lines)
