"""What a PIN may be. Pure: the screens that ask for a new one and the store of PINs share it."""

from itertools import pairwise

from app.errors import Refused

PIN_DIGITS = 4
ID_DIGITS = 4
"""How many last digits of the ID on file stand beside a start PIN."""


class WeakPin(Refused):
    """A PIN that a thief tries first, or that is no PIN at all."""

    code = "PIN-01"


def is_digits(text: str, count: int) -> bool:
    """Whether this is exactly so many ASCII digits. `str.isdigit` knows digits of other scripts."""
    return len(text) == count and text.isascii() and text.isdigit()


def is_weak(pin: str) -> bool:
    """Whether this is no PIN, one digit repeated (7777), or a run up or down (1234, 8765, 7890)."""
    if not is_digits(pin, PIN_DIGITS):
        return True
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    return steps in ({0}, {1}, {9})


def refuse_weak(pin: str) -> None:
    """Refuse a weak PIN.

    Raises:
        WeakPin: the message does not repeat the PIN.
    """
    if not is_digits(pin, PIN_DIGITS):
        raise WeakPin(f"a PIN has {PIN_DIGITS} digits")
    if is_weak(pin):
        raise WeakPin("a PIN must not be one digit repeated or a run of digits")
