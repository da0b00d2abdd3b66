"""How long a ringing waits for company: under load a step claims many at once, when idle at once.

A ringing costs RQ some fifty commands and two to three milliseconds of processor, however many
payouts it finds. A step that was worked a moment ago will have more to do in a moment: then the
job stays, and takes in a few gulps what would have been as many jobs.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from app.doorbell import Doorbell, Step

BUSY_S = 0.03
"""A step that was worked within this long is under load."""
GATHER_S = {Step.DEBIT: 0.01, Step.PAY: 0.02}
"""From gulp to gulp, on the way to M-PESA."""
GATHER_OTHERS_S = 0.1
"""The same for what comes after, which is little beside the seconds that M-PESA takes."""
STAY_S = 1.0
"""No job stays for longer, so that a worker that is told to end ends soon."""
STAY_WITH_OTHERS_S = 0.25
"""The same for steps whose process works others that members wait for."""
_WITH_OTHERS = frozenset({Step.DEBIT, Step.RESOLVE})


class _Found(Protocol):
    """What one claim of a step found."""

    @property
    def found(self) -> int:
        """How many rows it claimed."""

    @property
    def is_full(self) -> bool:
        """Whether it claimed as many as it may at once, so that more may be due."""


Gulp = TypeVar("Gulp", bound=_Found)


@dataclass
class Pace:
    """When each step was last worked by this process."""

    doorbell: Doorbell
    _worked: dict[Step, float] = field(default_factory=dict)

    def work(self, step: Step, run: Callable[[], Gulp]) -> list[Gulp]:
        """Answer a ringing. What the step found, gulp by gulp; at least one."""
        gulps = list(self._gulps(step, run))
        self._worked[step] = time.monotonic()
        return gulps

    def _gulps(self, step: Step, run: Callable[[], Gulp]) -> Iterator[Gulp]:
        if time.monotonic() - self._worked.get(step, -BUSY_S) < BUSY_S:
            yield from self._stay(step, run)
        # Only now the flag goes down. Until here this job answers every ringing; from here on
        # each makes a job. So what was committed before is claimed after, once more.
        self.doorbell.answered(step)
        yield run()

    def _stay(self, step: Step, run: Callable[[], Gulp]) -> Iterator[Gulp]:
        stay_s = STAY_WITH_OTHERS_S if step in _WITH_OTHERS else STAY_S
        until = time.monotonic() + stay_s
        found = 1
        while found and time.monotonic() < until:
            time.sleep(GATHER_S.get(step, GATHER_OTHERS_S))
            gulp = run()
            yield gulp
            found = gulp.found
            while gulp.is_full and time.monotonic() < until:
                gulp = run()
                yield gulp
