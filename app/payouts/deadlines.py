"""When a payout is asked about, sent again, doubted, explained to its member. Pure.

Timers may only ask and tell. No path leads from one to a ledger entry.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

LEASE_MARGIN_S = 10
"""A call may start only while its lease outlasts its longest duration by this much."""
HEARTBEAT_S = 1
SILENT_S = 3
"""A worker that has not beaten for this long is taken for dead, and its claims are void."""
RETRY_AFTER_S = (2, 5, 15, 60, 300)
"""A step that raised, or a call that never left our host: try again after."""
FAILURES_MAX = 5
"""After this many raises in one step, a person looks at the payout."""
FIRST_ASK_OF_DOUBT_S = 5
UNSENT_EXPIRES_AFTER_S = 6 * 3600
"""Unless said otherwise. Longer than most outages, shorter than a member's patience."""
RESEND_LATE_S_MAX = 30
"""A resend that was held up longer than this (nobody worked, the queue was full) is not made."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """An operator's deadlines, in seconds after the first call unless said otherwise."""

    resend_after_s: tuple[int, ...]
    ask_after_s: tuple[int, ...]
    doubt_after_s: int
    """After the acknowledgement."""
    notice_after_s: int
    call_s_max: float
    """The longest that one call to the provider may take."""

    @property
    def lease_s(self) -> float:
        """How long a claim holds: the longest call, begun a margin late, and a margin after."""
        return self.call_s_max + 2 * LEASE_MARGIN_S

    def next_resend(self, *, first_call_at: datetime, now: datetime) -> datetime | None:
        """The next resend, or None once the window has closed for good.

        How long M-PESA remembers an id is not published; a resend after it forgot would pay
        twice. So the window is short and counts from the first committed call.
        """
        return _next(self.resend_after_s, first_call_at, now)

    def may_resend(self, *, first_call_at: datetime, now: datetime) -> bool:
        """Whether a resend may still go out, however long ago it was planned."""
        closes_s = self.resend_after_s[-1] + RESEND_LATE_S_MAX
        return now <= first_call_at + timedelta(seconds=closes_s)

    def next_notice(self, *, first_call_at: datetime) -> datetime:
        """When the member is told that M-PESA is silent."""
        return first_call_at + timedelta(seconds=self.notice_after_s)

    def next_ask(self, *, first_call_at: datetime, now: datetime) -> datetime:
        """The next status query; after the last interval, again and again at that interval."""
        planned = _next(self.ask_after_s, first_call_at, now)
        return planned or now + timedelta(seconds=self.ask_after_s[-1])


def retry_after(failures: int) -> timedelta:
    """How long to wait after this many failures in a row."""
    return timedelta(seconds=RETRY_AFTER_S[min(max(failures, 1), len(RETRY_AFTER_S)) - 1])


def _next(after_s: tuple[int, ...], start: datetime, now: datetime) -> datetime | None:
    planned = (start + timedelta(seconds=s) for s in after_s)
    return next((moment for moment in planned if moment > now), None)
