"""Straight through: what can be sent at once is debited and committed to M-PESA in one transaction.

The debit and the pay step are there for themselves, and whatever is not as it should be is left to
them. Where nothing is in the way, a payout need not wait in between: its debit, its call's intent
and both its moves commit as one, and then the call is made. Money first, as ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.db import Database
from app.doorbell import Doorbell, Step
from app.payouts import claims, due, poison
from app.payouts.claims import BATCH_MAX, Payout
from app.payouts.debit import Debit
from app.payouts.pay import Call, Pay
from app.payouts.report import Report


@dataclass(frozen=True, slots=True)
class Straight:
    """The two steps together, for a process that may call M-PESA."""

    db: Database
    doorbell: Doorbell
    debit: Debit
    pay: Pay

    def run(self) -> Report:
        """Debit every payout that is due, and send as many of them as one wave of calls takes."""
        payouts: list[Payout] = []
        reserved: Sequence[Payout] = []
        calls: list[Call] = []
        try:
            with self.db.transaction() as tx:
                payouts = claims.take(
                    tx, due.claim(Step.DEBIT), limit=BATCH_MAX, order="p.work_due_at"
                )
                if len(payouts) == BATCH_MAX:
                    self.doorbell.ring(Step.DEBIT)
                reserved = self.debit.work(tx, payouts)
                if not self.debit.checks_sim:
                    calls = self.pay.intend(tx, reserved[: self.pay.wave], goes_on=True)
        except poison.NEVER_POISON:
            raise
        except Exception:  # noqa: BLE001 - each step finds out by itself which of them is poison
            return self.debit.run()
        if len(reserved) < len(payouts):
            self.doorbell.ring(Step.SMS)
        if len(calls) < len(reserved):
            self.debit.ring_next()
        self.pay.call(calls)
        return Report.of(payouts, set_aside=0, is_full=len(payouts) >= BATCH_MAX)
