"""Asks M-PESA what is on our utility account, and lets payouts go on when it is enough again.

Payouts' own results tell the float too, but none comes while payouts wait for it. A balance is
believed only as the first answer to a question of ours, and with M-PESA's ConversationID once that
is known. Even so it moves no money, and a false one does no more than a true one that is old:

- too high: payouts begin, and M-PESA refuses with code 1 those that go out before its first
  refusal stops the others. Their members have their money back and are told. That can happen once
  a question, and needs the address of a question that has no answer yet.
- too low: payouts wait until the next true reading, a minute later, or a payout's own result.
- a refusal of our login: nothing goes out before a status query shows that it works, as after any
  false answer to one of those.
"""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.config import Settings
from app.db import Database, Tx
from app.observability import logger
from app.payouts import care, due
from app.providers import (
    balance_queries,
    breaker,
    daraja,
    daraja_balances,
    float_readings,
    pauses,
    throttle,
)
from app.providers.balance_queries import Answer, Kind, Verdict
from app.providers.daraja_balances import BalanceResult
from app.providers.pauses import Held

S_PER_MIN = 60

_IS_DUE = sa.text(
    f"SELECT {balance_queries.HAS_ANSWERS} OR ({due.MAY_CALL} AND {due.MAY_ASK}"
    f" AND {throttle.HAS_TOKEN} AND ({balance_queries.IS_WANTED}"
    f" OR {balance_queries.NONE_IS_OPEN} AND {balance_queries.IS_SCHEDULED}))"
)


def is_due(tx: Tx, settings: Settings) -> bool:
    """Whether there is something to ask or an answer to work. For the timekeeper."""
    every_s = settings.float_ask_every_min * S_PER_MIN
    return bool(tx.scalar(_IS_DUE, balance_queries.parameters(every_s=every_s)))


@dataclass(frozen=True, slots=True)
class FloatWatch:
    """The watch with what it needs: one per worker process."""

    db: Database
    provider: daraja.Daraja
    settings: Settings
    reserve_cents: int = 0
    """Below this no payout is begun; 0 sets no limit."""

    def run(self) -> None:
        """Work what was answered, then ask if it is time. At most one call is made."""
        with self.db.transaction() as tx:
            self._hear(tx)
        with self.db.transaction() as tx:
            query_id = self._intend(tx)
        if query_id is not None:
            self._ask(query_id)

    def _hear(self, tx: Tx) -> None:
        for answer in balance_queries.unworked(tx):
            verdict = self._judge(tx, answer)
            balance_queries.worked(tx, answer, verdict)
            logger().info("balance_answer_worked", query=str(answer.query_id), verdict=str(verdict))

    def _judge(self, tx: Tx, answer: Answer) -> Verdict:
        if answer.kind is Kind.TIMEOUT:
            balance_queries.end(tx, answer)
            return Verdict.TIMED_OUT
        told = daraja_balances.parse_balance_result(answer.body)
        if not isinstance(told, BalanceResult):
            return Verdict.UNFIT
        if answer.conversation_id not in {None, told.conversation_id}:
            return Verdict.UNFIT
        if not balance_queries.believe(tx, answer):
            return Verdict.UNFIT
        if told.utility_cents is None:
            care.after_failed_balance(tx, code=told.code.code, asked_at=answer.asked_at)
            return Verdict.FAILED
        # It was looked up after we asked, whatever M-PESA's clock says.
        said_at = max(told.completed_at or answer.asked_at, answer.asked_at)
        reading = float_readings.keep(
            tx, cents=told.utility_cents, said_at=said_at, query_id=answer.query_id
        )
        care.after_reading(tx, reading, reserve_cents=self.reserve_cents)
        return Verdict.TOLD

    def _intend(self, tx: Tx) -> UUID | None:
        """Keep the question's id, which its answer will carry. It may go out once committed."""
        if any(one.step is Held.ASK for one in pauses.in_force(tx)):
            return None
        every_s = self.settings.float_ask_every_min * S_PER_MIN
        query_id = balance_queries.next_wanted(tx, every_s=every_s)
        # The breaker comes after the question's row, as where answers are worked, and before the
        # tokens, as in every step that calls: so nobody waits in a circle.
        if query_id is None or breaker.hold(tx).is_locked_out:
            return None
        throttle.take(tx, 1, calls_per_s_max=self.settings.daraja_calls_per_s_max)
        balance_queries.asked(tx, query_id)
        return query_id

    def _ask(self, query_id: UUID) -> None:
        outcome = self.provider.balance(self._request(query_id))
        with self.db.transaction() as tx:
            balance_queries.called(
                tx,
                query_id,
                outcome=type(outcome).__name__.lower(),
                conversation_id=getattr(outcome, "conversation_id", None),
            )
            care.after_queries(tx, [outcome], calls_per_s_max=self.settings.daraja_calls_per_s_max)
        logger().info("balance_asked", query=str(query_id), outcome=type(outcome).__name__)

    def _request(self, query_id: UUID) -> daraja.BalanceRequest:
        base = f"{self.settings.public_base}/d/{self.settings.door_token(str(query_id))}/balance"
        return daraja.BalanceRequest(
            result_url=f"{base}/result/{query_id}", timeout_url=f"{base}/timeout/{query_id}"
        )
