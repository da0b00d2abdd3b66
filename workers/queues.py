"""Which worker process listens to which queues."""

from app.doorbell import Step

CLOCK = "clock"
"""The timekeeper's name among processes. It listens to no queue."""

GROUPS: dict[str, tuple[Step, ...]] = {
    "pay": (Step.PAY, Step.DEBIT),
    "money": (Step.RESOLVE, Step.DEBIT),
    "talk": (Step.ASK, Step.CHECK, Step.SMS),
}
"""Slow calls starve nothing: payouts have a process of their own, so have the books. Debits
are taken by whichever of the two is free, so that none waits for a slow call or a long fold.

A process of several queues may lose a ringing when it dies between taking and starting a job.
That costs the two seconds until the timekeeper rings again; see `app.doorbell`.
"""
