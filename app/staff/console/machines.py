"""Queues, workers, M-PESA's door, and what failed every time: for whoever keeps it running."""

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from app import audit
from app.operations import provider_status, queues
from app.operations.context import context
from app.payouts import poison
from app.staff.console.acts import reason
from app.staff.console.routes import actor, page, reading, shown
from app.staff.permissions import Permission

LIVE_S = 5
LETTERS_SHOWN = 100


@page("/queues", Permission.SEE_QUEUES)
def machines() -> ResponseReturnValue:
    """What waits for which step, who works, what holds calls back, and dead letters."""
    with reading() as tx:
        waiting = queues.waiting(tx)
        workers = queues.workers(tx)
        letters = poison.letters(tx, with_closed=False, limit=LETTERS_SHOWN)
        mpesa = provider_status.read(tx, calls_per_s_max=context().settings.daraja_calls_per_s_max)
    return shown(
        "machines.html",
        waiting=waiting,
        workers=workers,
        letters=letters,
        mpesa=mpesa,
        live_s=LIVE_S,
    )


@page("/payouts/<reference>/retry", Permission.RETRY, post=True)
def retry_step(reference: str) -> ResponseReturnValue:
    """Try a payout once more that failed in a step of ours. It never repeats a call in doubt."""
    why, named = reason(), reference.upper()
    with context().db.transaction() as tx:
        step = poison.revive(tx, named)
        audit.record(tx, "payout_retried", by=actor(), reason=why, reference=named, step=step)
    return redirect(url_for("console.payout", reference=named, done="retried"), 303)
