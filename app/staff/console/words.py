"""The console's two languages. The English text is the key; `kiswahili.po` holds the other.

A person's choice is kept in a cookie of its own, so that the sign-in page speaks it too.
"""

from functools import cache
from importlib.resources import files

from babel.messages.pofile import read_po
from flask import g, request

from app.operations.money_sentence import Said

LANGUAGES = {"en": "English", "sw": "Kiswahili"}
COOKIE = "baraza-language"
YEAR_S = 365 * 24 * 3600


def language() -> str:
    """What the current request is answered in: as chosen, or as the browser prefers."""
    if "language" not in g:
        chosen = request.cookies.get(COOKIE, "")
        g.language = chosen if chosen in LANGUAGES else _preferred()
    return str(g.language)


def text(english: str, **values: str) -> str:
    """A text in the language of the current request, with its values filled in."""
    known = kiswahili().get(english) if language() == "sw" else None
    said = known or english
    return said.format(**values) if values else said


def said(sentence: Said) -> str:
    """A sentence of Baraza's in the language of the current request."""
    return text(sentence.text, **sentence.values)


@cache
def kiswahili() -> dict[str, str]:
    """Every text that has been translated, by its English."""
    source = files("app.staff.console").joinpath("kiswahili.po")
    with source.open("rb") as file:
        catalog = read_po(file, locale="sw")
    return {str(one.id): str(one.string) for one in catalog if one.id and one.string}


def _preferred() -> str:
    return request.accept_languages.best_match(LANGUAGES, default="en") or "en"
