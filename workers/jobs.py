"""The RQ jobs. Each is one line and knows nothing: PostgreSQL says what there is to do.

When a step claims, and how often for one job, is `workers.pace`'s to say.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rq import get_current_job

from app.doorbell import Step
from app.messages import outbox
from app.payouts.report import Report
from workers.context import Context, current


def debit() -> dict[str, int]:
    """Debit every payout that is due. Returns counts for the dashboard.

    A process that calls M-PESA sends what it can at once.
    """
    context = current()
    run = context.straight.run if Step.PAY in context.works else context.debit.run
    return _answer(Step.DEBIT, run)


def pay() -> dict[str, int]:
    """Send every payout that is due to M-PESA. Returns counts for the dashboard."""
    return _answer(Step.PAY, current().pay.run)


def resolve() -> dict[str, int]:
    """Fold whatever has been said about any payout. Returns counts for the dashboard."""
    return _answer(Step.RESOLVE, current().resolve.run)


def ask() -> dict[str, int]:
    """Ask M-PESA about every payout whose query is due. Returns counts for the dashboard."""
    counts = _answer(Step.ASK, current().ask.run)
    # Last: whatever happens to it, payouts have been asked about.
    current().float_watch.run()
    return counts


def check() -> dict[str, int]:
    """Check the SIM card behind every payout that waits. Returns counts for the dashboard."""
    return _answer(Step.CHECK, current().check.run)


def sms() -> dict[str, int]:
    """Send every SMS that is due. Returns counts for the dashboard."""
    context = current()
    gulps = context.pace.work(Step.SMS, lambda: _send(context))
    if gulps[-1].is_full:
        context.doorbell.ring(Step.SMS)
    return {end: sum(gulp.counts[end] for gulp in gulps) for end in gulps[-1].counts}


def debit_alone(reference: str) -> dict[str, int]:
    """Debit one payout that was set aside."""
    return current().debit.alone(reference).counts


def pay_alone(reference: str) -> dict[str, int]:
    """Send one payout that was set aside."""
    return current().pay.alone(reference).counts


def resolve_alone(reference: str) -> dict[str, int]:
    """Resolve one payout that was set aside."""
    return current().resolve.alone(reference).counts


def ask_alone(reference: str) -> dict[str, int]:
    """Ask about one payout that was set aside."""
    return current().ask.alone(reference).counts


def check_alone(reference: str) -> dict[str, int]:
    """Check the SIM card of one payout that was set aside."""
    return current().check.alone(reference).counts


def _answer(step: Step, run: Callable[[], Report]) -> dict[str, int]:
    """Work, and describe the job by what it found; RQ keeps the description with the result."""
    report = Report.together(current().pace.work(step, run))
    job = get_current_job()
    if job is not None:
        job.description = report.described(step)
    return report.counts


@dataclass(frozen=True, slots=True)
class _Sent:
    """What became of one claim of messages."""

    counts: dict[str, int]

    @property
    def found(self) -> int:
        return sum(self.counts.values())

    @property
    def is_full(self) -> bool:
        return self.found >= outbox.BATCH_MAX


def _send(context: Context) -> _Sent:
    return _Sent(
        outbox.send_due(
            context.db, context.sms, worker=context.worker, start_pins=context.start_pins
        )
    )
