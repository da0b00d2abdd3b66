"""The debit step: REQUESTED → RESERVED or DECLINED.

The whole total leaves the member's savings for payouts in transit, in the transaction that moves
the payout. What she can spend is decided here, under the lock of her balance, and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app import ids
from app.clock import NAIROBI
from app.db import Database, Tx
from app.doorbell import Doorbell, Step
from app.ledger import entries, posting
from app.messages import outbox
from app.payouts import claims, due, poison, sim_check, switch
from app.payouts.claims import BATCH_MAX, Payout
from app.payouts.report import Report
from app.payouts.states import State


@dataclass(frozen=True, slots=True)
class Debit:
    """The step with what it needs: one per worker process."""

    db: Database
    doorbell: Doorbell
    checks_sim: bool = False
    """Whether what was debited waits for a SIM check before it is sent."""

    def run(self, *, limit: int = BATCH_MAX) -> Report:
        """Debit every payout that is due."""
        payouts: list[Payout] = []
        set_aside = 0
        try:
            with self.db.transaction() as tx:
                payouts = claims.take(tx, due.claim(Step.DEBIT), limit=limit, order="p.work_due_at")
                if len(payouts) == limit:
                    self.doorbell.ring(Step.DEBIT)
                self.work(tx, payouts)
        except poison.NEVER_POISON:
            raise
        except Exception:  # noqa: BLE001 - one of them is poison; find out which
            set_aside = poison.one_by_one(self.db, Step.DEBIT, payouts, self.work).set_aside
        if payouts:
            self.ring_next()
        return Report.of(payouts, set_aside=set_aside, is_full=len(payouts) >= limit)

    def alone(self, reference: str) -> Report:
        """Debit one payout that was set aside."""
        worked = poison.alone(self.db, Step.DEBIT, reference, self.work)
        self.ring_next()
        return Report((reference,), 1 - worked.set_aside, worked.set_aside)

    def ring_next(self) -> None:
        """Ring for whoever goes on with what was reserved, and tells of what was not."""
        self.doorbell.ring(Step.CHECK if self.checks_sim else Step.PAY, Step.SMS)

    def work(self, tx: Tx, payouts: Sequence[Payout]) -> list[Payout]:
        """Reserve what is covered and decline what is not, in one posting for all.

        Returns:
            Those that are reserved now, as they are now.
        """
        payouts = [p for p in payouts if p.state is State.REQUESTED and not p.frozen]
        if not payouts or not switch.hold(tx):
            return []
        # The balances are locked in account order, as every posting locks them; one member has
        # one open payout, so no account appears twice.
        available = posting.lock_available(tx, [p.account_id for p in payouts])
        covered = [p for p in payouts if available.get(p.account_id, 0) >= p.total_cents]
        _reserve(tx, covered)
        if self.checks_sim:
            sim_check.wanted(tx, covered)
        _decline(tx, [p for p in payouts if available.get(p.account_id, 0) < p.total_cents])
        return [replace(p, state=State.RESERVED) for p in covered]


def _reserve(tx: Tx, covered: Sequence[Payout]) -> None:
    if not covered:
        return
    today = covered[0].taken_at.astimezone(NAIROBI).date()
    posting.post_many(
        tx,
        [
            entries.reserve(
                entry_id=p.reserve_id,
                effective_on=today,
                reference=p.reference,
                account=p.account_id,
                total_cents=p.total_cents,
            )
            for p in covered
        ],
    )
    claims.update(tx, [{"id": p.id, "state": "reserved", "cause": "debited"} for p in covered])


def _decline(tx: Tx, short: Sequence[Payout]) -> None:
    if not short:
        return
    claims.update(
        tx,
        [
            {
                "id": p.id,
                "state": "declined",
                "cause": "savings do not cover the total",
                "reason_code": "insufficient",
                "work_due_at": None,
                "notice_due_at": None,
            }
            for p in short
        ],
    )
    at = claims.now(tx)
    outbox.queue_all(
        tx,
        [
            outbox.Text(
                "declined",
                ids.uuid7(at),
                p.member_id,
                p.msisdn,
                p.language,
                {"ref": p.reference, "amount_cents": p.amount_cents},
                p.id,
            )
            for p in short
        ],
    )
