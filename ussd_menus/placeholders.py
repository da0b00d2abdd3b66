"""What may stand between braces in a text, how it is written, and the longest it can get.

The longest is what lets every screen be measured before any member sees it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from app.money import kes, kes_short, shillings
from ussd_menus.gsm7 import fitting, septets
from ussd_menus.model import Language, Row, T, Value, as_row, as_rows


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


@dataclass(frozen=True, slots=True)
class AccountName:
    """One of the member's accounts: a row of its number in the ledger and its name."""

    sample: str

    def write(self, value: Value, language: Language) -> str:
        """The name; the commonest is translated, and one that is too long is cut."""
        name = str(as_row(value)[1])
        known = ACCOUNT_NAMES.get(name)
        return fitting(name, septets(self.sample)) if known is None else known.to(language)

    def longest(self, language: Language) -> str:
        """A name of the greatest length."""
        row: Row = [0, self.sample]
        return self.write(row, language)


@dataclass(frozen=True, slots=True)
class Balances:
    """What can be withdrawn, a line an account: rows of an account's number, name and cents.

    At most `lines_max` lines; where there are more accounts, the last line counts the others.
    """

    account: AccountName
    cents: Money
    lines_max: int

    def write(self, value: Value, language: Language) -> str:
        """`Savings KES 5,000.00`, one below the other."""
        rows = as_rows(value)
        kept = rows if len(rows) <= self.lines_max else rows[: self.lines_max - 1]
        lines = [
            f"{self.account.write(row, language)} {self.cents.write(row[2], language)}"
            for row in kept
        ]
        if len(kept) < len(rows):
            lines.append(f"+ {len(rows) - len(kept)}")
        return "\n".join(lines)

    def longest(self, language: Language) -> str:
        """All lines, with the longest names and the largest amounts."""
        row: Row = [0, self.account.sample, self.cents.most_cents]
        return self.write([row] * self.lines_max, language)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a statement: rows of a day (`23/11`), cents with a sign, and what it was."""

    words: Words
    most_cents: int
    lines_max: int

    def write(self, value: Value, language: Language) -> str:
        """`23/11 -5,000.00 M-PESA`, one below the other."""
        return "\n".join(
            f"{day} {_signed(cents)} {self._word(kind, language)}"
            for day, cents, kind in as_rows(value)
        )

    def longest(self, language: Language) -> str:
        """As many lines as there can be, each with the largest amount and the longest word."""
        word = max(self.words.words, key=lambda kind: septets(self._word(kind, language)))
        row: Row = ["23/11", -self.most_cents, word]
        return self.write([row] * self.lines_max, language)

    def _word(self, kind: int | str, language: Language) -> str:
        return self.words.write(kind if kind in self.words.words else OTHER, language)


def _signed(cents: int | str) -> str:
    assert isinstance(cents, int)
    return ("-" if cents < 0 else "+") + kes(abs(cents)).removeprefix("KES ")


PAYOUT_STATUS = {
    "unsent": T("not sent yet", "bado halijatumwa"),
    "processing": T("being processed", "linashughulikiwa"),
    "doubt": T("waiting for M-PESA", "linasubiri M-PESA"),
}
"""What an open withdrawal is doing, in the words of a screen."""

REASONS = {
    "wallet_full": T("your M-PESA is full", "M-PESA yako imejaa"),
    "not_registered": T("the number cannot receive M-PESA", "nambari haipokei M-PESA"),
    "daily_limit": T("your M-PESA daily limit is reached", "umefikia kikomo cha M-PESA"),
    "minimum": T("below the M-PESA minimum", "ni chini ya kiwango cha M-PESA"),
    "maximum": T("above the M-PESA maximum", "imezidi kiwango cha M-PESA"),
    "our_side": T("a problem on our side", "hitilafu upande wetu"),
}
"""Why M-PESA refused."""

ACCOUNT_NAMES = {"Savings": T("Savings", "Akiba")}
"""The account that everybody has, by the name that it gets unless the SACCO gives another."""

OTHER = "other"
ENTRY_WORDS = {
    "opening": T("Opening", "Mwanzo"),
    "reserve": T("M-PESA", "M-PESA"),
    "compensate": T("Returned", "Imerudi"),
    "returned": T("Returned", "Imerudi"),
    "recovered": T("Owed", "Deni"),
    "deposit": T("Deposit", "Amana"),
    "withdrawal": T("Counter", "Kaunta"),
    "salary": T("Salary", "Mshahara"),
    "correction": T("Adjusted", "Badiliko"),
    OTHER: T("Other", "Nyingine"),
}
"""What a line of a statement was, by the kind of its entry in the books."""

BALANCES_MAX = 4
STATEMENT_LINES_MAX = 5
_ACCOUNT = AccountName("ABCDEFGHIJKLMNOP")
_AVAILABLE = Money(shillings(99_999_999) + 99, exact=True)

# Limits, fees and names are settings, so each bound leaves room above today's: M-PESA pays at
# most KES 250,000 at once.
PLACEHOLDERS: Mapping[str, Kind] = {
    "amount": Money(shillings(999_999)),
    "minimum": Money(shillings(9_999)),
    "maximum": Money(shillings(999_999)),
    "fee": Money(shillings(9_999) + 99),
    "duty": Money(shillings(9_999) + 99),
    "total": Money(shillings(999_999) + 99),
    "account": _ACCOUNT,
    "balances": Balances(_ACCOUNT, _AVAILABLE, BALANCES_MAX),
    "lines": Lines(Words(ENTRY_WORDS), shillings(99_999_999) + 99, STATEMENT_LINES_MAX),
    "phone": Text("0712***678"),
    "ref": Text("BRZ8K2QF7M"),
    "code": Text("SKL1234567"),
    "status": Words(PAYOUT_STATUS),
    "reason": Words(REASONS),
    "tries": Text("9"),
    "until": Text("23/11/26 10:15 AM"),
    "when": Text("23/11/26 10:15 AM"),
    "sacco": Text("ABCDEFGHIJKLMNOPQRST"),
    "tel": Text("+254700000111"),
    "hours": Text("ABCDEFGHIJKLMNOPQRSTUVWX"),
}


def check_fits(name: str, text: str) -> None:
    """Refuse a setting that would make a screen too long or unreadable.

    Raises:
        ValueError: it is longer than what screens were measured with, or outside GSM-7.
    """
    most = septets(PLACEHOLDERS[name].longest("en"))
    if septets(text) > most:
        raise ValueError(f"{text!r} is longer than the {most} septets that screens leave for it")
