"""Reads what providers posted to us into evidence: filed message in, classified fact out.

The pure part is `b2c_result` and `status_result`: what a body says about one payout, held
against what was asked. Provider texts are data; nothing in them is believed that does not fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app import ids
from app.db import Tx
from app.observability import logger
from app.payouts import care, payees
from app.payouts.care import Left
from app.payouts.claims import Payout
from app.payouts.evidence import Class
from app.payouts.inbox import Kind
from app.payouts.payees import Payee
from app.providers import daraja_results
from app.providers.daraja_results import B2cResult, StatusResult, StatusSays, Unreadable
from app.providers.daraja_values import PhoneMatch, same_phone
from app.providers.result_codes import Verdict

DETAIL_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Said:
    """What one message says about one payout."""

    of: Class
    code: str | None = None
    receipt: str | None = None
    amount_cents: int | None = None
    conversation_id: str | None = None
    detail: str = ""
    left: Left | None = None
    payee: Payee | None = None
    """How the name of whom M-PESA paid compares with the member's."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What we asked M-PESA for, to hold an answer against."""

    ocid: str
    msisdn: str
    amount_cents: int
    conversation_id: str | None
    name: str = field(default="", repr=False)
    """The member's, as on file."""


def b2c_result(asked: Asked, body: Any) -> Said:
    """What a result callback says."""
    result = daraja_results.parse_b2c_result(body)
    if isinstance(result, Unreadable):
        return Said(Class.DOUBT, detail=f"unreadable: {result.reason}")
    doubt = Said(Class.DOUBT, result.code.code, conversation_id=result.conversation_id)
    if result.ocid not in {None, asked.ocid}:
        return replace(doubt, detail="it names another request")
    if asked.conversation_id is not None and result.conversation_id != asked.conversation_id:
        return replace(doubt, detail="it has another ConversationID")
    if not result.final:
        return replace(doubt, detail="not final")
    if result.verdict is not Verdict.SUCCESS:
        return replace(doubt, of=Class(result.verdict), detail=result.description)
    said = _success(asked, result, doubt)
    if said.of is not Class.SUCCESS or result.utility_cents is None:
        return said  # a result that does not fit is believed in nothing
    return replace(said, left=Left(result.utility_cents, result.completed_at))


SAYS: dict[StatusSays, Class] = {
    StatusSays.NOT_PAID: Class.DEFINITE_NO,
    StatusSays.OPEN: Class.OPEN,
    StatusSays.NOT_KNOWN_NOW: Class.NOT_KNOWN_NOW,
    StatusSays.ABOUT_QUERY: Class.ABOUT_QUERY,
    StatusSays.UNCLEAR: Class.DOUBT,
}


def status_result(asked: Asked, body: Any) -> Said:
    """What the answer to a status query says. Its envelope speaks of the query, not the payout."""
    result = daraja_results.parse_status_result(body)
    if isinstance(result, Unreadable):
        return Said(Class.ABOUT_QUERY, detail=f"unreadable: {result.reason}")
    said = Said(Class.ABOUT_QUERY, result.code, conversation_id=result.conversation_id)
    if result.ocid not in {None, asked.ocid}:
        return replace(said, detail="it names another request")
    if result.says is StatusSays.PAID:
        return _success(asked, result, replace(said, of=Class.DOUBT))
    # The query's own code says nothing of the payout; M-PESA's word for its state does.
    return replace(
        said,
        of=SAYS[result.says],
        code=result.status or result.code,
        detail=result.status or result.description,
    )


def _success(asked: Asked, result: B2cResult | StatusResult, doubt: Said) -> Said:
    """A success must fit: the amount equal, the phone not different, a receipt to show."""
    if result.receipt is None or result.amount_cents is None:
        return replace(doubt, detail="a success without receipt or amount")
    success = replace(
        doubt, of=Class.SUCCESS, receipt=result.receipt, amount_cents=result.amount_cents
    )
    if result.amount_cents != asked.amount_cents:
        return replace(success, of=Class.CONTRADICTION, detail="amount")
    if same_phone(asked.msisdn, result.receiver) is PhoneMatch.DIFFERENT:
        return replace(success, of=Class.CONTRADICTION, detail="phone")
    return replace(success, payee=payees.compare(asked.name, result.payee))


def inbox(tx: Tx, payouts: Sequence[Payout], *, float_reserve_cents: int = 0) -> None:
    """Classify every unworked message about these payouts into evidence.

    What they say about M-PESA itself, or about our float, goes to the breaker.
    """
    rows = tx.execute(
        sa.text(
            "SELECT id, kind, payout_id, query_id, body FROM inbox"
            " WHERE payout_id = ANY(:ids) AND worked_at IS NULL ORDER BY id FOR UPDATE"
        ),
        {"ids": [p.id for p in payouts]},
    ).all()
    if not rows:
        return
    by_id = {p.id: p for p in payouts}
    acknowledged = _acknowledged(tx, [row.payout_id for row in rows])
    names = _names(tx, [row.payout_id for row in rows])
    heard = []
    for row in rows:
        payout = by_id[row.payout_id]
        asked = Asked(
            ocid=ids.originator_conversation_id(payout.id),
            msisdn=payout.msisdn,
            amount_cents=payout.amount_cents,
            conversation_id=acknowledged.get(payout.id),
            name=names[payout.id],
        )
        said = _said(Kind(row.kind), asked, row.body)
        if said.of is Class.SUCCESS and receipt_is_anothers(tx, payout.id, said.receipt):
            said = Said(Class.CONTRADICTION, code=said.code, detail="receipt of another payout")
        _keep(tx, row, said)
        is_acknowledged = row.query_id is not None or asked.conversation_id is not None
        heard.append(
            care.Heard(payout, row.query_id, said.of, said.code, said.left, is_acknowledged)
        )
        logger().info(
            "inbox_worked", reference=payout.reference, kind=row.kind, verdict=str(said.of)
        )
    care.after_answers(tx, heard)
    care.after_balances(tx, heard, reserve_cents=float_reserve_cents)


def _said(kind: Kind, asked: Asked, body: Any) -> Said:
    match kind:
        case Kind.B2C_RESULT:
            return b2c_result(asked, body)
        case Kind.STATUS_RESULT:
            return status_result(asked, body)
        case Kind.B2C_TIMEOUT:
            # The gateway stopped waiting. That is no failure; it only means: ask.
            return Said(Class.DOUBT, code="queue-timeout", detail="the gateway stopped waiting")
        case Kind.STATUS_TIMEOUT:
            return Said(Class.ABOUT_QUERY, detail="the query timed out")


def _acknowledged(tx: Tx, keys: Sequence[UUID]) -> dict[UUID, str]:
    """The ConversationID that M-PESA acknowledged, from the call's own record.

    A callback may be worked before resolve has folded the acknowledgement, or come before it.
    """
    rows = tx.execute(
        sa.text(
            "SELECT DISTINCT ON (payout_id) payout_id, conversation_id FROM attempt"
            " WHERE payout_id = ANY(:ids) AND outcome = 'accepted'"
            " AND conversation_id IS NOT NULL ORDER BY payout_id, n DESC"
        ),
        {"ids": list(keys)},
    )
    return {row.payout_id: row.conversation_id for row in rows}


def _names(tx: Tx, keys: Sequence[UUID]) -> dict[UUID, str]:
    """The members' names, as they are on file now."""
    rows = tx.execute(
        sa.text(
            "SELECT p.id, m.name FROM payout p JOIN member m ON m.id = p.member_id"
            " WHERE p.id = ANY(:ids)"
        ),
        {"ids": list(keys)},
    )
    return {row.id: row.name for row in rows}


def receipt_is_anothers(tx: Tx, payout_id: UUID, receipt: str | None) -> bool:
    """Whether this receipt was given for another payout of ours."""
    return bool(
        tx.scalar(
            sa.text(
                "SELECT EXISTS (SELECT FROM payout WHERE receipt = :receipt AND id <> :id)"
                " OR EXISTS (SELECT FROM evidence WHERE receipt = :receipt AND payout_id <> :id"
                "            AND class = 'success')"
            ),
            {"receipt": receipt, "id": payout_id},
        )
    )


def _keep(tx: Tx, row: sa.Row[Any], said: Said) -> None:
    source = "status" if row.kind in {Kind.STATUS_RESULT, Kind.STATUS_TIMEOUT} else "callback"
    tx.execute(
        sa.text(
            "INSERT INTO evidence (payout_id, source, class, code, receipt, amount_cents,"
            " conversation_id, detail, payee, query_id, inbox_id) VALUES (:payout, :source, :class,"
            " :code, :receipt, :amount, :conversation_id, :detail, :payee, :query, :inbox)"
        ),
        {
            "payout": row.payout_id,
            "source": source,
            "class": said.of,
            "code": said.code,
            "receipt": said.receipt,
            "amount": said.amount_cents,
            "conversation_id": said.conversation_id,
            "detail": said.detail[:DETAIL_LENGTH_MAX],
            "payee": said.payee,
            "query": row.query_id,
            "inbox": row.id,
        },
    )
    tx.execute(
        sa.text("UPDATE inbox SET worked_at = now(), verdict = :verdict WHERE id = :id"),
        {"id": row.id, "verdict": said.of},
    )
