"""The bucket of calls: what it grants, how it slows and how it recovers. Pure."""

from datetime import UTC, datetime, timedelta

from app.providers.throttle import CALLS_PER_S_MIN, RECOVER_S, Bucket

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FULL = Bucket(tokens=20, at=NOW, calls_per_s=20, slowed_at=None)


def after(bucket: Bucket, seconds: float) -> Bucket:
    return bucket.filled(now=NOW + timedelta(seconds=seconds), calls_per_s_max=20)


def test_it_holds_no_more_than_one_second_brings() -> None:
    """A night without calls is no reason for a burst in the morning."""
    assert 20 == after(FULL, 3600).tokens
    assert 20 == after(Bucket(0, NOW, 20, None), 1).tokens
    assert 10 == after(Bucket(0, NOW, 20, None), 0.5).tokens


def test_it_grants_what_it_holds_and_one_on_credit() -> None:
    assert (5, 20) == (FULL.granted(5), FULL.granted(50))
    assert 1 == Bucket(0, NOW, 20, None).granted(8)


def test_a_clock_that_went_back_takes_nothing_away() -> None:
    assert FULL == after(FULL, -5)


def test_too_many_calls_halve_the_rate_and_empty_the_bucket() -> None:
    slowed = FULL.slowed()
    assert (10, 0, NOW) == (slowed.calls_per_s, slowed.tokens, slowed.slowed_at)
    for _ in range(20):
        slowed = slowed.slowed()
    assert CALLS_PER_S_MIN == slowed.calls_per_s


def test_answers_about_one_burst_count_once() -> None:
    assert after(FULL.slowed(), 1).was_slowed_just_now
    assert not after(FULL.slowed(), 3).was_slowed_just_now
    assert not FULL.was_slowed_just_now


def test_it_recovers_slowly_and_wholly() -> None:
    slowed = FULL.slowed()
    assert 11 == round(after(slowed, RECOVER_S / 20).calls_per_s, 6)
    assert 20 == after(slowed, RECOVER_S).calls_per_s


def test_a_setting_that_was_changed_holds_at_once() -> None:
    assert 5 == FULL.filled(now=NOW, calls_per_s_max=5).calls_per_s
    assert 90 == FULL.filled(now=NOW, calls_per_s_max=90).calls_per_s
