"""The whole story of a payout, from all that was written down, for whoever must explain it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.db import Tx
from app.ledger import statements
from app.ledger.statements import EntryLine
from app.msisdn import mask, mask_all
from app.operations import money_sentence
from app.operations.money_sentence import Said


@dataclass(frozen=True, slots=True)
class Summary:
    """A payout in one line."""

    reference: str
    state: str
    amount_cents: int
    phone: str
    """Masked."""
    receipt: str | None
    frozen: bool
    requested_at: datetime
    state_since: datetime
    sms: tuple[str, ...]
    """The texts that its member was or will be sent, oldest first."""


class Lane(StrEnum):
    """With whom something happened."""

    MEMBER = "member"
    BARAZA = "baraza"
    MPESA = "mpesa"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened."""

    at: datetime
    what: str
    detail: str
    lane: Lane


@dataclass(frozen=True, slots=True)
class Told:
    """One SMS about it."""

    id: UUID
    queued_at: datetime
    kind: str
    state: str
    text: str
    failure: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything about one payout."""

    reference: str
    state: str
    state_since: datetime
    requested_at: datetime
    money: str
    """Where the money is, in English."""
    said: tuple[Said, ...]
    """The same, sentence by sentence, for other languages."""
    member_no: str
    first_name: str
    phone: str
    amount_cents: int
    fee_cents: int
    duty_cents: int
    total_cents: int
    receipt: str | None
    frozen: bool
    payee: str | None
    """`same` or `other`: how the name of whom M-PESA paid compares with the member's. None: it
    named nobody."""
    originator_conversation_id: str
    conversation_id: str | None
    timeline: tuple[Happened, ...]
    ledger: tuple[EntryLine, ...]
    sms: tuple[Told, ...]


_SUMMARIES = """
    SELECT p.reference, p.state, p.amount_cents, p.msisdn, p.receipt, p.frozen, p.requested_at,
           p.state_since,
           ARRAY(SELECT body FROM message WHERE payout_id = p.id ORDER BY queued_at, id) AS sms
      FROM payout p
     WHERE (CAST(:states AS text[]) IS NULL OR p.state = ANY(CAST(:states AS text[])))
       AND (CAST(:msisdn AS text) IS NULL OR p.member_id =
            (SELECT id FROM member WHERE msisdn = :msisdn))
     ORDER BY p.requested_at DESC LIMIT :limit
"""
_PAYOUT = """
    SELECT p.*, m.member_no, m.name,
           (SELECT payee FROM evidence WHERE payout_id = p.id AND payee IS NOT NULL
             ORDER BY payee = 'other' DESC LIMIT 1) AS payee
      FROM payout p JOIN member m ON m.id = p.member_id
     WHERE p.reference = :reference
"""
# Each kind of record says when it came and what it means; within one moment, cause before effect.
_TIMELINE = """
    SELECT at, lane, what, detail FROM (
        SELECT q.shown_at AS at, 5 AS rank, 'member' AS lane, 'screen' AS what,
               'amount, fee and duty were shown' AS detail
          FROM quote q JOIN payout p ON p.quote_id = q.id WHERE p.id = :id
        UNION ALL
        SELECT a.at, 4, 'member', 'PIN', a.outcome
          FROM payout p JOIN quote q ON q.id = p.quote_id JOIN pin_attempt a USING (session_id)
         WHERE p.id = :id AND a.member_id = p.member_id
        UNION ALL
        SELECT at, 5, 'baraza', 'state', to_state || ': ' || cause
          FROM payout_event WHERE payout_id = :id
        UNION ALL
        SELECT committed_at, 6, 'baraza', 'call ' || n, 'committed'
          FROM attempt WHERE payout_id = :id
        UNION ALL
        SELECT finished_at, 2, 'mpesa', 'call ' || n, concat_ws(', ', outcome,
               'HTTP ' || http_status, error_code, conversation_id)
          FROM attempt WHERE payout_id = :id AND finished_at IS NOT NULL
        UNION ALL
        SELECT asked_at, 6, 'baraza', 'status query', coalesce(outcome, 'no answer recorded')
          FROM status_query WHERE payout_id = :id
        UNION ALL
        SELECT i.received_at, 1, 'mpesa', 'from M-PESA', concat_ws(', ', i.kind,
               CASE WHEN i.copies > 1 THEN i.copies || ' copies' END,
               CASE WHEN i.worked_at IS NULL THEN 'not worked yet' END)
          FROM inbox i WHERE i.payout_id = :id
        UNION ALL
        SELECT completed_at, 1, 'mpesa', 'on the statement',
               concat_ws(', ', receipt, replace(kind, '_', ' '), status)
          FROM statement_line WHERE payout_id = :id
        UNION ALL
        SELECT at, 3, 'baraza', 'evidence', concat_ws(', ', class || ' (' || source || ')',
               'code ' || code, receipt, conversation_id, nullif(detail, ''),
               CASE WHEN payee = 'other' THEN 'names another payee' END)
          FROM evidence WHERE payout_id = :id
        UNION ALL
        SELECT checked_at, 4, 'staff', 'payee checked', 'by ' || checked_by || ': ' || reason
          FROM payee_check WHERE reference = :reference
        UNION ALL
        SELECT queued_at, 7, 'baraza', 'SMS', 'queued (' || kind || ')'
          FROM message WHERE payout_id = :id
        UNION ALL
        SELECT accepted_at, 8, 'member', 'SMS', 'taken by the gateway (' || kind || ')'
          FROM message WHERE payout_id = :id AND accepted_at IS NOT NULL
        UNION ALL
        SELECT finished_at, 9, 'member', 'SMS', concat_ws(': ', state || ' (' || kind || ')',
               failure)
          FROM message WHERE payout_id = :id AND finished_at IS NOT NULL
        UNION ALL
        SELECT first_seen, 4, 'staff', 'needs a person', step || ': ' || reason
          FROM dead_letter WHERE payout_id = :id
        UNION ALL
        SELECT made_at, 4, 'staff', 'proposal ' || c.id,
               concat_ws(': ', m.email || ' proposes to ' || action, proof, reason)
          FROM case_proposal c JOIN staff m ON m.id = c.maker_id WHERE payout_id = :id
        UNION ALL
        SELECT decided_at, 1, 'staff', 'proposal ' || c.id,
               concat_ws(': ', concat_ws(' by ', outcome, k.email), decided_why)
          FROM case_proposal c LEFT JOIN staff k ON k.id = c.checker_id
         WHERE payout_id = :id AND decided_at IS NOT NULL
    ) happened ORDER BY at, rank
"""
_SMS = """
    SELECT id, queued_at, kind, state, body AS text, failure FROM message
     WHERE payout_id = :id ORDER BY queued_at, id
"""
_LATER_ENTRIES = """
    SELECT id FROM ledger.journal_entry
     WHERE reference = :reference AND kind NOT IN ('reserve', 'settle', 'compensate')
"""


def summaries(
    tx: Tx, *, states: Sequence[str] | None = None, msisdn: str | None = None, limit: int
) -> list[Summary]:
    """The latest payouts, newest first: all, or those in some states, or one member's."""
    rows = tx.execute(
        sa.text(_SUMMARIES),
        {"states": list(states) if states else None, "msisdn": msisdn, "limit": limit},
    )
    return [
        Summary(
            reference=row.reference,
            state=row.state,
            amount_cents=row.amount_cents,
            phone=mask(row.msisdn),
            receipt=row.receipt,
            frozen=row.frozen,
            requested_at=row.requested_at,
            state_since=row.state_since,
            sms=tuple(row.sms),
        )
        for row in rows
    ]


def tell(tx: Tx, reference: str) -> Story | None:
    """The story of one payout, or None if there is none of this reference."""
    row = tx.execute(sa.text(_PAYOUT), {"reference": reference}).one_or_none()
    if row is None:
        return None
    timeline = tx.execute(sa.text(_TIMELINE), {"id": row.id, "reference": reference})
    told = tx.execute(sa.text(_SMS), {"id": row.id})
    return Story(
        reference=row.reference,
        state=row.state,
        state_since=row.state_since,
        requested_at=row.requested_at,
        money=money_sentence.where_the_money_is(row),
        said=money_sentence.sentences(row),
        member_no=row.member_no,
        first_name=row.name.split()[0],
        phone=mask(row.msisdn),
        amount_cents=row.amount_cents,
        fee_cents=row.fee_cents,
        duty_cents=row.duty_cents,
        total_cents=row.total_cents,
        receipt=row.receipt,
        frozen=row.frozen,
        payee=row.payee,
        originator_conversation_id=str(row.id),
        conversation_id=row.conversation_id,
        # Providers quote phone numbers in their remarks.
        timeline=tuple(
            Happened(one.at, one.what, mask_all(one.detail), Lane(one.lane)) for one in timeline
        ),
        ledger=tuple(statements.lines_of(tx, _entry_ids(tx, row))),
        sms=tuple(Told(*one) for one in told),
    )


def _entry_ids(tx: Tx, payout: sa.Row[Any]) -> list[UUID]:
    known = [payout.reserve_id, payout.resolve_id]
    if payout.state not in {"recovery", "recovered", "written_off", "returned"}:
        return known
    # Their ids are not in the payout, and there are few of these, so the books may be searched.
    later = tx.scalars(sa.text(_LATER_ENTRIES), {"reference": payout.reference})
    return [*known, *later]
