"""How long a ringing waits for company: under load a step claims many at once, when idle at once.

A ringing costs RQ some fifty commands and two milliseconds of processor, however many payouts it
finds. A step that was worked a moment ago will have more to do in a moment.
"""

import time

from app.doorbell import Step

BUSY_S = 0.1
"""A step that was worked within this long is under load."""
GATHER_S = 0.025
"""What a ringing under load waits: little beside the seconds that M-PESA takes, and at a hundred
payouts a second it finds three instead of one."""


class Pace:
    """When each step was last worked by this process."""

    def __init__(self) -> None:
        self._worked: dict[Step, float] = {}

    def wait(self, step: Step) -> None:
        """Let others join, if there seem to be others."""
        if time.monotonic() - self._worked.get(step, -BUSY_S) < BUSY_S:
            time.sleep(GATHER_S)

    def worked(self, step: Step, *, left_some: bool) -> None:
        """A step was worked. What it left behind, in a full batch, need not wait for company."""
        if left_some:
            self._worked.pop(step, None)
        else:
            self._worked[step] = time.monotonic()
