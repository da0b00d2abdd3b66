"""What a decision does: the entry, the new state, the timers and the member's SMS, for a batch."""

from collections import defaultdict
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app import ids
from app.clock import NAIROBI
from app.db import Tx
from app.doorbell import Step
from app.ledger import posting, statements
from app.ledger.entries import JournalEntry
from app.messages import outbox
from app.observability import logger
from app.payouts import booking, cancel, claims, recovery
from app.payouts.claims import Payout
from app.payouts.deadlines import FIRST_ASK_OF_DOUBT_S, Schedule, retry_after
from app.payouts.evidence import Act, Class, Decision
from app.payouts.states import SENT_STATES, UNSENT_STATES, State
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
_TELLS_MORE = frozenset({Act.SETTLE, Act.COMPENSATE, Act.RECOVER, Act.CANCEL, Act.FREEZE})
"""What brings the member a text of its own, or ends what she may wait for."""

_WITH_BALANCE = frozenset({"sent", "failed"})
_ACCOUNTS_TO_TELL = sa.text(
    "SELECT p.id, p.account_id FROM payout p JOIN member m ON m.id = p.member_id"
    " WHERE p.id = ANY(:ids) AND m.receipt_balance"
)


class Outcomes:
    """Collects what follows for each payout of a batch, then writes it in one go.

    Everything is written in the caller's database transaction, so evidence, entry, state and
    message are kept together or not at all.
    """

    def __init__(self, tx: Tx, schedule: Schedule) -> None:
        self._tx = tx
        self._schedule = schedule
        self._at: datetime = claims.now(tx)
        self._today: date = self._at.astimezone(NAIROBI).date()
        self._entries: list[JournalEntry] = []
        self._changes: defaultdict[UUID, dict[str, Any]] = defaultdict(dict)
        self._rings: set[Step] = set()
        self._texts: list[tuple[str, Payout, dict[str, Any]]] = []
        self._final: dict[Act, Callable[[Payout, Decision], None]] = {
            Act.SETTLE: self._settle,
            Act.RECOVER: self._recover,
            Act.RETURN: self._return,
            Act.MAKE_GOOD: self._make_good,
            Act.GIVE_UP: self._give_up,
            Act.CANCEL: self._cancel,
            Act.UPHOLD: self._uphold,
            Act.FREEZE: self._freeze,
        }
        self._passing: dict[Act, Callable[[Payout, Decision], None]] = {
            Act.SUBMITTED: self._submitted,
            Act.IN_DOUBT: self._in_doubt,
            Act.ASK: self._ask_about_refusal,
        }

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
        if decision.act is Act.COMPENSATE:
            self._compensate(payout, decision, refused_by)
        elif decision.act in self._final:
            self._final[decision.act](payout, decision)
        elif is_news and decision.act in self._passing:
            self._passing[decision.act](payout, decision)
        elif is_news and decision.act is Act.SEND_AGAIN:
            due = self._at + retry_after(calls)
            self._change(payout, work_due_at=due, doubt_due_at=None)
        self._tell_of_waiting(payout, decision)

    def let_go(self, payout: Payout) -> None:
        """Whoever called for it has told what came of the call, and holds it no longer."""
        self._change(payout, claimed_by=None, lease_until=None)

    def write(self) -> set[Step]:
        """Post the entries, move the payouts, queue the texts. Returns the steps to ring for."""
        posting.post_many(self._tx, self._entries)
        claims.update(self._tx, [{"id": key, **new} for key, new in self._changes.items()])
        balances = self._balances()
        texts = []
        for kind, payout, facts in self._texts:
            if kind in _WITH_BALANCE:
                facts["balance_cents"] = balances.get(payout.id)
            common = {"ref": payout.reference, "amount_cents": payout.amount_cents}
            texts.append(
                outbox.Text(
                    kind,
                    ids.uuid7(self._at),
                    payout.member_id,
                    payout.msisdn,
                    payout.language,
                    {**common, **facts},
                    payout.id,
                )
            )
        outbox.queue_all(self._tx, texts)
        if any(change.get("ask_due_at") == self._at for change in self._changes.values()):
            self._rings.add(Step.ASK)
        if texts:
            self._rings.add(Step.SMS)
        return self._rings

    def _balances(self) -> dict[UUID, int]:
        """For receipts, by payout. Not for members who chose them without: phones are shared."""
        told = {payout.id for kind, payout, _ in self._texts if kind in _WITH_BALANCE}
        rows = self._tx.execute(_ACCOUNTS_TO_TELL, {"ids": list(told)}).all() if told else []
        known = statements.available_of(self._tx, [row.account_id for row in rows]) if rows else {}
        return {row.id: known[row.account_id] for row in rows}

    def _change(self, payout: Payout, **columns: Any) -> None:
        self._changes[payout.id] |= columns

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
        self._entries.append(booking.settled(payout, self._today))
        self._end(payout, State.PAID, decision, receipt=decision.by.receipt)
        facts = {
            "msisdn": payout.msisdn,
            "when": self._at,
            "fee_cents": payout.fee_cents + payout.duty_cents,
            "code": decision.by.receipt,
        }
        self._texts.append(("sent", payout, facts))

    def _compensate(self, payout: Payout, decision: Decision, refused_by: str | None) -> None:
        self._entries.append(booking.compensated(payout, self._today))
        reason = result_codes.lookup(refused_by).member_reason
        self._end(payout, State.REVERSED, decision, reason_code=reason)
        self._texts.append(("failed", payout, {"reason": reason}))

    def _recover(self, payout: Payout, decision: Decision) -> None:
        """The money is gone although we gave it back: book that at once; people get it back."""
        assert decision.by is not None
        recovery.hold(self._tx, payout)
        self._entries.append(booking.recovery(payout, self._today, ids.uuid7(self._at)))
        self._end(payout, State.RECOVERY, decision, receipt=decision.by.receipt)
        logger().critical("payout_paid_after_reversal", reference=payout.reference)

    def _return(self, payout: Payout, decision: Decision) -> None:
        self._entries.append(booking.returned(payout, self._today, ids.uuid7(self._at)))
        self._end(payout, State.RETURNED, decision)
        self._texts.append(("returned", payout, {}))

    def _make_good(self, payout: Payout, decision: Decision) -> None:
        assert decision.by is not None
        by: booking.PaidBackBy = "mpesa" if decision.by.code == "mpesa" else "savings"
        recovery.let_go(self._tx, payout)
        self._entries.append(booking.made_good(payout, self._today, ids.uuid7(self._at), by))
        self._end(payout, State.RECOVERED, decision)
        self._texts.append(("recovered", payout, {"by": by}))

    def _give_up(self, payout: Payout, decision: Decision) -> None:
        recovery.let_go(self._tx, payout)
        self._entries.append(booking.given_up(payout, self._today, ids.uuid7(self._at)))
        self._end(payout, State.WRITTEN_OFF, decision)
        self._texts.append(("written_off", payout, {}))

    def _cancel(self, payout: Payout, decision: Decision) -> None:
        assert decision.by is not None
        cancel.by_people(self._tx, payout, proof=decision.by.id)
        self._rings.add(Step.SMS)

    def _uphold(self, payout: Payout, decision: Decision) -> None:
        """What is booked stays. Machines may touch it again."""
        del decision
        self._change(payout, frozen=False, failure=None)

    def _end(self, payout: Payout, to: State, decision: Decision, **columns: Any) -> None:
        """Nothing is left to do, and nothing in the way: people may have ended a contradiction."""
        self._move(payout, to, decision, frozen=False, **columns, **_NO_TIMERS)

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
        if decision.act in _TELLS_MORE:
            return
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
