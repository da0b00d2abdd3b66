"""How many segments an SMS is sent and billed in (3GPP TS 23.038 and 23.040). Pure."""

from dataclasses import dataclass
from typing import Literal

from ussd_menus.gsm7 import ALPHABET, EXTENSION, septets

SINGLE_SEPTETS_MAX = 160
PART_SEPTETS_MAX = 153
"""A part of a longer message gives seven septets to the header that joins it to the others."""
SINGLE_UNITS_MAX = 70
PART_UNITS_MAX = 67
"""One character outside GSM-7 turns the whole message into UTF-16."""
BASIC_PLANE_MAX = 0xFFFF
"""Characters beyond it, emoji among them, are two units of UTF-16."""


@dataclass(frozen=True, slots=True)
class Segments:
    """How a text travels. `length` counts septets for gsm7, UTF-16 units for ucs2."""

    encoding: Literal["gsm7", "ucs2"]
    length: int
    count: int


def segments(text: str) -> Segments:
    """The encoding, length and number of segments of a text. An empty text is one segment."""
    if all(character in ALPHABET or character in EXTENSION for character in text):
        sizes = [2 if character in EXTENSION else 1 for character in text]
        count = _parts(sizes, single=SINGLE_SEPTETS_MAX, part=PART_SEPTETS_MAX)
        return Segments("gsm7", septets(text), count)
    sizes = [2 if ord(character) > BASIC_PLANE_MAX else 1 for character in text]
    count = _parts(sizes, single=SINGLE_UNITS_MAX, part=PART_UNITS_MAX)
    return Segments("ucs2", sum(sizes), count)


def _parts(sizes: list[int], *, single: int, part: int) -> int:
    """Segments filled in order. A character of two units is never split between two of them."""
    if sum(sizes) <= single:
        return 1
    count, room = 1, part
    for size in sizes:
        if size > room:
            count, room = count + 1, part
        room -= size
    return count
