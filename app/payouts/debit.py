"""The debit step: REQUESTED → RESERVED or DECLINED.

The whole total leaves the member's savings for payouts in transit, in the transaction that moves
the payout. What she can spend is decided here, under the lock of her balance, and nowhere else.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from app import ids
from app.db import Database, Tx
from app.doorbell import Doorbell, Step
from app.ledger import entries, posting
from app.messages import outbox
from app.payouts import claims, poison
from app.payouts.claims import BATCH_MAX, Payout
from app.payouts.report import Report
from app.payouts.states import State

_DUE = f"p.state = 'requested' AND p.work_due_at <= now() AND {claims.fresh(Step.DEBIT)}"


def run(db: Database, doorbell: Doorbell, *, limit: int = BATCH_MAX) -> Report:
    """Debit every payout that is due."""
    payouts: list[Payout] = []
    set_aside = 0
    try:
        with db.transaction() as tx:
            payouts = claims.take(tx, _DUE, limit=limit, order="p.work_due_at")
            if len(payouts) == limit:
                doorbell.ring(Step.DEBIT)
            work(tx, payouts)
    except poison.NEVER_POISON:
        raise
    except Exception:  # noqa: BLE001 - one of them is poison; find out which
        set_aside = poison.one_by_one(db, Step.DEBIT, payouts, work).set_aside
    if payouts:
        doorbell.ring(Step.PAY, Step.SMS)
    return Report.of(payouts, set_aside=set_aside)


def alone(db: Database, doorbell: Doorbell, reference: str) -> Report:
    """Debit one payout that was set aside."""
    worked = poison.alone(db, Step.DEBIT, reference, work)
    doorbell.ring(Step.PAY, Step.SMS)
    return Report((reference,), 1 - worked.set_aside, worked.set_aside)


def work(tx: Tx, payouts: Sequence[Payout]) -> list[None]:
    """Reserve what is covered and decline what is not, in one posting for all."""
    payouts = [p for p in payouts if p.state is State.REQUESTED]
    if not payouts:
        return []
    # The balances are locked in account order, as every posting locks them; one member has one
    # open payout, so no account appears twice.
    available = posting.lock_available(tx, [p.account_id for p in payouts])
    covered = [p for p in payouts if available.get(p.account_id, 0) >= p.total_cents]
    short = [p for p in payouts if available.get(p.account_id, 0) < p.total_cents]
    today = tx.scalar(sa.text("SELECT (now() AT TIME ZONE 'Africa/Nairobi')::date"))
    assert today is not None
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
    claims.update(
        tx,
        [
            {
                "id": p.id,
                "state": "declined",
                "cause": "savings do not cover the total",
                "reason_code": "insufficient",
                "work_due_at": None,
            }
            for p in short
        ],
    )
    at = claims.now(tx)
    for p in short:
        outbox.queue(
            tx,
            "declined",
            message_id=ids.uuid7(at),
            payout_id=p.id,
            member_id=p.member_id,
            msisdn=p.msisdn,
            language=p.language,
            facts={"ref": p.reference, "amount_cents": p.amount_cents},
        )
    return []
