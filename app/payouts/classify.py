"""Reads what providers posted to us into evidence: filed message in, classified fact out.

The pure part is `b2c_result` and `status_result`: what a body says about one payout, held
against what was asked. Provider texts are data; nothing in them is believed that does not fit.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app import ids, rows
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
    messages = tx.execute(
        sa.text(
            "SELECT id, kind, payout_id, query_id, body FROM inbox"
            " WHERE payout_id = ANY(:ids) AND worked_at IS NULL ORDER BY id FOR UPDATE"
        ),
        {"ids": [p.id for p in payouts]},
    ).all()
    if not messages:
        return
    by_id = {p.id: p for p in payouts}
    acknowledged = _acknowledged(tx, [row.payout_id for row in messages])
    names = _names(tx, [row.payout_id for row in messages])
    asked = {
        key: Asked(
            ocid=ids.originator_conversation_id(key),
            msisdn=by_id[key].msisdn,
            amount_cents=by_id[key].amount_cents,
            conversation_id=acknowledged.get(key),
            name=name,
        )
        for key, name in names.items()
    }
    told = [(row, _said(Kind(row.kind), asked[row.payout_id], row.body)) for row in messages]
    told = _without_receipts_of_others(tx, told)
    _keep(tx, told)
    heard = []
    for row, said in told:
        payout = by_id[row.payout_id]
        is_acknowledged = row.query_id is not None or payout.id in acknowledged
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
    found = tx.execute(
        sa.text(
            "SELECT DISTINCT ON (payout_id) payout_id, conversation_id FROM attempt"
            " WHERE payout_id = ANY(:ids) AND outcome = 'accepted'"
            " AND conversation_id IS NOT NULL ORDER BY payout_id, n DESC"
        ),
        {"ids": list(keys)},
    )
    return {row.payout_id: row.conversation_id for row in found}


def _names(tx: Tx, keys: Sequence[UUID]) -> dict[UUID, str]:
    """The members' names, as they are on file now."""
    found = tx.execute(
        sa.text(
            "SELECT p.id, m.name FROM payout p JOIN member m ON m.id = p.member_id"
            " WHERE p.id = ANY(:ids)"
        ),
        {"ids": list(keys)},
    )
    return {row.id: row.name for row in found}


Owners = defaultdict[str, set[UUID]]
"""The payouts that a receipt was given for, by receipt. Right is one."""
_OWNERS = sa.text(
    "SELECT receipt, id FROM payout WHERE receipt = ANY(:receipts)"
    " UNION ALL SELECT receipt, payout_id FROM evidence"
    " WHERE receipt = ANY(:receipts) AND class = 'success'"
)


def receipt_is_anothers(tx: Tx, payout_id: UUID, receipt: str) -> bool:
    """Whether this receipt was given for another payout of ours."""
    return bool(_owners(tx, [receipt])[receipt] - {payout_id})


def _owners(tx: Tx, receipts: Sequence[str]) -> Owners:
    """The payouts that each of these receipts was given for."""
    owners: Owners = defaultdict(set)
    for receipt, payout_id in tx.execute(_OWNERS, {"receipts": list(receipts)}):
        owners[receipt].add(payout_id)
    return owners


def _without_receipts_of_others(
    tx: Tx, told: Sequence[tuple[sa.Row[Any], Said]]
) -> list[tuple[sa.Row[Any], Said]]:
    """The same, but a success with the receipt of another payout is a contradiction.

    Two of this batch may name one receipt: the first to come has it.
    """
    receipts = [s.receipt for _, s in told if s.of is Class.SUCCESS and s.receipt is not None]
    owners: Owners = _owners(tx, receipts) if receipts else defaultdict(set)
    judged = []
    for row, said in told:
        receipt = said.receipt if said.of is Class.SUCCESS else None
        if receipt is not None and owners[receipt] - {row.payout_id}:
            another = "receipt of another payout"
            judged.append((row, Said(Class.CONTRADICTION, code=said.code, detail=another)))
            continue
        if receipt is not None:
            owners[receipt].add(row.payout_id)
        judged.append((row, said))
    return judged


_KEPT = {
    "payout": "uuid",
    "source": "text",
    "class": "text",
    "code": "text",
    "receipt": "text",
    "amount": "bigint",
    "conversation_id": "text",
    "detail": "text",
    "payee": "text",
    "query": "uuid",
    "inbox": "bigint",
}
_KEEP = sa.text(
    f"WITH told AS (SELECT * FROM {rows.source(_KEPT)}),"  # noqa: S608 - constants
    " worked AS (UPDATE inbox i SET worked_at = now(), verdict = told.class"
    "  FROM told WHERE i.id = told.inbox)"
    " INSERT INTO evidence (payout_id, source, class, code, receipt, amount_cents,"
    " conversation_id, detail, payee, query_id, inbox_id) SELECT payout, source, class, code,"
    " receipt, amount, conversation_id, detail, payee, query, inbox FROM told ORDER BY nth"
)


def _keep(tx: Tx, told: Sequence[tuple[sa.Row[Any], Said]]) -> None:
    tx.execute(_KEEP, rows.arrays(_KEPT, [_facts(row, said) for row, said in told]))


def _facts(row: sa.Row[Any], said: Said) -> dict[str, Any]:
    is_of_query = row.kind in {Kind.STATUS_RESULT, Kind.STATUS_TIMEOUT}
    return {
        "payout": row.payout_id,
        "source": "status" if is_of_query else "callback",
        "class": said.of,
        "code": said.code,
        "receipt": said.receipt,
        "amount": said.amount_cents,
        "conversation_id": said.conversation_id,
        "detail": said.detail[:DETAIL_LENGTH_MAX],
        "payee": said.payee,
        "query": row.query_id,
        "inbox": row.id,
    }
