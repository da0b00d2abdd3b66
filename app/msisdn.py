"""Kenyan mobile numbers: one form inside (`+2547XXXXXXXX`), masked wherever people may look."""

import re

import phonenumbers

_GATEWAY_FORM = re.compile(r"\+254[17][0-9]{8}", re.ASCII)
_ANY_LONG_NUMBER = re.compile(r"(?<![0-9])(?:\+?254|0)[17][0-9]{8}(?![0-9])", re.ASCII)


def is_e164(text: str) -> bool:
    """Whether this is exactly `+254` and nine digits, the form gateways send."""
    return _GATEWAY_FORM.fullmatch(text) is not None


def parse(text: str) -> str:
    """The number in E.164 from any way people write it: 0712…, 712…, 254712…, +254 712….

    Raises:
        ValueError: not a Kenyan mobile number; the message is fit for a person.
    """
    try:
        number = phonenumbers.parse(text.strip(), "KE")
    except phonenumbers.NumberParseException:
        raise ValueError(f"not a phone number: {text[:20]!r}") from None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not is_e164(written):
        raise ValueError(f"not a Kenyan mobile number: {text[:20]!r}")
    return written


def mask(number: str) -> str:
    """`0712***678`: enough for its owner to know it, too little to call it."""
    digits = number.removeprefix("+254")
    return f"0{digits[:3]}***{digits[-3:]}"


def mask_all(text: str) -> str:
    """The text with every Kenyan mobile number in it masked. For logs and error reports."""
    return _ANY_LONG_NUMBER.sub(lambda m: mask("+254" + m.group()[-9:]), text)
