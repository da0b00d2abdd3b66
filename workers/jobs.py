"""The RQ jobs. Each is one line and knows nothing: PostgreSQL says what there is to do.

The flag of a doorbell goes down before the step claims, so work committed later rings again.
"""

from rq import get_current_job

from app.doorbell import Step
from app.messages import outbox
from app.payouts.report import Report
from workers.context import Context, current


def debit() -> dict[str, int]:
    """Debit every payout that is due. Returns counts for the dashboard."""
    return _told(Step.DEBIT, _answer(Step.DEBIT).debit.run())


def pay() -> dict[str, int]:
    """Send every payout that is due to M-PESA. Returns counts for the dashboard."""
    return _told(Step.PAY, _answer(Step.PAY).pay.run())


def resolve() -> dict[str, int]:
    """Fold whatever has been said about any payout. Returns counts for the dashboard."""
    return _told(Step.RESOLVE, _answer(Step.RESOLVE).resolve.run())


def ask() -> dict[str, int]:
    """Ask M-PESA about every payout whose query is due. Returns counts for the dashboard."""
    context = _answer(Step.ASK)
    counts = _told(Step.ASK, context.ask.run())
    # Last: whatever happens to it, payouts have been asked about.
    context.float_watch.run()
    return counts


def check() -> dict[str, int]:
    """Check the SIM card behind every payout that waits. Returns counts for the dashboard."""
    return _told(Step.CHECK, _answer(Step.CHECK).check.run())


def sms() -> dict[str, int]:
    """Send every SMS that is due. Returns counts for the dashboard."""
    context = _answer(Step.SMS)
    counts = outbox.send_due(
        context.db, context.sms, worker=context.worker, start_pins=context.start_pins
    )
    is_full = sum(counts.values()) >= outbox.BATCH_MAX
    if is_full:
        context.doorbell.ring(Step.SMS)
    context.pace.worked(Step.SMS, left_some=is_full)
    return counts


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


def _answer(step: Step) -> Context:
    context = current()
    context.pace.wait(step)
    context.doorbell.answered(step)
    return context


def _told(step: Step, report: Report) -> dict[str, int]:
    """Describe the job by what it found; RQ keeps the description with the result."""
    current().pace.worked(step, left_some=report.is_full)
    job = get_current_job()
    if job is not None:
        job.description = report.described(step)
    return report.counts
