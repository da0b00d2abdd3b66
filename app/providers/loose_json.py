"""Reading JSON that others wrote, without ever raising, and making it safe to keep. Pure."""

import json
import math
from typing import Any

DEPTH_MAX = 12
ITEMS_MAX = 200
TEXT_MAX = 2_000
KEY_MAX = 100
INTEGER_MAX = 10**30

SECRET_KEYS = frozenset({"securitycredential", "password", "initiatorpassword", "access_token"})
REMOVED = "[removed]"
TOO_DEEP = "[too deep]"
NOT_KEPT = "[not kept]"


def loads(raw: bytes) -> Any:
    """The JSON value in these bytes, or None if there is none."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def key_form(name: str) -> str:
    """A key as it is compared: Safaricom has spelled the same keys in several ways."""
    return "".join(name.split()).lower().replace("finalized", "finalised")


def pick(mapping: object, name: str) -> Any:
    """The value under this key, however the key is spelled. None where there is none."""
    if not isinstance(mapping, dict):
        return None
    if name in mapping:
        return mapping[name]
    wanted = key_form(name)
    return next(
        (v for k, v in mapping.items() if isinstance(k, str) and key_form(k) == wanted), None
    )


def text_of(value: object) -> str | None:
    """A short text or whole number as stripped text; None for anything else and for nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, int) and abs(value) > INTEGER_MAX:
        return None
    return storable(str(value)).strip()[:TEXT_MAX].strip() or None


def storable(text: str) -> str:
    """The text without what PostgreSQL cannot hold: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def strip_secrets(body: object) -> Any:
    """A copy fit to be stored and shown: no credentials at any depth, all sizes bounded.

    A queue-timeout notice is our own request sent back, credential included.
    """
    return _clean(body, DEPTH_MAX)


def _clean(value: object, depth: int) -> Any:
    if isinstance(value, dict | list):
        if depth == 0:
            return TOO_DEEP
        if isinstance(value, dict):
            return _clean_mapping(value, depth)
        return [_clean(item, depth - 1) for item in value[:ITEMS_MAX]]
    if isinstance(value, str):
        return storable(value[:TEXT_MAX])
    return value if _is_plain(value) else NOT_KEPT


def _is_plain(value: object) -> bool:
    """Whether this is a number that jsonb can hold, a truth value or null."""
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, int) and abs(value) <= INTEGER_MAX)


def _clean_mapping(value: dict[Any, Any], depth: int) -> dict[str, Any]:
    # Parameters come as {"Key": name, "Value": value}: there the secret's name is a value.
    named = pick(value, "Key")
    secret_pair = isinstance(named, str) and _is_secret(named)
    kept: dict[str, Any] = {}
    for key, item in list(value.items())[:ITEMS_MAX]:
        name = storable(str(key)[:KEY_MAX])
        hidden = _is_secret(name) or (secret_pair and key_form(name) == "value")
        kept[name] = REMOVED if hidden else _clean(item, depth - 1)
    return kept


def _is_secret(name: str) -> bool:
    return key_form(name) in SECRET_KEYS
