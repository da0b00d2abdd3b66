"""When a payout is asked about and sent again. No test here knows of money: no timer does."""

from datetime import UTC, datetime, timedelta

import pytest

from app.payouts.deadlines import LEASE_MARGIN_S, Schedule, retry_after

FIRST_CALL = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEDULE = Schedule(
    resend_after_s=(5, 30, 120),
    ask_after_s=(90, 300, 900),
    doubt_after_s=120,
    notice_after_s=150,
    call_s_max=30.5,
)


def _after(seconds: float) -> datetime:
    return FIRST_CALL + timedelta(seconds=seconds)


@pytest.mark.parametrize(("now_s", "expected_s"), [(0, 5), (4.9, 5), (5, 30), (29, 30), (30, 120)])
def test_the_next_resend_counts_from_the_first_call(now_s: float, expected_s: float) -> None:
    """However many calls there were since: the window does not move with them."""
    expected = _after(expected_s)
    assert expected == SCHEDULE.next_resend(first_call_at=FIRST_CALL, now=_after(now_s))


@pytest.mark.parametrize("now_s", [120, 121, 86_400])
def test_after_the_window_nothing_is_ever_sent_again(now_s: float) -> None:
    """M-PESA may have forgotten the id by then; a resend would pay twice."""
    assert SCHEDULE.next_resend(first_call_at=FIRST_CALL, now=_after(now_s)) is None


@pytest.mark.parametrize(("now_s", "expected_s"), [(0, 90), (90, 300), (299, 300), (300, 900)])
def test_the_next_ask_follows_the_plan(now_s: float, expected_s: float) -> None:
    """Each planned query counts from the first call."""
    expected = _after(expected_s)
    assert expected == SCHEDULE.next_ask(first_call_at=FIRST_CALL, now=_after(now_s))


@pytest.mark.parametrize("now_s", [900, 100_000])
def test_asking_never_ends(now_s: float) -> None:
    """After the plan it goes on at the last interval."""
    expected = _after(now_s + 900)
    assert expected == SCHEDULE.next_ask(first_call_at=FIRST_CALL, now=_after(now_s))


def test_a_lease_outlasts_the_longest_call_that_begins_late() -> None:
    """A call may begin until a margin into the lease, and must end a margin before it does."""
    begins_last = SCHEDULE.lease_s - SCHEDULE.call_s_max - LEASE_MARGIN_S
    assert LEASE_MARGIN_S == begins_last
    assert 50.5 == SCHEDULE.lease_s


@pytest.mark.parametrize(
    ("failures", "expected_s"), [(0, 2), (1, 2), (2, 5), (3, 15), (4, 60), (5, 300), (99, 300)]
)
def test_retries_come_more_slowly_and_never_stop(failures: int, expected_s: int) -> None:
    """From two seconds to five minutes."""
    assert timedelta(seconds=expected_s) == retry_after(failures)
