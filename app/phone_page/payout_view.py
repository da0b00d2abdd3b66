"""One payout as the page draws it: a rail of steps, why it waits, what happened, the books."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.db import Tx
from app.operations import story
from app.operations.state_titles import TITLES
from app.operations.story import Happened, Story
from app.payouts import switch
from app.payouts.states import OPEN_STATES, SENT_STATES, State

_S = State
_AHEAD: dict[State, tuple[State, ...]] = {
    _S.REQUESTED: (_S.RESERVED, _S.SUBMITTING, _S.SUBMITTED),
    _S.APPROVAL: (_S.RESERVED, _S.SUBMITTING, _S.SUBMITTED),
    _S.RESERVED: (_S.SUBMITTING, _S.SUBMITTED),
    _S.SUBMITTING: (_S.SUBMITTED,),
    _S.SUBMITTED: (),
    _S.IN_DOUBT: (),
}
"""What lies between an open state and paid, if all goes well."""
_WHY = {
    _S.REQUESTED: "The debit is next.",
    _S.RESERVED: "The money is set aside; the call to M-PESA is next.",
    _S.APPROVAL: "A second person must approve it.",
    _S.SUBMITTING: "A call to M-PESA is under way, or has no recorded end.",
    _S.SUBMITTED: "M-PESA has the request and has not said how it ended.",
    _S.IN_DOUBT: "Nobody knows whether M-PESA paid. Time moves no money; Baraza asks.",
}
_TIMERS = (
    ("work", "work_due_at", "A worker takes it up"),
    ("check", "sim_check_due_at", "The SIM card's age is looked at"),
    ("resend", "resend_due_at", "The same request goes out again, under the same id"),
    ("ask", "ask_due_at", "Baraza asks M-PESA what became of it"),
    ("doubt", "doubt_due_at", "Without a result by then it is in doubt"),
    ("notice", "notice_due_at", "The member is told that it takes longer"),
)
_WHO = {"from M-PESA": "M-PESA", "SMS": "SMS", "needs a person": "person"}

_PAYOUT = sa.text(
    "SELECT p.*, (SELECT count(*) FROM attempt WHERE payout_id = p.id) AS calls,"
    "       (SELECT count(*) FROM status_query WHERE payout_id = p.id) AS queries"
    "  FROM payout p WHERE p.reference = :reference"
)
_EVENTS = sa.text("SELECT to_state, at FROM payout_event WHERE payout_id = :id ORDER BY version")
_DURATIONS = sa.text(
    "SELECT n, finished_at, finished_at - committed_at AS took FROM attempt"
    " WHERE payout_id = :id AND finished_at IS NOT NULL"
)


def view(tx: Tx, reference: str) -> dict[str, Any]:
    """The payout of this reference, which must exist, as `app.phone_page.feed` shapes it."""
    row = tx.execute(_PAYOUT, {"reference": reference}).one()
    told = story.tell(tx, reference)
    assert told is not None
    state = State(row.state)
    calls, events = tx.execute(_DURATIONS, {"id": row.id}), tx.execute(_EVENTS, {"id": row.id})
    took = {(f"call {one.n}", one.finished_at): one.took for one in calls}
    passed = {State(one.to_state): one.at for one in events}
    return {
        "reference": row.reference,
        "state": state,
        "frozen": row.frozen,
        "is_open": state in OPEN_STATES,
        "amount_cents": row.amount_cents,
        "fee_cents": row.fee_cents,
        "duty_cents": row.duty_cents,
        "total_cents": row.total_cents,
        "receipt": row.receipt,
        "requested_at": row.requested_at,
        "state_since": row.state_since,
        "ocid": str(row.id),
        "calls": row.calls,
        "queries": row.queries,
        "money": told.money,
        "steps": steps(state, {_S.REQUESTED: row.requested_at, **passed}),
        "waits": _waits(row, state, is_stopped=switch.stopped(tx) is not None),
        "timeline": [_line(one, took) for one in told.timeline],
        "ledger": _ledger(told),
        "sms": [
            {
                "kind": one.kind,
                "state": one.state,
                "text": one.text,
                "failure": one.failure,
                "queued_at": one.queued_at,
            }
            for one in told.sms
        ],
    }


def steps(state: State, reached: dict[State, datetime]) -> list[dict[str, Any]]:
    """The rail: what it has passed, where it stands, what is still ahead on the way to paid.

    What was passed over is left out: a call that ended in doubt was never known to be taken.

    Args:
        state: Where the payout stands.
        reached: When it came to each state that it has been in, last time counted.
    """
    passed = sorted(reached, key=lambda one: reached[one])
    ahead = [*_AHEAD[state], _S.PAID] if state in OPEN_STATES else []
    return [
        *({"name": one, "says": TITLES[one], "at": reached[one], "status": "done"}
          for one in passed if one is not state),
        {"name": state, "says": TITLES[state], "at": reached[state], "status": _status(state)},
        *({"name": one, "says": TITLES[one], "at": None, "status": "ahead"} for one in ahead),
    ]  # fmt: skip


def _status(state: State) -> str:
    if state in OPEN_STATES:
        return "now"
    return "done" if state is _S.PAID else "bad"


def _why(row: sa.Row[Any], state: State, *, is_stopped: bool) -> str:
    if row.frozen:
        return "Two truths contradict each other: a person decides."
    if is_stopped and state not in SENT_STATES:
        return "Withdrawals are stopped. Nothing was sent."
    return _WHY[state]


def _waits(row: sa.Row[Any], state: State, *, is_stopped: bool) -> dict[str, Any] | None:
    if state not in OPEN_STATES:
        return None
    due: Iterable[tuple[str, datetime | None, str]] = (
        (what, getattr(row, column), says) for what, column, says in _TIMERS
    )
    planned = sorted((at, what, says) for what, at, says in due if at is not None)
    return {
        "why": _why(row, state, is_stopped=is_stopped),
        "next": [{"what": what, "says": says, "at": at} for at, what, says in planned],
    }


def _line(one: Happened, took: dict[tuple[str, datetime], timedelta]) -> dict[str, Any]:
    lasted = took.get((one.what, one.at)) if one.detail != "committed" else None
    return {
        "at": one.at,
        "who": _who(one, ended=lasted is not None),
        "what": one.what,
        "detail": one.detail,
        "took_ms": None if lasted is None else round(lasted.total_seconds() * 1000),
    }


def _who(one: Happened, *, ended: bool) -> str:
    if one.what == "state" and "member" in one.detail:
        return "member"
    return "M-PESA" if ended else _WHO.get(one.what, "Baraza")


def _ledger(told: Story) -> list[dict[str, Any]]:
    return [
        {
            "entry": line.kind,
            "account": line.gl_name,
            "debit_cents": line.cents if line.cents > 0 else None,
            "credit_cents": -line.cents if line.cents < 0 else None,
            "posted_at": line.posted_at,
        }
        for line in told.ledger
    ]
