"""What each kind of SMS tells: typed facts, and how they are read. The sentences are in `wording`.

A class lists everything that may get into its texts, so a name, a full number or a PIN has no way
in. A field that is optional, or that picks among sentences, has its choices in `VARIANTS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from app.clock import nairobi
from app.messages.wording import REASONS
from app.money import kes
from app.msisdn import mask, mask_all

PIN_MARK = "****"
"""Stands in a start PIN's place until the very moment of sending."""

Variants = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What every text knows."""

    VARIANTS: ClassVar[Variants] = ({},)
    """Facts that change the sentence, each as an addition to the others."""

    @property
    def variant(self) -> str:
        """Which sentence of the kind fits; empty where there is one only."""
        return ""

    def words(self, language: str) -> dict[str, str]:
        """The facts as they are read."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Sent(Facts):
    """M-PESA paid. `fee_cents` is all that the member paid for it, duty included."""

    VARIANTS: ClassVar[Variants] = ({}, {"balance_cents": None})

    ref: str
    amount_cents: int
    msisdn: str
    when: datetime
    fee_cents: int
    code: str
    """M-PESA's receipt, so that our SMS and theirs can be matched."""
    balance_cents: int | None
    """None: she wants receipts that do not tell it."""

    @property
    def variant(self) -> str:
        """`plain` without the balance."""
        return "plain" if self.balance_cents is None else ""

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
            "balance": kes(self.balance_cents or 0),
        }


@dataclass(frozen=True, slots=True)
class Failed(Facts):
    """M-PESA refused and the total is back. `reason` is a key of `REASONS`."""

    VARIANTS: ClassVar[Variants] = tuple(
        {"reason": reason, **balance}
        for reason in REASONS
        for balance in ({}, {"balance_cents": None})
    )

    ref: str
    amount_cents: int
    reason: str
    balance_cents: int | None
    """None: she wants receipts that do not tell it."""
    tel: str

    @property
    def variant(self) -> str:
        """`plain` without the balance."""
        return "plain" if self.balance_cents is None else ""

    def words(self, language: str) -> dict[str, str]:
        """The facts as they are read. A reason that we have no words for is ours to explain."""
        return {
            "ref": self.ref,
            "amount": kes(self.amount_cents),
            "reason": REASONS.get(self.reason, REASONS["our_side"])[language],
            "balance": kes(self.balance_cents or 0),
            "tel": self.tel,
        }


@dataclass(frozen=True, slots=True)
class Withdrawal(Facts):
    """About a withdrawal that is neither paid nor refused by M-PESA."""

    ref: str
    amount_cents: int
    tel: str

    def words(self, language: str) -> dict[str, str]:
        """The facts as they are read."""
        del language
        return {"ref": self.ref, "amount": kes(self.amount_cents), "tel": self.tel}


@dataclass(frozen=True, slots=True)
class Held(Withdrawal):
    """A withdrawal that waits because of us: nothing was sent, so she can still cancel it."""

    dial: str
    """The service code."""

    def words(self, language: str) -> dict[str, str]:
        """The facts as they are read."""
        del language
        amount = kes(self.amount_cents)
        return {"ref": self.ref, "amount": amount, "tel": self.tel, "dial": self.dial}


@dataclass(frozen=True, slots=True)
class Cancelled(Withdrawal):
    """A withdrawal that ended before M-PESA was asked: by her, for a fresh SIM card, or by us."""

    VARIANTS: ClassVar[Variants] = ({"reason": "member"}, {"reason": "sim"}, {"reason": "us"})

    reason: Literal["member", "sim", "us"]

    @property
    def variant(self) -> str:
        """The reason: each has its own advice."""
        return self.reason


@dataclass(frozen=True, slots=True)
class Recovered(Withdrawal):
    """The SACCO has back what was paid after it had gone back: from her savings or from M-PESA."""

    VARIANTS: ClassVar[Variants] = ({"by": "savings"}, {"by": "mpesa"})

    by: Literal["savings", "mpesa"]

    @property
    def variant(self) -> str:
        """Who gave it back."""
        return self.by


@dataclass(frozen=True, slots=True)
class StartPin(Facts):
    """The PIN that opens the phone service once. The PIN itself is not among the facts."""

    until: datetime
    dial: str
    """The service code."""
    tel: str

    def words(self, language: str) -> dict[str, str]:
        """The facts as they are read; where the PIN belongs stands a mark."""
        del language
        return {"until": nairobi(self.until), "dial": self.dial, "tel": self.tel, "pin": PIN_MARK}


@dataclass(frozen=True, slots=True)
class Event(Facts):
    """Something happened to her access at `when`; whoever did not want it must call."""

    when: datetime
    tel: str

    def words(self, language: str) -> dict[str, str]:
        """The facts as they are read."""
        del language
        return {"when": nairobi(self.when), "tel": self.tel}


@dataclass(frozen=True, slots=True)
class NumberChanged(Event):
    """The account belongs to another phone now. Told to both of them."""

    phone: str
    """The new number; masked here if it is not masked already."""

    def words(self, language: str) -> dict[str, str]:
        """The facts as they are read."""
        del language
        return {"when": nairobi(self.when), "tel": self.tel, "phone": mask_all(self.phone)}


@dataclass(frozen=True, slots=True)
class PinLocked(Facts):
    """Too many wrong PINs; `time` is when the lock opens again, None when staff must open it."""

    VARIANTS: ClassVar[Variants] = ({}, {"time": None})

    time: datetime | None
    tries: int
    tel: str

    @property
    def variant(self) -> str:
        """`staff` when no time opens it."""
        return "staff" if self.time is None else ""

    def words(self, language: str) -> dict[str, str]:
        """The facts as they are read."""
        del language
        time = "" if self.time is None else nairobi(self.time)
        return {"time": time, "tries": str(self.tries), "tel": self.tel}


KINDS: Mapping[str, type[Facts]] = {
    "sent": Sent,
    "failed": Failed,
    "silent": Withdrawal,
    "held": Held,
    "delayed": Withdrawal,
    "declined": Withdrawal,
    "cancelled": Cancelled,
    "returned": Withdrawal,
    "recovered": Recovered,
    "written_off": Withdrawal,
    "frozen": Withdrawal,
    "start_pin": StartPin,
    "pin_changed": Event,
    "pin_locked": PinLocked,
    "pin_reset": Event,
    "number_changed": NumberChanged,
    "phone_locked": Event,
    "phone_unlocked": Event,
}
