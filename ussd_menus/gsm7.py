"""The letters that every phone and network can show, and the room each takes (3GPP TS 23.038).

A text outside this alphabet is sent in UCS-2: an SMS then holds 70 letters instead of 160, and a
USSD screen may show boxes. So nothing outside it ever leaves.
"""

ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The basic table. Each letter takes one septet."""
EXTENSION = "\f^{}\\[~]|€"
"""Reached by an escape, so each of these takes two septets."""

_SEPTETS = dict.fromkeys(ALPHABET, 1) | dict.fromkeys(EXTENSION, 2)


def septets(text: str) -> int:
    """The room that a text takes, in septets.

    Raises:
        ValueError: a letter is outside GSM-7; the message names it.
    """
    total = 0
    for letter in text:
        room = _SEPTETS.get(letter)
        if room is None:
            raise ValueError(f"{letter!r} (U+{ord(letter):04X}) is outside GSM-7")
        total += room
    return total


def fitting(text: str, most: int) -> str:
    """As much of a text as takes this room, with `?` for every letter that phones cannot show."""
    kept = ""
    for letter in text:
        kept += letter if letter in _SEPTETS else "?"
        if septets(kept) > most:
            return kept[:-1]
    return kept
