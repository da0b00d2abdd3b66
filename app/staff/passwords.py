"""Staff passwords: which are good enough, and how they are kept."""

import re
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import Refused

LENGTH_MIN = 12
LENGTH_MAX = 128
DISTINCT_MIN = 5
NAME_PART_MIN = 4

COMMON = frozenset(
    {
        "abc", "abcd", "abcdef", "abcdefgh", "abcdefghijkl", "admin", "administrator", "asdf",
        "asdfgh", "asdfghjkl", "baraza", "barazasacco", "changeme", "dragon", "football",
        "iloveyou", "jesus", "jesuschrist", "kenya", "letmein", "login", "manager", "master",
        "monkey", "mpesa", "mpesapassword", "mypassword", "nairobi", "ninja", "nopassword",
        "office", "pass", "passcode", "passphrase", "passw", "password", "princess", "qazwsx",
        "qazwsxedc", "qwerty", "qwertyuiop", "sacco", "safaricom", "secret", "staff",
        "sunshine", "superman", "system", "temporary", "test", "testing", "trustno", "user",
        "welcome", "zxcvbnm",
    }
)  # fmt: skip
"""Words that attackers try first, here or anywhere, with any digits and signs around them."""

# OWASP's second choice for argon2id: 19 MiB, so that a few sign-ins at once do not fill the host.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class WeakPassword(Refused):
    """Too easy to guess. The message says what to do instead."""

    code = "ST-01"


def require_strength(password: str, *, email: str) -> None:
    """Refuse a password that others would try.

    Raises:
        WeakPassword: it is short, common, monotonous or made from the person's own address.
    """
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise WeakPassword(f"A password has {LENGTH_MIN} to {LENGTH_MAX} characters.")
    if len(set(password)) < DISTINCT_MIN:
        raise WeakPassword(
            "Too few different characters. Four unrelated words are a good password."
        )
    lowered = password.lower()
    # What is left without digits and signs: "P@ssw0rd" tricks are undone first.
    letters = re.sub(r"[^a-z]", "", lowered.translate(str.maketrans("@0135$", "aoiess")))
    if letters in COMMON or re.sub(r"[^a-z]", "", lowered) in COMMON or not letters:
        raise WeakPassword("This is among the first that are tried. Take four unrelated words.")
    own = email.partition("@")[0].lower()
    if len(own) >= NAME_PART_MIN and own in lowered:
        raise WeakPassword("A password must not contain your own address.")


def hashed(password: str) -> str:
    """The argon2id hash to keep, with its parameters and salt in it."""
    return _HASHER.hash(password)


def matches(stored: str, password: str) -> bool:
    """Whether this is the password. Takes about as long for a wrong one."""
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


@cache
def nobodys_hash() -> str:
    """A hash to check against when there is no account, so that both take the same work."""
    return _HASHER.hash("there is nobody by this name")
