"""What may stand between braces in a text, how it is written, and the longest it can get.

The longest is what lets every screen be measured before any member sees it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from app.money import kes, kes_short, shillings
from ussd_menus.gsm7 import septets
from ussd_menus.model import Language, T, Value


class Kind(Protocol):
    """A kind of fact."""

    def write(self, value: Value, language: Language) -> str:
        """The fact as members read it."""

    def longest(self, language: Language) -> str:
        """The longest that it can get."""


@dataclass(frozen=True, slots=True)
class Money:
    """Cents. `exact` writes `.00` too, as receipts and balances do."""

    most_cents: int
    exact: bool = False

    def write(self, value: Value, language: Language) -> str:
        """`KES 5,000` or `KES 5,000.00`."""
        del language
        assert isinstance(value, int)
        return kes(value) if self.exact else kes_short(value)

    def longest(self, language: Language) -> str:
        """The largest amount that screens are measured with."""
        return self.write(self.most_cents, language)


@dataclass(frozen=True, slots=True)
class Text:
    """A word that is the same in both languages."""

    sample: str

    def write(self, value: Value, language: Language) -> str:
        """The word."""
        del language
        return str(value)

    def longest(self, language: Language) -> str:
        """The sample, which stands for the longest."""
        del language
        return self.sample


@dataclass(frozen=True, slots=True)
class Words:
    """One of a few words, each in both languages."""

    words: Mapping[str, T]

    def write(self, value: Value, language: Language) -> str:
        """The word for this value."""
        return self.words[str(value)].to(language)

    def longest(self, language: Language) -> str:
        """The longest of them."""
        return max((w.to(language) for w in self.words.values()), key=septets)


PAYOUT_STATUS = {
    "processing": T("being processed", "linashughulikiwa"),
    "doubt": T("waiting for M-PESA", "linasubiri M-PESA"),
}
"""What an open withdrawal is doing, in the words of a screen."""

# Limits, fees and names are settings, so each bound leaves room above today's: M-PESA pays at
# most KES 250,000 at once.
PLACEHOLDERS: Mapping[str, Kind] = {
    "amount": Money(shillings(999_999)),
    "minimum": Money(shillings(9_999)),
    "maximum": Money(shillings(999_999)),
    "fee": Money(shillings(9_999) + 99),
    "duty": Money(shillings(9_999) + 99),
    "total": Money(shillings(999_999) + 99),
    "available": Money(shillings(99_999_999) + 99, exact=True),
    "phone": Text("0712***678"),
    "ref": Text("BRZ8K2QF7M"),
    "status": Words(PAYOUT_STATUS),
    "tries": Text("9"),
    "until": Text("23/11/26 10:15 AM"),
    "sacco": Text("ABCDEFGHIJKLMNOPQRST"),
    "tel": Text("+254700000111"),
}


def check_fits(name: str, text: str) -> None:
    """Refuse a setting that would make a screen too long or unreadable.

    Raises:
        ValueError: it is longer than what screens were measured with, or outside GSM-7.
    """
    most = septets(PLACEHOLDERS[name].longest("en"))
    if septets(text) > most:
        raise ValueError(f"{text!r} is longer than the {most} septets that screens leave for it")
