"""What a decision does: the entry, the new state, the timers and the member's SMS, for a batch."""

from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app import ids
from app.db import Tx
from app.ledger import entries, posting, statements
from app.ledger.entries import JournalEntry
from app.messages import outbox
from app.observability import logger
from app.payouts import claims
from app.payouts.cancel import UNSENT_STATES
from app.payouts.claims import Payout
from app.payouts.deadlines import FIRST_ASK_OF_DOUBT_S, Schedule, retry_after
from app.payouts.evidence import Act, Class, Decision
from app.payouts.states import SENT_STATES, State
from app.providers import result_codes

_NO_TIMERS: dict[str, None] = {
    "work_due_at": None,
    "doubt_due_at": None,
    "ask_due_at": None,
    "resend_due_at": None,
    "notice_due_at": None,
    "claimed_by": None,
    "lease_until": None,
}


class Outcomes:
    """Collects what follows for each payout of a batch, then writes it in one go.

    Everything is written in the caller's database transaction, so evidence, entry, state and
    message are kept together or not at all.
    """

    def __init__(self, tx: Tx, schedule: Schedule) -> None:
        self._tx = tx
        self._schedule = schedule
        self._at: datetime = claims.now(tx)
        self._today: date = tx.scalar(sa.text("SELECT (now() AT TIME ZONE 'Africa/Nairobi')::date"))
        self._entries: list[JournalEntry] = []
        self._changes: list[dict[str, Any]] = []
        self._texts: list[tuple[str, Payout, dict[str, Any]]] = []

    def add(
        self,
        payout: Payout,
        decision: Decision,
        *,
        news: AbstractSet[int],
        calls: int,
        refused_by: str | None,
    ) -> None:
        """Take one payout's decision in.

        `news` are the ids of evidence that no earlier fold has seen: old evidence must not set a
        timer again. `refused_by` is the result code of a refusal, for the member's words.
        """
        is_news = decision.by is not None and decision.by.id in news
        match decision.act:
            case Act.SETTLE:
                self._settle(payout, decision)
            case Act.COMPENSATE:
                self._compensate(payout, decision, refused_by)
            case Act.RECOVER:
                self._recover(payout, decision)
            case Act.FREEZE:
                self._freeze(payout, decision)
            case Act.SUBMITTED if is_news:
                self._submitted(payout, decision)
            case Act.IN_DOUBT if is_news:
                self._in_doubt(payout, decision)
            case Act.ASK if is_news:
                self._ask_about_refusal(payout, decision)
            case Act.SEND_AGAIN if is_news:
                due = self._at + retry_after(calls)
                self._change(payout, work_due_at=due, doubt_due_at=None)
        self._tell_of_waiting(payout, decision)

    def write(self) -> None:
        """Post the entries, move the payouts, queue the texts."""
        posting.post_many(self._tx, self._entries)
        for change in self._changes:
            claims.update(self._tx, [change])
        for kind, payout, facts in self._texts:
            if kind in {"sent", "failed"}:
                facts["balance_cents"] = self._balance(payout)
            outbox.queue(
                self._tx,
                kind,
                message_id=ids.uuid7(self._at),
                payout_id=payout.id,
                member_id=payout.member_id,
                msisdn=payout.msisdn,
                language=payout.language,
                facts={"ref": payout.reference, "amount_cents": payout.amount_cents, **facts},
            )

    def _balance(self, payout: Payout) -> int | None:
        """For the receipt, unless the member chose receipts without it: phones are shared."""
        wanted = sa.text("SELECT receipt_balance FROM member WHERE id = :member")
        if not self._tx.scalar(wanted, {"member": payout.member_id}):
            return None
        return statements.available(self._tx, payout.account_id)

    def _change(self, payout: Payout, **columns: Any) -> None:
        self._changes.append({"id": payout.id, **columns})

    def _move(self, payout: Payout, to: State, decision: Decision, **columns: Any) -> None:
        assert decision.by is not None
        self._change(payout, state=to, cause=decision.why, evidence_id=decision.by.id, **columns)
        logger().info(
            f"payout_{to}",
            reference=payout.reference,
            source=decision.by.source,
            code=decision.by.code,
        )

    def _settle(self, payout: Payout, decision: Decision) -> None:
        assert decision.by is not None
        self._entries.append(
            entries.settle(
                entry_id=payout.resolve_id,
                effective_on=self._today,
                reference=payout.reference,
                amount_cents=payout.amount_cents,
                fee_cents=payout.fee_cents,
                duty_cents=payout.duty_cents,
            )
        )
        self._move(payout, State.PAID, decision, receipt=decision.by.receipt, **_NO_TIMERS)
        facts = {
            "msisdn": payout.msisdn,
            "when": self._at,
            "fee_cents": payout.fee_cents + payout.duty_cents,
            "code": decision.by.receipt,
        }
        self._texts.append(("sent", payout, facts))

    def _compensate(self, payout: Payout, decision: Decision, refused_by: str | None) -> None:
        assert decision.by is not None
        self._entries.append(
            entries.compensate(
                entry_id=payout.resolve_id,
                effective_on=self._today,
                reference=payout.reference,
                account=payout.account_id,
                total_cents=payout.total_cents,
                reverses=payout.reserve_id,
            )
        )
        reason = result_codes.lookup(refused_by).member_reason
        self._move(payout, State.REVERSED, decision, reason_code=reason, **_NO_TIMERS)
        self._texts.append(("failed", payout, {"reason": reason}))

    def _recover(self, payout: Payout, decision: Decision) -> None:
        """The money is gone although we gave it back: book that at once; people get it back."""
        assert decision.by is not None
        self._entries.append(
            entries.recover(
                entry_id=ids.uuid7(self._at),
                effective_on=self._today,
                reference=payout.reference,
                amount_cents=payout.amount_cents,
            )
        )
        self._move(payout, State.RECOVERY, decision, receipt=decision.by.receipt, **_NO_TIMERS)
        logger().critical("payout_paid_after_reversal", reference=payout.reference)

    def _freeze(self, payout: Payout, decision: Decision) -> None:
        self._change(
            payout,
            frozen=True,
            failure=decision.why,
            **_NO_TIMERS,
        )
        self._texts.append(("frozen", payout, {}))
        logger().critical("payout_contradiction", reference=payout.reference, why=decision.why)

    def _submitted(self, payout: Payout, decision: Decision) -> None:
        assert decision.by is not None
        self._move(
            payout,
            State.SUBMITTED,
            decision,
            conversation_id=decision.by.conversation_id,
            doubt_due_at=self._at + timedelta(seconds=self._schedule.doubt_after_s),
            ask_due_at=self._next_ask(payout),
            resend_due_at=None,
            notice_due_at=self._notice_at(payout),
        )

    def _in_doubt(self, payout: Payout, decision: Decision) -> None:
        assert decision.by is not None
        acknowledged = (
            payout.conversation_id is not None or decision.by.of is Class.ACCEPTED_EARLIER
        )
        # Someone told us of the doubt: ask soon. If only a deadline passed, the plan stands.
        told = decision.by.of is Class.ACCEPTED_EARLIER or decision.by.code is not None
        soon = self._at + timedelta(seconds=FIRST_ASK_OF_DOUBT_S)
        self._move(
            payout,
            State.IN_DOUBT,
            decision,
            doubt_due_at=None,
            resend_due_at=None if acknowledged else self._next_resend(payout),
            ask_due_at=min(soon, self._next_ask(payout)) if told else self._next_ask(payout),
            notice_due_at=self._notice_at(payout),
        )

    def _ask_about_refusal(self, payout: Payout, decision: Decision) -> None:
        """A failure callback bears no proof: a status answer must agree before money goes back."""
        self._move(
            payout,
            State.IN_DOUBT,
            decision,
            doubt_due_at=None,
            resend_due_at=None,
            ask_due_at=self._at,
            notice_due_at=self._notice_at(payout),
        )

    def _next_ask(self, payout: Payout) -> datetime:
        return self._schedule.next_ask(first_call_at=payout.first_call_at or self._at, now=self._at)

    def _next_resend(self, payout: Payout) -> datetime | None:
        return self._schedule.next_resend(
            first_call_at=payout.first_call_at or self._at, now=self._at
        )

    def _notice_at(self, payout: Payout) -> datetime | None:
        """When to tell the member of the silence; None once she was told, or the time is past."""
        if payout.state not in SENT_STATES:
            return None
        planned = self._schedule.next_notice(first_call_at=payout.first_call_at or self._at)
        return planned if planned > self._at else None

    def _tell_of_waiting(self, payout: Payout, decision: Decision) -> None:
        """She has waited for longer than a member should wonder: because of us, or of M-PESA."""
        if decision.act in {Act.SETTLE, Act.COMPENSATE, Act.RECOVER, Act.FREEZE}:
            return  # another text tells more
        if payout.state is State.SUBMITTING and decision.act is Act.SUBMITTED:
            return  # M-PESA has only now taken it: its silence begins here
        # Planned under a shorter setting, perhaps: a timer that has passed must not stay.
        passed = payout.notice_due_at is not None and payout.notice_due_at <= self._at
        silent = payout.first_call_at is not None and self._at >= self._schedule.next_notice(
            first_call_at=payout.first_call_at
        )
        if not (passed or silent):
            return
        kind = None
        if payout.state in UNSENT_STATES:
            kind = "held"
        elif payout.state in SENT_STATES:
            # What is known never to have reached M-PESA is not M-PESA's silence.
            kind = "delayed" if decision.act is Act.SEND_AGAIN else "silent"
        if kind is not None and not payout.frozen:
            self._texts.append((kind, payout, {}))
        if payout.notice_due_at is not None:
            self._change(payout, notice_due_at=None)
