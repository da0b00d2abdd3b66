"""When a payout is due for a step, said once: for the step's claim and for the timekeeper.

A condition that only one of them knew would make the timekeeper ring in a loop for payouts that
the step passes over, or never ring for some that wait.
"""

from app.doorbell import Step
from app.payouts.switch import IS_STOPPED
from app.providers import breaker, pauses, throttle
from app.providers.pauses import Held

MAY_BEGIN = f"NOT {IS_STOPPED} AND NOT {breaker.IS_OPEN} AND NOT {pauses.is_paused(Held.PAY)}"
"""Whether first calls may go out, and calls again for what is known never to have been taken."""
MAY_CALL = f"(NOT {breaker.IS_LOCKED_OUT})"
"""Whether anything may go out to M-PESA."""
MAY_ASK = f"NOT {pauses.is_paused(Held.ASK)}"
"""Whether any question may go out, a probe included."""
_MAY_BE_ASKED_ABOUT = "p.state IN ('submitted', 'in_doubt') OR p.frozen"
_MAY_ASK_OF_OPEN = f"{MAY_CALL} AND {MAY_ASK}"

_DUE: dict[Step, tuple[str, ...]] = {
    Step.DEBIT: (f"p.state = 'requested' AND p.work_due_at <= now() AND NOT {IS_STOPPED}",),
    Step.CHECK: (f"p.state = 'reserved' AND p.sim_check_due_at <= now() AND NOT {IS_STOPPED}",),
    Step.PAY: (
        # What never reached M-PESA waits while withdrawals are stopped, also where it turned calls
        # away before it looked at them; what it may have taken is followed to its end.
        f"p.state IN ('reserved', 'submitting') AND p.work_due_at <= now() AND {MAY_BEGIN}",
        f"p.state = 'in_doubt' AND p.resend_due_at <= now() AND {MAY_CALL}",
    ),
    Step.ASK: (
        f"({_MAY_BE_ASKED_ABOUT}) AND p.ask_due_at <= now() AND {_MAY_ASK_OF_OPEN}",
        f"p.id = {breaker.PROBED_NOW} AND {MAY_ASK}",
    ),
}
"""Nothing but a question goes out for what is frozen, and that only because a person wants it."""


def fresh(step: Step) -> str:
    """The condition that keeps payouts which failed in a step out of that step's batches."""
    return f"(p.failures = 0 OR p.failed_step <> '{step}')"


EXPIRED = (
    "NOT p.frozen AND p.state IN ('requested', 'reserved') AND p.unsent_expires_at <= now()"
    f" AND {fresh(Step.PAY)}"
)
"""What was never sent and has waited long enough. The pay step gives it back before it calls."""

_CALLING = frozenset({Step.PAY, Step.ASK})
"""The steps that M-PESA counts against us."""

_TOLD = (
    "SELECT payout_id FROM inbox WHERE worked_at IS NULL",
    "SELECT payout_id FROM evidence WHERE folded_at IS NULL",
    "SELECT id FROM payout WHERE doubt_due_at <= now()",
)
"""What resolve weighs, frozen or not: small partial indexes, however many payouts."""
_WAITING = "SELECT id FROM payout WHERE notice_due_at <= now()"

TELL = f"p.id IN ({_WAITING})"
"""Whose member has waited so long that she is told. Resolve does that when nothing is to be
weighed: after an outage thousands are due at once, and money goes first."""


def ready(step: Step) -> str:
    """What must hold for any payout of a step's batch."""
    return f"{fresh(step)} AND {throttle.HAS_TOKEN}" if step in _CALLING else fresh(step)


def _touchable(step: Step) -> str:
    """The timers of what is frozen are off, but for a question that a person asks."""
    return "true" if step is Step.ASK else "NOT p.frozen"


def claim(step: Step) -> str:
    """The condition on `payout p` by which a step takes its batch."""
    if step is Step.RESOLVE:
        # An array, which is worked out first and looked up by key: a join may walk all payouts.
        return f"p.id = ANY(ARRAY({' UNION '.join(_TOLD)})) AND {fresh(step)}"
    either = " OR ".join(f"({due})" for due in _DUE[step])
    return f"{_touchable(step)} AND ({either}) AND {ready(step)}"


def looks(step: Step) -> tuple[str, ...]:
    """The same in parts, each of which one index answers: any of them means that it is due."""
    if step is Step.RESOLVE:
        return tuple(f"p.id IN ({told}) AND {fresh(step)}" for told in (*_TOLD, _WAITING))
    own = tuple(f"{_touchable(step)} AND ({due}) AND {ready(step)}" for due in _DUE[step])
    return (*own, EXPIRED) if step is Step.PAY else own


SAGA_STEPS = (*_DUE, Step.RESOLVE)
"""The steps that payouts can be due for."""
