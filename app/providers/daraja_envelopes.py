"""What all of Daraja's results have in common: an envelope with a code, and parameters. Pure."""

from dataclasses import dataclass
from typing import Any

from app.providers.loose_json import key_form, pick, text_of

PARAMETERS_MAX = 100


@dataclass(frozen=True, slots=True)
class Unreadable:
    """There was nothing in the body that could be taken for an answer."""

    reason: str


class Parameters:
    """The result parameters, as the list they are: keys may repeat, in any order."""

    def __init__(self, envelope: dict[str, Any]) -> None:
        holder = pick(envelope, "ResultParameters")
        entries = pick(holder, "ResultParameter") if isinstance(holder, dict) else holder
        if isinstance(entries, dict):
            entries = [entries]
        self._pairs = [
            (key_form(key), pick(entry, "Value"))
            for entry in (entries[:PARAMETERS_MAX] if isinstance(entries, list) else [])
            if isinstance(key := pick(entry, "Key"), str)
        ]

    def all(self, name: str) -> list[Any]:
        """All values of a key, in their order."""
        wanted = key_form(name)
        return [v for key, v in self._pairs if key == wanted and isinstance(v, str | int | float)]

    def only(self, name: str) -> Any:
        """The value of a key, or None if it is missing or said twice in different ways."""
        values = self.all(name)
        return values[0] if values and all(v == values[0] for v in values) else None

    def text(self, name: str) -> str | None:
        """The value of a key as text."""
        return text_of(self.only(name))


def envelope_of(body: object) -> dict[str, Any] | None:
    """The outermost object that has a code, or None."""
    for candidate in (pick(body, "Result"), body):
        if isinstance(candidate, dict) and text_of(pick(candidate, "ResultCode")) is not None:
            return candidate
    return None


def is_final(envelope: dict[str, Any]) -> bool:
    """Whether no more is announced to come."""
    return text_of(pick(envelope, "ResultType")) == "0"
