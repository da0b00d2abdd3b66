"""What follows from each answer of the gateway to one attempt. Pure."""

import re
from dataclasses import dataclass
from typing import Literal

from app.messages.delivery import fit
from app.providers import africastalking
from app.providers.africastalking import SmsOutcome

AGAIN_AFTER_S = (5, 30, 120, 600, 3600)
"""Waits between attempts; the last one repeats."""
ATTEMPTS_MAX = 12
"""About eight hours of trying."""
DOUBTS_MAX = 6
"""Attempts when the last had no answer: the member may be reading every one of them."""
DOUBT_WAIT_S_MIN = 120

End = Literal["accepted", "failed", "again", "late"]
ENDS: tuple[End, ...] = ("accepted", "failed", "again", "late")

NO_LONGER_VALID = "this start PIN is no longer valid; `baraza members pin-reset` makes another"


@dataclass(frozen=True, slots=True)
class Result:
    """What to write into a message's row, and what it tells about the way to the member."""

    end: End
    failure: str | None = None
    provider_message_id: str | None = None
    wait_s: int | None = None
    blocked: bool = False
    """Her number takes nothing from our sender."""
    out_of_credit: bool = False
    """Our account is empty, which is not this message's fault: the attempt does not count."""


def judge(
    outcome: SmsOutcome, *, attempt: int, blocked: bool = False, secret: bool = False
) -> Result:
    """What follows from one answer of the gateway.

    Args:
        outcome: The answer.
        attempt: Which attempt this was, from one.
        blocked: The number had blocked our sender before: one attempt is enough.
        secret: The text held a PIN. A gateway can repeat what it was given in its answer, so no
            digit of the gateway's words is kept.
    """
    wait_s = AGAIN_AFTER_S[min(attempt, len(AGAIN_AFTER_S)) - 1]
    attempts_max = 1 if blocked else ATTEMPTS_MAX
    match outcome:
        case africastalking.Accepted(message_id=message_id):
            return Result("accepted", provider_message_id=fit(message_id or "") or None)
        case africastalking.Rejected(code=code, status=status, permanent=True):
            failure = f"{_said(status, secret=secret)} ({code})"
            return Result("failed", failure, blocked=code == africastalking.USER_IN_BLACKLIST)
        case africastalking.Rejected(code=code, status=status):
            failure = f"{_said(status, secret=secret)} ({code})"
            return _again(failure, attempt, wait_s=wait_s, attempts_max=attempts_max)
        case africastalking.TryLater(reason=reason, out_of_credit=True):
            return Result("again", _said(reason, secret=secret), wait_s=0, out_of_credit=True)
        case africastalking.TryLater(reason=reason):
            failure = _said(reason, secret=secret)
            return _again(failure, attempt, wait_s=wait_s, attempts_max=attempts_max)
        case africastalking.InDoubt(reason=reason):
            doubt = f"no clear answer: {_said(reason, secret=secret)}; it may have arrived"
            return _again(
                doubt,
                attempt,
                wait_s=max(wait_s, DOUBT_WAIT_S_MIN),
                attempts_max=min(attempts_max, DOUBTS_MAX),
            )


def _said(text: str, *, secret: bool) -> str:
    return re.sub(r"\d", "*", text) if secret else text


def _again(failure: str, attempt: int, *, wait_s: int, attempts_max: int) -> Result:
    if attempt < attempts_max:
        return Result("again", failure, wait_s=wait_s)
    tried = "one attempt, for the number blocks us" if attempts_max == 1 else f"{attempt} attempts"
    return Result("failed", f"given up after {tried}: {failure}")
