"""What members may type. Everything is digits: typing letters on a keypad is slow."""

import re
from dataclasses import dataclass

from app.money import shillings
from app.pin_rules import is_weak
from ussd_menus.model import Facts, T, Value

# ASCII only: str.isdigit() also takes digits of other scripts. Seven digits are past any limit.
_WHOLE_SHILLINGS = re.compile(r"[1-9][0-9]{0,6}")
_FOUR_DIGITS = re.compile(r"[0-9]{4}")

_IN_RANGE = T(
    "Type {minimum} to {maximum}, digits only.",
    "Andika {minimum} hadi {maximum}, tarakimu tu.",
)
_PIN_SHAPE = T("A PIN has 4 digits.", "PIN ina tarakimu 4.")
_NEW_PIN = T(
    "Type 4 digits, not 1234 or 5555.",
    "Andika tarakimu 4, si 1234 wala 5555.",
)


@dataclass(frozen=True, slots=True)
class AmountInRange:
    """Whole shillings between the facts `minimum` and `maximum`, as plain digits."""

    error: T = _IN_RANGE

    def parse(self, token: str, facts: Facts) -> Value | None:
        """The amount in cents."""
        if not _WHOLE_SHILLINGS.fullmatch(token):
            return None
        cents = shillings(int(token))
        minimum, maximum = facts["minimum"], facts["maximum"]
        assert isinstance(minimum, int)
        assert isinstance(maximum, int)
        return cents if minimum <= cents <= maximum else None


@dataclass(frozen=True, slots=True)
class FourDigits:
    """A PIN, or the end of an ID number, by its shape."""

    error: T = _PIN_SHAPE

    def parse(self, token: str, facts: Facts) -> Value | None:
        """The token itself."""
        del facts
        return token if _FOUR_DIGITS.fullmatch(token) else None


@dataclass(frozen=True, slots=True)
class NewPin:
    """A PIN that a member may choose: not one that a thief tries first."""

    error: T = _NEW_PIN

    def parse(self, token: str, facts: Facts) -> Value | None:
        """The token itself."""
        del facts
        return None if is_weak(token) else token
