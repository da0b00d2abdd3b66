"""How many claims one ringing makes: one when idle, several while there is always more."""

from dataclasses import dataclass, field
from typing import cast

import pytest

from app.doorbell import Doorbell, Step
from workers import pace
from workers.pace import Pace


@dataclass(frozen=True)
class Gulp:
    """What one claim found."""

    found: int
    is_full: bool = False


@dataclass
class Bell:
    """Notes when the flag went down among the claims."""

    log: list[str] = field(default_factory=list)

    def answered(self, step: Step) -> None:
        """As the doorbell's own."""
        self.log.append(f"{step} answered")


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def paced(bell: Bell) -> Pace:
    return Pace(cast("Doorbell", bell))


def take(bell: Bell, found: list[Gulp]) -> Gulp:
    bell.log.append("claim")
    return found.pop(0)


def test_when_idle_the_flag_goes_down_and_one_claim_is_made(paced: Pace, bell: Bell) -> None:
    """What is committed after the flag is down rings anew, so nothing can be missed."""
    found = [Gulp(1)]
    assert [Gulp(1)] == paced.work(Step.PAY, lambda: take(bell, found))
    assert ["pay answered", "claim"] == bell.log


def test_under_load_it_claims_until_nothing_is_found_and_once_more(paced: Pace, bell: Bell) -> None:
    paced.work(Step.PAY, lambda: Gulp(3))
    bell.log.clear()
    found = [Gulp(2), Gulp(1), Gulp(0), Gulp(1)]
    assert 4 == sum(gulp.found for gulp in paced.work(Step.PAY, lambda: take(bell, found)))
    assert ["claim", "claim", "claim", "pay answered", "claim"] == bell.log


def test_a_full_batch_is_followed_by_the_next_without_a_pause(paced: Pace, bell: Bell) -> None:
    paced.work(Step.PAY, lambda: Gulp(3))
    found = [Gulp(50, is_full=True), Gulp(50, is_full=True), Gulp(7), Gulp(0), Gulp(0)]
    assert 107 == sum(gulp.found for gulp in paced.work(Step.PAY, lambda: take(bell, found)))


def test_one_step_under_load_makes_no_other_wait(paced: Pace, bell: Bell) -> None:
    paced.work(Step.PAY, lambda: Gulp(3))
    bell.log.clear()
    paced.work(Step.SMS, lambda: take(bell, [Gulp(1)]))
    assert ["sms answered", "claim"] == bell.log


def test_no_job_stays_for_ever(paced: Pace, bell: Bell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "STAY_S", 0.2)
    paced.work(Step.PAY, lambda: Gulp(1))
    endless = paced.work(Step.PAY, lambda: Gulp(1))
    assert 2 <= len(endless) < 100
