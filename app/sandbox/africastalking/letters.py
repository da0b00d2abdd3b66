"""How much room a text takes on a phone, counted apart from Baraza, whom it is to judge."""

_ONE = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO = "\f^{}\\[~]|€"
_ROOM = dict.fromkeys(_ONE, 1) | dict.fromkeys(_TWO, 2)


def septets(text: str) -> int | None:
    """The room that a text takes in septets; None if it has a letter that phones cannot show."""
    room = [_ROOM.get(letter, 0) for letter in text]
    return sum(room) if all(room) else None
