"""What one call to Daraja can end in. Each speaks of that call only, never of the payout.

A payout may have several calls under its one id; once any of them ended in doubt, no refusal of
another one proves that it was not paid.
"""

from dataclasses import dataclass
from enum import StrEnum


class Mend(StrEnum):
    """What must change before a call that was turned away can succeed."""

    TOKEN = "token"  # noqa: S105 - no password
    """The access token was refused, also after it was renewed."""
    RATE = "rate"
    """Too many calls. Slow down."""
    CONFIG = "config"
    """Path, product or firewall. A person must mend it."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """M-PESA took the request into its queue. That is no payment yet."""

    conversation_id: str | None
    """M-PESA's own id of the request."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """M-PESA has seen this id before: an earlier call arrived. Its outcome is not known."""


@dataclass(frozen=True, slots=True)
class Refused:
    """M-PESA read this call and will not do it. The same call can never succeed."""

    http_status: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class NotProcessed:
    """This call was turned away at the gate: M-PESA's core never saw it."""

    http_status: int
    code: str
    text: str
    retry: Mend


@dataclass(frozen=True, slots=True)
class NotSent:
    """Not one byte of the request left our host."""

    reason: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The request left us and no clear answer came. It may have been taken."""

    reason: str
    http_status: int | None = None
    code: str | None = None


Answered = Accepted | Duplicate | Refused | NotProcessed | InDoubt
"""What an HTTP answer can mean."""
Outcome = Answered | NotSent
