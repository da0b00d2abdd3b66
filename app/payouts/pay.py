"""The pay step: the request goes to M-PESA, under the payout's one id, after its intent is kept.

First one commit: attempt rows and SUBMITTING. Then the calls. Then their outcomes, as evidence,
which resolve folds. If this process dies anywhere in between, the attempt row is there, and a
call without an outcome is a call in doubt.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app import ids, rows
from app.config import Settings
from app.db import Database, DatabaseAway, Tx
from app.doorbell import Doorbell, Step
from app.msisdn import mask
from app.observability import logger
from app.payouts import calls, care, claims, due, expiry, poison, switch
from app.payouts.claims import Payout
from app.payouts.deadlines import LEASE_MARGIN_S, Schedule
from app.payouts.evidence import Class
from app.payouts.report import Report
from app.payouts.states import State
from app.providers import breaker, daraja, pauses, throttle
from app.providers.pauses import Held

REMARKS = "Savings withdrawal"
RECORD_WAIT_S_MAX = 15
"""How long to try again to keep outcomes while PostgreSQL is away. After it, we shall ask."""
RECORD_PAUSE_S = 0.5

_OLDEST_FIRST = "coalesce(p.work_due_at, p.resend_due_at)"
"""By no column that has an index of its own: with one, and with old statistics, PostgreSQL walks
all payouts there ever were to find the first that are due."""

_BEGUN = {"id": "uuid", "hash": "bytea"}
_BEGIN = sa.text(
    "INSERT INTO attempt (payout_id, n, body_hash)"  # noqa: S608 - constants
    " SELECT r.id, coalesce((SELECT max(n) FROM attempt WHERE payout_id = r.id), 0) + 1, r.hash"
    f" FROM {rows.source(_BEGUN)} ORDER BY r.nth RETURNING id, payout_id"
)
_KEPT = {
    "attempt": "bigint",
    "payout": "uuid",
    "outcome": "text",
    "class": "text",
    "http_status": "smallint",
    "code": "text",
    "conversation_id": "text",
    "detail": "text",
}
_KEEP = sa.text(
    f"WITH told AS (SELECT * FROM {rows.source(_KEPT)}),"  # noqa: S608 - constants
    " kept AS (UPDATE attempt a SET finished_at = clock_timestamp(), outcome = told.outcome,"
    "  http_status = told.http_status, error_code = told.code,"
    "  conversation_id = told.conversation_id"
    "  FROM told WHERE a.id = told.attempt AND a.finished_at IS NULL RETURNING a.id),"
    " known AS (INSERT INTO evidence"
    "  (payout_id, source, class, code, conversation_id, detail, attempt_id)"
    "  SELECT payout, 'ack', class, code, conversation_id, detail, attempt"
    "  FROM told WHERE attempt IN (SELECT id FROM kept) ORDER BY nth)"
    " SELECT id FROM kept"
)

_PAUSED_AND_NOW = sa.text(f"SELECT {pauses.is_paused(Held.PAY)}, clock_timestamp()")

CLASS_OF: dict[type[daraja.Outcome], tuple[Class, str]] = {
    daraja.Accepted: (Class.ACCEPTED, "accepted"),
    daraja.Duplicate: (Class.ACCEPTED_EARLIER, "duplicate"),
    daraja.Refused: (Class.DEFINITE_NO, "refused"),
    daraja.NotProcessed: (Class.NOT_PROCESSED, "not_processed"),
    daraja.NotSent: (Class.NOT_SENT, "not_sent"),
    daraja.InDoubt: (Class.DOUBT, "in_doubt"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One committed intent to call."""

    attempt_id: int
    payout: Payout
    request: daraja.PayRequest
    start_before: float
    """On `_clock`. A worker that slept past it must not call any more."""


@dataclass(frozen=True, slots=True)
class Pay:
    """The step with what it needs: one per worker process."""

    db: Database
    doorbell: Doorbell
    provider: daraja.Daraja
    settings: Settings
    schedule: Schedule
    pool: Executor
    worker: str

    def run(self) -> Report:
        """Send every payout that is due to M-PESA, at most one wave of the pool's size."""
        if expiry.work(self.db):
            self.doorbell.ring(Step.SMS)
        limit = self.wave
        payouts: list[Payout] = []
        try:
            with self.db.transaction() as tx:
                payouts = claims.take(tx, due.claim(Step.PAY), limit=limit, order=_OLDEST_FIRST)
                if len(payouts) == limit:
                    self.doorbell.ring(Step.PAY)
                committed = self.intend(tx, payouts)
            worked = poison.Worked(committed)
        except poison.NEVER_POISON:
            raise
        except Exception:  # noqa: BLE001 - one of them is poison; find out which
            worked = poison.one_by_one(self.db, Step.PAY, payouts, self.intend)
        self.call(worked.intents)
        return _report(worked, is_full=len(payouts) >= limit)

    def alone(self, reference: str) -> Report:
        """Send one payout that was set aside."""
        worked = poison.alone(self.db, Step.PAY, reference, self.intend)
        self.call(worked.intents)
        return _report(worked, is_full=False)

    @property
    def wave(self) -> int:
        """How many calls are made at once."""
        return self.settings.daraja_calls_max

    def intend(self, tx: Tx, payouts: Sequence[Payout], *, goes_on: bool = False) -> list[Call]:
        """Write the attempts and move the payouts. After the commit, and only then, we call.

        `goes_on`: this database transaction holds the switch already, and it is not off.
        """
        if not payouts:
            return []
        may, at = _may(tx, goes_on=goes_on or switch.hold(tx))
        granted = self._with_tokens(tx, [p for p in payouts if _is_due(p, at, may)])
        late = {payout.id for payout in granted if self._is_too_late(payout, at)}
        claims.update(tx, [{"id": key, "resend_due_at": None} for key in late])
        requests = [(p, self._request(p)) for p in granted if p.id not in late]
        if not requests:
            return []
        attempts = _begin(tx, requests)
        claims.update(tx, [self._submitting(payout, at) for payout, _ in requests])
        start_before = _clock() + self.schedule.lease_s - self.schedule.call_s_max - LEASE_MARGIN_S
        return [Call(attempts[p.id], p, request, start_before) for p, request in requests]

    def _submitting(self, payout: Payout, at: datetime) -> dict[str, Any]:
        """What a committed call makes of its payout."""
        resent = payout.state is State.IN_DOUBT
        first_call_at = payout.first_call_at or at
        lease_until = at + timedelta(seconds=self.schedule.lease_s)
        next_resend = self.schedule.next_resend(first_call_at=first_call_at, now=at)
        return {
            "id": payout.id,
            "state": payout.state if resent else State.SUBMITTING,
            "cause": "call committed",
            "first_call_at": first_call_at,
            "work_due_at": None,
            "doubt_due_at": lease_until,
            "resend_due_at": next_resend if resent else None,
            # Until now it waited because of us; from now on, for M-PESA.
            "notice_due_at": self.schedule.next_notice(first_call_at=at)
            if payout.first_call_at is None
            else payout.notice_due_at,
            "claimed_by": self.worker,
            "lease_until": lease_until,
        }

    def _with_tokens(self, tx: Tx, payouts: Sequence[Payout]) -> Sequence[Payout]:
        """Those that the rate lets us call for now. The others stay as they are: due."""
        granted = throttle.take(
            tx, len(payouts), calls_per_s_max=self.settings.daraja_calls_per_s_max
        )
        return payouts[:granted]

    def _request(self, payout: Payout) -> daraja.PayRequest:
        ocid = ids.originator_conversation_id(payout.id)
        base = f"{self.settings.public_base}/d/{self.settings.door_token(ocid)}/b2c"
        return daraja.PayRequest(
            ocid=ocid,
            msisdn=payout.msisdn,
            amount_cents=payout.amount_cents,
            result_url=f"{base}/result/{ocid}",
            timeout_url=f"{base}/timeout/{ocid}",
            remarks=REMARKS,
        )

    def _is_too_late(self, payout: Payout, at: datetime) -> bool:
        """Whether M-PESA may have forgotten the id by now, so that a resend could pay twice."""
        return payout.state is State.IN_DOUBT and not self.schedule.may_resend(
            first_call_at=payout.first_call_at or payout.requested_at, now=at
        )

    def call(self, committed: Sequence[Call]) -> None:
        """Make the calls, at most one wave of them, and keep what comes of each."""
        for group in calls.side_by_side(self.pool, self._one_call, committed):
            self._keep(group)
            self.doorbell.ring(Step.RESOLVE)

    def _keep(self, group: Sequence[tuple[Call, daraja.Outcome]]) -> None:
        """Record outcomes. What M-PESA said is worth waiting for a server that restarts."""
        until = time.monotonic() + RECORD_WAIT_S_MAX
        while True:
            try:
                with self.db.transaction() as tx:
                    _record(tx, group)
                    care.after_calls(
                        tx,
                        [outcome for _, outcome in group],
                        calls_per_s_max=self.settings.daraja_calls_per_s_max,
                    )
            except DatabaseAway:
                if time.monotonic() > until:
                    raise
                time.sleep(RECORD_PAUSE_S)
            else:
                return

    def _one_call(self, call: Call) -> daraja.Outcome:
        if _clock() > call.start_before:
            return daraja.NotSent("the worker slept past its claim")
        return self.provider.pay(call.request)


def _report(worked: poison.Worked[Call], *, is_full: bool) -> Report:
    references = tuple(one.payout.reference for one in worked.intents)
    return Report(references, len(references), worked.set_aside, is_full)


def _clock() -> float:
    """Seconds that count on while the host is suspended, where the system has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class _May:
    """What may go out. The conditions of `due`, held until our commit."""

    begin: bool
    resend: bool


def _may(tx: Tx, *, goes_on: bool) -> tuple[_May, datetime]:
    """What may go out, and the database's clock."""
    now = breaker.hold(tx)
    # After the lock, so that it sees a pause that was committed while we waited.
    paused, at = tx.execute(_PAUSED_AND_NOW).one()
    may = _May(begin=goes_on and not now.is_open and not paused, resend=not now.is_locked_out)
    return may, at


def _is_due(payout: Payout, at: datetime, may: _May) -> bool:
    """The condition of `due` for one payout, whichever way it got here.

    A job `pay-BRZ…` may run twice, or days later, when the payout's call is long on the wire.
    """
    if payout.frozen:
        return False
    match payout.state:
        case State.RESERVED | State.SUBMITTING if may.begin:
            planned = payout.work_due_at
        case State.IN_DOUBT if may.resend:
            planned = payout.resend_due_at
        case _:
            planned = None
    return planned is not None and planned <= at


def _begin(tx: Tx, requests: Sequence[tuple[Payout, daraja.PayRequest]]) -> Mapping[UUID, int]:
    """Write an attempt for each request. Returns their ids by payout."""
    begun = tx.execute(
        _BEGIN,
        rows.arrays(
            _BEGUN, [{"id": p.id, "hash": daraja.pay_body_hash(request)} for p, request in requests]
        ),
    )
    return {row.payout_id: row.id for row in begun}


def _record(tx: Tx, group: Sequence[tuple[Call, daraja.Outcome]]) -> None:
    """Keep what came of calls, once: the attempts' outcomes, and the evidence that they are.

    What a commit whose answer was lost had kept already is left as it is. The claim stays until
    resolve has taken the outcome into account.
    """
    kept = set(
        tx.scalars(
            _KEEP,
            rows.arrays(_KEPT, [_facts(call, outcome) for call, outcome in group]),
        )
    )
    for call, outcome in group:
        if call.attempt_id in kept:
            logger().info(
                "payout_called",
                reference=call.payout.reference,
                msisdn=mask(call.payout.msisdn),
                outcome=CLASS_OF[type(outcome)][1],
                code=getattr(outcome, "code", None),
            )


def _facts(call: Call, outcome: daraja.Outcome) -> dict[str, Any]:
    of, name = CLASS_OF[type(outcome)]
    return {
        "attempt": call.attempt_id,
        "payout": call.payout.id,
        "outcome": name,
        "class": of,
        "http_status": getattr(outcome, "http_status", None),
        "code": getattr(outcome, "code", None),
        "conversation_id": getattr(outcome, "conversation_id", None),
        "detail": getattr(outcome, "reason", None) or getattr(outcome, "text", None),
    }
