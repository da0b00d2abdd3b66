"""One call of a service code, what the network allows it, and how good the line is."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

CONCURRENT_MAX = 20
SLOW_SECONDS_MAX = 15.0


@dataclass
class Session:
    """One call of a service code, from dialling to the last screen."""

    phone: str
    service_code: str
    network: str
    id: str = field(default_factory=lambda: f"ATUid_{secrets.token_hex(16)}")
    replies: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.time)
    last: float = field(default_factory=time.time)
    hops: int = 0
    open: bool = True
    status: str = "Incomplete"
    last_body: str = ""
    error: str | None = None
    busy: bool = False
    """A request is under way, so the person is not to blame for the silence."""

    @property
    def text(self) -> str:
        """Every reply so far, joined the way the gateway does."""
        return "*".join(self.replies)

    def text_of(self, hops_ago: int) -> str:
        """The replies as they were so many hops ago."""
        return "*".join(self.replies[: len(self.replies) - hops_ago])


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the network waits, in seconds."""

    idle_s: float
    """For a person to answer a screen."""
    session_s: float
    """In all."""
    answer_s: float
    """For Baraza to answer a hop."""


@dataclass(frozen=True, slots=True)
class Signal:
    """How good the line is while one request goes its way."""

    times: int = 1
    """How often the network delivers the request, at once."""
    slow_s: float = 0
    """How much later Baraza's answer reaches the phone."""
    loses_answer: bool = False
    """The answer never reaches the phone, which then gives the session up."""

    @classmethod
    def of(cls, asked: dict[str, Any]) -> "Signal":
        """As asked for; anything that cannot be meant is a good line."""
        times, slow_s = asked.get("concurrently", 1), asked.get("slow_s", 0)
        return cls(
            times=min(times, CONCURRENT_MAX) if isinstance(times, int) and times > 0 else 1,
            slow_s=min(max(slow_s, 0), SLOW_SECONDS_MAX) if isinstance(slow_s, int | float) else 0,
            loses_answer=asked.get("lose_answer") is True,
        )
