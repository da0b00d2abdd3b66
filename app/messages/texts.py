"""What members read by SMS, in English and Swahili.

One segment each with the longest facts that are expected, because every segment is billed and a
receipt is forwarded as proof: it must say it all. That is proven when this module is imported.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from app.errors import Broken
from app.messages.facts import KINDS, PIN_MARK
from app.messages.segments import SINGLE_SEPTETS_MAX, segments
from app.messages.wording import LANGUAGES, REASONS, SENTENCES
from app.money import shillings

__all__ = [
    "KINDS",
    "LANGUAGES",
    "PIN_MARK",
    "REASONS",
    "longest",
    "names",
    "render",
    "without_balance",
]

_BALANCE = re.compile(r"\b(Balance|Salio) -?KES [0-9,]+\.[0-9]{2}")

_LONGEST_DATE = datetime(2026, 11, 23, 7, 15, tzinfo=UTC)
LONGEST: Mapping[str, Any] = {
    "ref": "BRZ2345678",
    "amount_cents": shillings(500_000),
    "msisdn": "+254712345678",
    "phone": "+254712345678",
    "when": _LONGEST_DATE,
    "time": _LONGEST_DATE,
    "until": _LONGEST_DATE,
    "fee_cents": 999_99,
    "code": "SKL1234567",
    "balance_cents": 99_999_999_99,
    "tel": "+254700000111",
    "dial": "*384*20252#",
    "tries": 99,
}
"""What must fit one segment. A greater balance is told truthfully, in two."""


def names(kind: str) -> frozenset[str]:
    """The names of the facts that a text of this kind needs.

    Raises:
        Broken: there is no such kind.
    """
    if kind not in KINDS:
        raise Broken(f"there is no text {kind!r}")
    return frozenset(field.name for field in fields(KINDS[kind]))


def render(kind: str, language: str, facts: Mapping[str, Any]) -> str:
    """The text of one SMS. A start PIN's text has `PIN_MARK` where the PIN belongs.

    Args:
        kind: A key of `KINDS`.
        language: `en` or `sw`.
        facts: The fields of the kind's class, no more and no fewer.

    Raises:
        Broken: unknown kind or language, or the facts are not those of the kind. The text is
            written with the money, so a caller that is wrong must find out in a test.
    """
    if kind not in KINDS or language not in LANGUAGES:
        raise Broken(f"there is no text {kind!r} in {language!r}")
    try:
        typed = KINDS[kind](**facts)
    except TypeError as wrong:
        raise Broken(f"wrong facts for {kind!r}: {sorted(facts)}") from wrong
    sentence = SENTENCES.get(f"{kind}/{typed.variant}" if typed.variant else kind)
    if sentence is None:
        raise Broken(f"there is no text {kind!r} for {typed.variant!r}")
    return sentence[language].format_map(typed.words(language))


def longest(kind: str, language: str) -> list[str]:
    """The text with the longest facts expected, once for each of its variants."""
    facts = {name: LONGEST[name] for name in names(kind) if name in LONGEST}
    return [render(kind, language, {**facts, **more}) for more in KINDS[kind].VARIANTS]


def _prove_one_segment() -> None:
    """Refuse to start with a text that would be billed twice or not be readable at all."""
    for kind in KINDS:
        for language in LANGUAGES:
            for text in longest(kind, language):
                counted = segments(text)
                if (counted.encoding, counted.count) != ("gsm7", 1):
                    raise Broken(f"{kind}/{language} needs more than {SINGLE_SEPTETS_MAX}: {text}")


_prove_one_segment()


def without_balance(text: str) -> str:
    """A text that was sent, for staff who may not know what a member has."""
    return _BALANCE.sub(r"\1 ••••", text)
