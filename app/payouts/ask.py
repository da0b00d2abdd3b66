"""The ask step: status queries for whatever has no answer. It moves nothing; it only asks."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from app import ids
from app.config import Settings
from app.db import Database, Tx
from app.doorbell import Doorbell, Step
from app.observability import logger
from app.payouts import calls, care, claims, due, poison
from app.payouts.claims import Payout
from app.payouts.deadlines import Schedule
from app.payouts.report import Report
from app.payouts.states import SENT_STATES
from app.providers import breaker, daraja, pauses, throttle
from app.providers.breaker import Breaker
from app.providers.pauses import Held

ASK_AGAIN_AFTER_S = 30
"""When a query itself was not taken."""


@dataclass(frozen=True, slots=True)
class Query:
    """One committed intent to ask."""

    id: UUID
    payout: Payout
    request: daraja.StatusRequest


@dataclass(frozen=True, slots=True)
class Ask:
    """The step with what it needs: one per worker process."""

    db: Database
    doorbell: Doorbell
    provider: daraja.Daraja
    settings: Settings
    schedule: Schedule
    pool: Executor

    def run(self) -> Report:
        """Ask M-PESA about every payout whose query is due, at most one wave."""
        limit = self.settings.daraja_calls_max
        payouts: list[Payout] = []
        try:
            with self.db.transaction() as tx:
                payouts = claims.take(tx, due.claim(Step.ASK), limit=limit, order="p.ask_due_at")
                if len(payouts) == limit:
                    self.doorbell.ring(Step.ASK)
                committed = self._intend(tx, payouts)
            worked = poison.Worked(committed)
        except poison.NEVER_POISON:
            raise
        except Exception:  # noqa: BLE001 - one of them is poison; find out which
            worked = poison.one_by_one(self.db, Step.ASK, payouts, self._intend)
        return self._ask(worked)

    def alone(self, reference: str) -> Report:
        """Ask about one payout that was set aside."""
        return self._ask(poison.alone(self.db, Step.ASK, reference, self._intend))

    def _intend(self, tx: Tx, payouts: Sequence[Payout]) -> list[Query]:
        """Keep the query's id, which its answer will carry, and plan the next one.

        There is no lease: a query lost with its worker is simply asked again at the next time.
        """
        if not payouts:
            return []
        at = claims.now(tx)
        now = _held(tx, payouts, at)
        queries = []
        for payout in self._may_ask(tx, payouts, now, at):
            is_probe = now.probes_with(payout.id, at)
            query_id = ids.uuid7(at)
            tx.execute(
                sa.text("INSERT INTO status_query (id, payout_id) VALUES (:id, :payout)"),
                {"id": query_id, "payout": payout.id},
            )
            if is_probe:
                breaker.probing(tx, now)
            if payout.frozen:
                claims.update(tx, [{"id": payout.id, "ask_due_at": None}])
            elif payout.state in SENT_STATES:
                self._plan_next(tx, payout, at)
            queries.append(Query(query_id, payout, self._request(payout, query_id)))
        return queries

    def _may_ask(
        self, tx: Tx, payouts: Sequence[Payout], now: Breaker, at: datetime
    ) -> Sequence[Payout]:
        """Those to ask about now. The others stay as they are: due."""
        if any(one.step is Held.ASK for one in pauses.in_force(tx)):
            return []
        wanted = [
            p
            for p in payouts
            if ((p.state in SENT_STATES or p.frozen) and not now.is_locked_out)
            or (now.probes_with(p.id, at) and not p.frozen)
        ]
        granted = throttle.take(
            tx, len(wanted), calls_per_s_max=self.settings.daraja_calls_per_s_max
        )
        return wanted[:granted]

    def _plan_next(self, tx: Tx, payout: Payout, at: datetime) -> None:
        again_at = self.schedule.next_ask(first_call_at=payout.first_call_at or at, now=at)
        planned = {"id": payout.id, "ask_due_at": again_at, "asks": payout.asks + 1}
        claims.update(tx, [planned])

    def _request(self, payout: Payout, query_id: UUID) -> daraja.StatusRequest:
        base = f"{self.settings.public_base}/d/{self.settings.door_token(str(query_id))}/status"
        return daraja.StatusRequest(
            ocid=ids.originator_conversation_id(payout.id),
            result_url=f"{base}/result/{query_id}",
            timeout_url=f"{base}/timeout/{query_id}",
        )

    def _ask(self, worked: poison.Worked[Query]) -> Report:
        for group in calls.side_by_side(self.pool, self._one_query, worked.intents):
            with self.db.transaction() as tx:
                for query, outcome in group:
                    _record(tx, query, outcome)
                care.after_queries(
                    tx,
                    [outcome for _, outcome in group],
                    calls_per_s_max=self.settings.daraja_calls_per_s_max,
                )
        references = tuple(one.payout.reference for one in worked.intents)
        return Report(references, len(references), worked.set_aside)

    def _one_query(self, query: Query) -> daraja.Outcome:
        return self.provider.ask(query.request)


def _held(tx: Tx, payouts: Sequence[Payout], at: datetime) -> Breaker:
    """The breaker, which stays as it is until our commit.

    A probe writes it. Then it is locked for writing from the start: a step that shares it and
    waits for the tokens that we hold could never let us write.
    """
    now = breaker.current(tx)
    probes = any(now.probes_with(payout.id, at) for payout in payouts)
    return breaker.alone(tx) if probes else breaker.hold(tx)


def _record(tx: Tx, query: Query, outcome: daraja.Outcome) -> None:
    accepted = isinstance(outcome, daraja.Accepted)
    tx.execute(
        sa.text(
            "UPDATE status_query SET outcome = :outcome, conversation_id = :conversation_id"
            " WHERE id = :id"
        ),
        {
            "id": query.id,
            "outcome": type(outcome).__name__.lower(),
            "conversation_id": getattr(outcome, "conversation_id", None),
        },
    )
    if not accepted:
        tx.execute(
            sa.text(
                "UPDATE payout SET ask_due_at = least(ask_due_at, now() + :wait)"
                " WHERE id = :id AND ask_due_at IS NOT NULL"
            ),
            {"id": query.payout.id, "wait": timedelta(seconds=ASK_AGAIN_AFTER_S)},
        )
    logger().info("status_asked", reference=query.payout.reference, outcome=type(outcome).__name__)
