"""The resolve step: it alone moves a payout that was sent.

It claims payouts, not messages: all that is filed about one is classified and folded together,
and the decision, the ledger entry, the new state and the member's SMS commit as one.
"""

from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.db import Database, Tx
from app.doorbell import Doorbell, Step
from app.payouts import claims, classify, due, poison
from app.payouts.claims import BATCH_MAX, Payout
from app.payouts.deadlines import Schedule
from app.payouts.evidence import Class, Decision, Evidence, Situation, Source, decide
from app.payouts.outcome import Outcomes
from app.payouts.report import Report
from app.providers import result_codes

TOLD_MAX = 20
"""Members told in one turn that it takes long: a second's worth, so that money moves meanwhile."""
CALLS_THAT_MAY_HAVE_ARRIVED = "outcome IS NULL OR outcome IN ('in_doubt', 'accepted', 'duplicate')"


@dataclass(frozen=True, slots=True)
class Resolve:
    """The step with what it needs: one per worker process."""

    db: Database
    doorbell: Doorbell
    schedule: Schedule
    float_reserve_cents: int = 0
    """Below this no payout is begun; 0 sets no limit."""

    def run(self, *, limit: int = BATCH_MAX) -> Report:
        """Fold whatever has been said about any payout, and act on it."""
        payouts: list[Payout] = []
        try:
            with self.db.transaction() as tx:
                payouts = claims.take(tx, due.claim(Step.RESOLVE), limit=limit, order="p.id")
                if len(payouts) == limit:
                    self.doorbell.ring(Step.RESOLVE)
                else:
                    payouts += _waiting(tx, payouts)
                worked = poison.Worked(self._work(tx, payouts))
        except poison.NEVER_POISON:
            raise
        except Exception:  # noqa: BLE001 - one of them is poison; find out which
            worked = poison.one_by_one(self.db, Step.RESOLVE, payouts, self._work)
        self.doorbell.ring(*sorted(set(worked.intents)))
        return Report.of(payouts, set_aside=worked.set_aside, is_full=len(payouts) >= limit)

    def alone(self, reference: str) -> Report:
        """Resolve one payout that was set aside."""
        worked = poison.alone(self.db, Step.RESOLVE, reference, self._work)
        self.doorbell.ring(*worked.intents)
        return Report((reference,), 1 - worked.set_aside, worked.set_aside)

    def _work(self, tx: Tx, payouts: Sequence[Payout]) -> list[Step]:
        """Weigh and move. Returns the steps to ring for once that is committed."""
        if not payouts:
            return []
        classify.inbox(tx, payouts, float_reserve_cents=self.float_reserve_cents)
        _doubt_what_is_overdue(tx, [p.id for p in payouts])
        return sorted(fold(tx, payouts, self.schedule))


def _waiting(tx: Tx, taken: Sequence[Payout]) -> list[Payout]:
    """Some more, whose members are only to be told that it takes long.

    Resolve does not ring itself for the others: the timekeeper does, a second later, so that debits
    have their turn in between.
    """
    return claims.take(
        tx,
        f"{due.TELL} AND {due.fresh(Step.RESOLVE)} AND p.id <> ALL(:taken)",
        limit=TOLD_MAX,
        parameters={"taken": [payout.id for payout in taken]},
        order="p.notice_due_at",
    )


def fold(tx: Tx, payouts: Sequence[Payout], schedule: Schedule) -> set[Step]:
    """Weigh all evidence about payouts that this database transaction has locked, and act on it.

    Returns:
        The steps to ring for once it is committed.
    """
    keys = [p.id for p in payouts]
    told = _evidence(tx, keys)
    called = _calls(tx, keys)
    outcomes = Outcomes(tx, schedule)
    weighed: list[int] = []
    for payout in payouts:
        calls, doubtful = called.get(payout.id, (0, 0))
        situation = _situation(payout, doubtful)
        decision = decide(situation, [e for e, _ in told[payout.id]])
        news = {e.id for e, is_new in told[payout.id] if is_new}
        weighed += _weighed(decision, news)
        if any(e.source is Source.ACK and e.id in news for e, _ in told[payout.id]):
            outcomes.let_go(payout)
        outcomes.add(
            payout,
            decision,
            news=news,
            calls=calls,
            refused_by=_refused_by([e for e, _ in told[payout.id]]),
        )
    rings = outcomes.write()
    # By the rows that were read: what is filed meanwhile has not been weighed.
    tx.execute(
        sa.text("UPDATE evidence SET folded_at = now() WHERE id = ANY(:ids)"), {"ids": weighed}
    )
    return rings


def _weighed(decision: Decision, news: AbstractSet[int]) -> set[int]:
    """The news that this decision took into account.

    A ruling is followed alone. What was said after it must be weighed against what it brought
    about, so it stays news, and resolve comes again.
    """
    ruling = decision.by
    if ruling is None or ruling.source is not Source.PERSON:
        return set(news)
    return {piece for piece in news if piece <= ruling.id}


def _situation(payout: Payout, doubtful: int) -> Situation:
    return Situation(
        state=payout.state,
        frozen=payout.frozen,
        receipt=payout.receipt,
        moved_by=payout.evidence_id,
        conversation_id=payout.conversation_id,
        doubtful_calls=doubtful,
    )


def _refused_by(told: Sequence[Evidence]) -> str | None:
    """The result code that a refusal gave, which chooses the member's words.

    A status answer that confirms it only says that the payout is dead, not why.
    """
    said_why = {Source.CALLBACK, Source.ACK}
    refusals = [e for e in told if e.of is Class.DEFINITE_NO and e.source in said_why]
    return refusals[-1].code if refusals else None


def _doubt_what_is_overdue(tx: Tx, keys: Sequence[UUID]) -> None:
    """A deadline is our own remark that nobody has answered. It can only lead to asking."""
    tx.execute(
        sa.text(
            "WITH overdue AS (UPDATE payout SET doubt_due_at = NULL"
            "  WHERE id = ANY(:ids) AND doubt_due_at <= now() RETURNING id, state)"
            " INSERT INTO evidence (payout_id, source, class, detail)"
            " SELECT id, 'own', 'doubt', CASE state"
            "  WHEN 'submitting' THEN 'the call brought no outcome in time'"
            "  ELSE 'no result in time' END"
            " FROM overdue WHERE state IN ('submitting', 'submitted')"
        ),
        {"ids": list(keys)},
    )


def _evidence(tx: Tx, keys: Sequence[UUID]) -> dict[UUID, list[tuple[Evidence, bool]]]:
    """Everything told about each payout, oldest first, and whether it is news."""
    told: dict[UUID, list[tuple[Evidence, bool]]] = defaultdict(list)
    rows = tx.execute(
        sa.text(
            "SELECT payout_id, id, source, class AS of, code, receipt, conversation_id,"
            " folded_at IS NULL AS is_new FROM evidence WHERE payout_id = ANY(:ids) ORDER BY id"
        ),
        {"ids": list(keys)},
    )
    for row in rows:
        known = result_codes.lookup(row.code) if row.code is not None else None
        evidence = Evidence(
            id=row.id,
            source=Source(row.source),
            of=Class(row.of),
            code=row.code,
            receipt=row.receipt,
            conversation_id=row.conversation_id,
            before_transaction=known is not None and known.refused_before_transaction,
        )
        told[row.payout_id].append((evidence, row.is_new))
    return told


def _calls(tx: Tx, keys: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """For each payout: calls committed, and those that may have reached M-PESA."""
    rows = tx.execute(
        sa.text(
            "SELECT payout_id, count(*),"  # noqa: S608 - a constant
            f" count(*) FILTER (WHERE {CALLS_THAT_MAY_HAVE_ARRIVED})"
            " FROM attempt WHERE payout_id = ANY(:ids) GROUP BY payout_id"
        ),
        {"ids": list(keys)},
    )
    return {row[0]: (row[1], row[2]) for row in rows}
