"""What members read by SMS, in English and Swahili.

One segment each with the longest facts that are expected, because every segment is billed and a
receipt is forwarded as proof: it must say it all. No name, no link, no account number. Times are
digits with AM/PM, never "saa": half of the country would hear another hour.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.clock import nairobi
from app.errors import Broken
from app.messages.segments import SINGLE_SEPTETS_MAX, segments
from app.money import kes, shillings
from app.msisdn import mask

LANGUAGES = ("en", "sw")


@dataclass(frozen=True, slots=True)
class Sent:
    """M-PESA paid. `fee_cents` is all that the member paid for it, duty included."""

    ref: str
    amount_cents: int
    msisdn: str
    when: datetime
    fee_cents: int
    code: str
    """M-PESA's receipt, so that our SMS and theirs can be matched."""
    balance_cents: int
    tel: str = ""
    """Every caller may name the help line; this text has no room for it."""

    def words(self, language: str) -> dict[str, str]:
        """The facts as they are read."""
        del language
        return {
            "ref": self.ref,
            "amount": kes(self.amount_cents),
            "phone": mask(self.msisdn),
            "when": nairobi(self.when),
            "fee": kes(self.fee_cents),
            "code": self.code,
            "balance": kes(self.balance_cents),
        }


@dataclass(frozen=True, slots=True)
class Failed:
    """M-PESA refused and the total is back. `reason` is a key of `REASONS`."""

    ref: str
    amount_cents: int
    reason: str
    balance_cents: int
    tel: str

    def words(self, language: str) -> dict[str, str]:
        """The facts as they are read. A reason that we have no words for is ours to explain."""
        return {
            "ref": self.ref,
            "amount": kes(self.amount_cents),
            "reason": REASONS.get(self.reason, REASONS["our_side"])[language],
            "balance": kes(self.balance_cents),
            "tel": self.tel,
        }


@dataclass(frozen=True, slots=True)
class Waiting:
    """About a withdrawal whose money has not moved: M-PESA is silent, or savings fell short."""

    ref: str
    amount_cents: int
    tel: str

    def words(self, language: str) -> dict[str, str]:
        """The facts as they are read."""
        del language
        return {"ref": self.ref, "amount": kes(self.amount_cents), "tel": self.tel}


@dataclass(frozen=True, slots=True)
class PinLocked:
    """Too many wrong PINs; `time` is when the lock opens again."""

    time: datetime
    tries: int
    tel: str

    def words(self, language: str) -> dict[str, str]:
        """The facts as they are read."""
        del language
        return {"time": nairobi(self.time), "tries": str(self.tries), "tel": self.tel}


Facts = Sent | Failed | Waiting | PinLocked

REASONS: Mapping[str, Mapping[str, str]] = {
    "wallet_full": {"en": "your M-PESA account is full", "sw": "M-PESA yako imejaa"},
    "not_registered": {
        "en": "this number cannot receive M-PESA",
        "sw": "namba hii haipokei M-PESA",
    },
    "daily_limit": {
        "en": "your M-PESA daily limit is reached",
        "sw": "umefikia kikomo cha M-PESA cha leo",
    },
    "minimum": {
        "en": "it is below the M-PESA minimum",
        "sw": "kiasi ni chini ya kiwango cha M-PESA",
    },
    "maximum": {
        "en": "it is above the M-PESA maximum",
        "sw": "kiasi kimezidi kiwango cha M-PESA",
    },
    "our_side": {"en": "a problem on our side", "sw": "hitilafu upande wetu"},
}
"""Why M-PESA refused, by `result_codes.MemberReason`."""

KINDS: Mapping[str, type[Facts]] = {
    "sent": Sent,
    "failed": Failed,
    "silent": Waiting,
    "declined": Waiting,
    "pin_locked": PinLocked,
}

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "sent": {
        "en": "{ref} Confirmed. {amount} sent to M-PESA {phone} on {when}. Fee {fee}. "
        "M-PESA ref {code}. Savings balance {balance}.",
        "sw": "{ref} Imethibitishwa. {amount} zimetumwa M-PESA {phone} {when}. Ada {fee}. "
        "Kumb. M-PESA {code}. Salio akiba {balance}.",
    },
    "failed": {
        "en": "{ref} failed: {reason}. {amount} and the fee are back in your savings. "
        "Balance {balance}. Help {tel}",
        "sw": "{ref} imeshindikana: {reason}. {amount} na ada zimerudi kwenye akiba yako. "
        "Salio {balance}. Msaada {tel}",
    },
    # No promise of a time: doubt can last, and she may have been paid.
    "silent": {
        "en": "{ref}: M-PESA has not told us if {amount} was paid. Check your M-PESA. "
        "If not paid, it returns to savings. Do not send again. Help {tel}",
        "sw": "{ref}: M-PESA haijatujulisha kama {amount} zimelipwa. Angalia M-PESA yako. "
        "Zisipolipwa zitarudi akiba. Usitume tena. Msaada {tel}",
    },
    "declined": {
        "en": "{ref} was not sent: your savings do not cover {amount} and the fee. "
        "Nothing was deducted. Help {tel}",
        "sw": "{ref} haikutumwa: akiba yako haitoshi {amount} na ada. "
        "Hakuna kilichokatwa. Msaada {tel}",
    },
    "pin_locked": {
        "en": "Your PIN is locked until {time} after {tries} wrong tries. No money moved. "
        "If it was not you, call {tel} now.",
        "sw": "PIN yako imefungwa hadi {time}, umekosea mara {tries}. "
        "Hakuna pesa iliyotoka. Kama si wewe, piga {tel} sasa.",
    },
}

_LONGEST_DATE = datetime(2026, 11, 23, 7, 15, tzinfo=UTC)
_LONGEST: Mapping[str, Any] = {
    "ref": "BRZ2345678",
    "amount_cents": shillings(500_000),
    "msisdn": "+254712345678",
    "when": _LONGEST_DATE,
    "time": _LONGEST_DATE,
    "fee_cents": 999_99,
    "code": "SKL1234567",
    "balance_cents": 99_999_999_99,
    "tel": "+254700000111",
    "tries": 99,
}
"""What must fit one segment. A greater balance is told truthfully, in two."""


def render(kind: str, language: str, facts: Mapping[str, Any]) -> str:
    """The text of one SMS.

    Args:
        kind: A key of `KINDS`.
        language: `en` or `sw`.
        facts: The fields of the kind's class; `tel` is the SACCO's help line.

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
    return _TEXTS[kind][language].format_map(typed.words(language))


def longest(kind: str, language: str) -> list[str]:
    """The text with the longest facts expected: one for each reason, where there are reasons."""
    names = KINDS[kind].__dataclass_fields__
    facts = {name: _LONGEST[name] for name in names if name in _LONGEST}
    if "reason" not in names:
        return [render(kind, language, facts)]
    return [render(kind, language, {**facts, "reason": reason}) for reason in REASONS]


def _prove_one_segment() -> None:
    """Refuse to start with a text that would be billed twice or not be readable at all."""
    for kind in KINDS:
        for language in LANGUAGES:
            for text in longest(kind, language):
                counted = segments(text)
                if (counted.encoding, counted.count) != ("gsm7", 1):
                    raise Broken(f"{kind}/{language} needs more than {SINGLE_SEPTETS_MAX}: {text}")


_prove_one_segment()
