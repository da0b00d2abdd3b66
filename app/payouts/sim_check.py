"""The check step: was the member's SIM card replaced lately? Between the debit and the call.

Whoever steals a phone number gets every SMS and every USSD session of its owner. So where SIM_CHECK
is on, a debited payout waits for an answer of the network; a fresh SIM is sent nothing and the
money goes back. Nothing was sent before this step, so giving back is safe.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app import ids
from app.config import Settings
from app.db import Database, Tx
from app.doorbell import Doorbell, Step
from app.observability import logger
from app.payouts import cancel, claims, due, limits, poison
from app.payouts.claims import Payout
from app.payouts.report import Report
from app.payouts.states import State
from app.providers.insights import Insights, SimAnswer

BATCH_MAX = 20
"""One question is one HTTP call for all of them."""


@dataclass(frozen=True, slots=True)
class Question:
    """One committed intent to ask."""

    id: UUID
    payout: Payout


@dataclass(frozen=True, slots=True)
class SimCheck:
    """The step with what it needs: one per worker process."""

    db: Database
    doorbell: Doorbell
    insights: Insights
    settings: Settings

    def run(self) -> Report:
        """Ask about, or decide on, every payout whose check is due."""
        payouts: list[Payout] = []
        try:
            with self.db.transaction() as tx:
                payouts = claims.take(
                    tx, due.claim(Step.CHECK), limit=BATCH_MAX, order="p.sim_check_due_at"
                )
                if len(payouts) == BATCH_MAX:
                    self.doorbell.ring(Step.CHECK)
                worked = poison.Worked(self._work(tx, payouts))
        except poison.NEVER_POISON:
            raise
        except Exception:  # noqa: BLE001 - one of them is poison; find out which
            worked = poison.one_by_one(self.db, Step.CHECK, payouts, self._work)
        return self._ask(payouts, worked)

    def alone(self, reference: str) -> Report:
        """Check one payout that was set aside."""
        worked = poison.alone(self.db, Step.CHECK, reference, self._work)
        self._ask([], worked)
        return Report((reference,), 1 - worked.set_aside, worked.set_aside)

    def _work(self, tx: Tx, payouts: Sequence[Payout]) -> list[Question]:
        """Decide what has an answer or waited long enough; keep a question for the others."""
        questions = []
        for payout in payouts:
            # Worked singly it may have been asked about a moment ago: then it is not due yet.
            due_at = payout.sim_check_due_at
            if payout.state is not State.RESERVED or due_at is None or due_at > claims.now(tx):
                continue
            known = self._known(tx, payout)
            if known is not None:
                self._decide(tx, payout, known)
            elif _was_asked(tx, payout):
                self._without_answer(tx, payout)
            else:
                questions.append(self._intend(tx, payout))
        return questions

    def _known(self, tx: Tx, payout: Payout) -> sa.Row[Any] | None:
        """The payout's own answer, or a fresh one about this number that tells of a swap.

        An earlier answer may hold back, never clear: a swap since then is what we look for.
        """
        return tx.execute(
            sa.text(
                "SELECT a.outcome, a.swapped_on,"
                " (now() AT TIME ZONE 'Africa/Nairobi')::date AS today"
                " FROM sim_check c JOIN sim_answer a ON a.request_id = c.request_id"
                " WHERE c.msisdn = :msisdn"
                " AND (c.payout_id = :payout OR (c.asked_at > now() - :fresh"
                "  AND a.swapped_on >= (now() AT TIME ZONE 'Africa/Nairobi')::date - :days))"
                " ORDER BY c.payout_id = :payout DESC, c.asked_at DESC LIMIT 1"
            ),
            {
                "msisdn": payout.msisdn,
                "payout": payout.id,
                "fresh": timedelta(hours=self.settings.sim_check_fresh_h),
                "days": self.settings.sim_swap_days,
            },
        ).one_or_none()

    def _decide(self, tx: Tx, payout: Payout, known: sa.Row[Any]) -> None:
        if known.outcome == "unknown":
            self._without_answer(tx, payout)
        elif known.swapped_on is not None and self._is_recent(known.swapped_on, known.today):
            logger().warning("sim_replaced_lately", reference=payout.reference)
            cancel.unsent(tx, payout, cause="the SIM card was replaced lately", reason="sim")
        else:
            _clear(tx, payout)

    def _is_recent(self, swapped_on: date, today: date) -> bool:
        return today - swapped_on <= timedelta(days=self.settings.sim_swap_days)

    def _without_answer(self, tx: Tx, payout: Payout) -> None:
        """Nobody could say. What then is safe is the operator's choice."""
        small = limits.fits_after_change(
            tx, member_id=payout.member_id, amount_cents=payout.amount_cents, at=claims.now(tx)
        )
        logger().warning("sim_check_unanswered", reference=payout.reference)
        if self.settings.sim_check_unanswered == "low_limit" and small:
            _clear(tx, payout)
        else:
            cancel.unsent(tx, payout, cause="the SIM check brought no answer", reason="us")

    def _intend(self, tx: Tx, payout: Payout) -> Question:
        question = Question(ids.uuid7(claims.now(tx)), payout)
        tx.execute(
            sa.text(
                "INSERT INTO sim_check (id, payout_id, member_id, msisdn)"
                " VALUES (:id, :payout, :member, :msisdn)"
            ),
            {
                "id": question.id,
                "payout": payout.id,
                "member": payout.member_id,
                "msisdn": payout.msisdn,
            },
        )
        tx.execute(
            sa.text(
                "UPDATE payout SET sim_check = 'asked', sim_check_due_at = now() + :wait"
                " WHERE id = :id"
            ),
            {"id": payout.id, "wait": timedelta(seconds=self.settings.sim_check_wait_s)},
        )
        return question

    def _ask(self, payouts: Sequence[Payout], worked: poison.Worked[Question]) -> Report:
        if worked.intents:
            taken = self.insights.ask([one.payout.msisdn for one in worked.intents])
            with self.db.transaction() as tx:
                for one in worked.intents:
                    _keep(tx, one, taken.get(one.payout.msisdn))
        if payouts:
            self.doorbell.ring(Step.PAY, Step.SMS)
        return Report.of(payouts, set_aside=worked.set_aside)


def wanted(tx: Tx, payouts: Sequence[Payout]) -> None:
    """Let these wait for a check. For the debit step, in its own database transaction."""
    if payouts:
        tx.execute(
            sa.text(
                "UPDATE payout SET sim_check = 'wanted', sim_check_due_at = now(),"
                " work_due_at = NULL"
                " WHERE id = ANY(:ids)"
            ),
            {"ids": [payout.id for payout in payouts]},
        )


def receive(tx: Tx, answer: SimAnswer) -> None:
    """Keep an answer, the first of each request, and let its payout's check go on at once."""
    tx.execute(
        sa.text(
            "INSERT INTO sim_answer (request_id, outcome, swapped_on)"
            " VALUES (:request, :outcome, :swapped_on) ON CONFLICT DO NOTHING"
        ),
        {
            "request": answer.request_id,
            "outcome": answer.outcome,
            "swapped_on": answer.swapped_on,
        },
    )
    tx.execute(
        sa.text(
            "UPDATE payout SET sim_check_due_at = now() WHERE sim_check = 'asked'"
            " AND id = (SELECT payout_id FROM sim_check WHERE request_id = :request)"
        ),
        {"request": answer.request_id},
    )


def _was_asked(tx: Tx, payout: Payout) -> bool:
    asked = sa.text("SELECT EXISTS (SELECT FROM sim_check WHERE payout_id = :id)")
    return tx.scalar(asked, {"id": payout.id}) is True


def _clear(tx: Tx, payout: Payout) -> None:
    tx.execute(
        sa.text(
            "UPDATE payout SET sim_check = 'clear', sim_check_due_at = NULL, work_due_at = now()"
            " WHERE id = :id"
        ),
        {"id": payout.id},
    )


def _keep(tx: Tx, question: Question, request_id: str | None) -> None:
    """Store the id that the answer will carry; the answer itself may have been here first."""
    if request_id is None:
        logger().warning("sim_check_not_taken", reference=question.payout.reference)
        return
    tx.execute(
        sa.text("UPDATE sim_check SET request_id = :request WHERE id = :id"),
        {"id": question.id, "request": request_id},
    )
    tx.execute(
        sa.text(
            "UPDATE payout SET sim_check_due_at = now() WHERE id = :payout AND sim_check = 'asked'"
            " AND EXISTS (SELECT FROM sim_answer WHERE request_id = :request)"
        ),
        {"payout": question.payout.id, "request": request_id},
    )
