"""Single values as M-PESA writes them: money, moments, phone numbers. Pure, and never raises."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from app.clock import NAIROBI
from app.money import CENTS_PER_SHILLING
from app.providers.loose_json import text_of

PHONE_TEXT_MAX = 40
_MONEY = re.compile(r"(-?[0-9]{1,12})(?:\.([0-9]{1,2})0*)?", re.ASCII)
_SHILLINGS_MAX = 10**12
_NUMBER_OR_MASK = re.compile(r"[0-9*•xX]+", re.ASCII)
_MASKED = re.compile(r"[*•xX]+")
_LEADING_NUMBER = re.compile(r"[0-9]{9,15}(?![0-9])", re.ASCII)


class PhoneMatch(StrEnum):
    """How the number that was paid compares with the one that we asked for."""

    EQUAL = "equal"
    COMPATIBLE = "compatible"
    """Masked, and what can be seen agrees."""
    DIFFERENT = "different"
    ABSENT = "absent"
    """No number could be read."""


def same_phone(asked: str, told: str | None) -> PhoneMatch:
    """Compare the number we asked to pay (E.164) with what M-PESA says it paid.

    M-PESA writes `254712345678 - A NAME`, and may mask the number as `2547***678`.
    """
    number = number_in(told)
    if number is None:
        return PhoneMatch.ABSENT
    wanted = asked.removeprefix("+")
    pieces = _MASKED.split(number)
    if len(pieces) == 1:
        return PhoneMatch.EQUAL if number == wanted else PhoneMatch.DIFFERENT
    if len("".join(pieces)) <= len(wanted) and re.fullmatch("[0-9]*".join(pieces), wanted):
        return PhoneMatch.COMPATIBLE
    return PhoneMatch.DIFFERENT


def to_cents(shillings: object) -> int | None:
    """An amount in shillings, as number or text, in cents exactly. None if it is not one."""
    read = _MONEY.fullmatch(_digits(shillings))
    if read is None:
        return None
    whole, cents = int(read[1]), int((read[2] or "").ljust(2, "0"))
    sign = -1 if read[1].startswith("-") else 1
    return whole * CENTS_PER_SHILLING + sign * cents


def _digits(number: object) -> str:
    """A number written out, without exponent. Empty for what is none, NaN and infinity."""
    if isinstance(number, str):
        return number.strip()
    if isinstance(number, bool) or not isinstance(number, int | float):
        return ""
    # The shortest text that reads back as the same float is the one that M-PESA sent.
    return format(Decimal(repr(number)), "f") if abs(number) < _SHILLINGS_MAX else ""


def charge_cents(text: str | None) -> int | None:
    """Cents in `Fee For B2C Payment|KES|5.00`."""
    if text is None:
        return None
    parts = text.split("|")
    return to_cents(parts[2]) if len(parts) == len(("name", "currency", "amount")) else None


def moment(value: object) -> datetime | None:
    """`23.11.2026 14:05:52` or 20261123140552, both in East Africa Time, as UTC."""
    text = text_of(value) or ""
    for form in ("%d.%m.%Y %H:%M:%S", "%Y%m%d%H%M%S"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=NAIROBI).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def name_in(told: str | None) -> str | None:
    """The name after a party's number: `254712345678 - A NAME`. None where there is none."""
    number, dash, name = (told or "").partition("-")
    return name.strip() or None if dash and number_in(number) is not None else None


def number_in(told: str | None) -> str | None:
    """The phone number at the start of a party's name: 254…, with its mask if it has one."""
    head = "".join((told or "")[:PHONE_TEXT_MAX].split("-", 1)[0].split()).removeprefix("+")
    if not _NUMBER_OR_MASK.fullmatch(head):
        leading = _LEADING_NUMBER.match(head)
        if leading is None:
            return None
        head = leading[0]
    if not any(c.isdigit() for c in head):
        return None
    if head.startswith("0"):
        return "254" + head[1:]
    return "254" + head if len(head) == len("712345678") and head[0] in "17" else head
