"""Doors for M-PESA's answers: authenticate, file, answer 200. Others do the work.

Resolve does that of payouts and status queries, ask that of balances. Callbacks carry no signature.
The address holds a token for this very payout or query, so that a leaked one opens nothing else,
and only listed addresses may call where a list is set.
"""

import ipaddress
import json
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, request

from app.channels.doors import doors
from app.db import DatabaseAway
from app.doorbell import Step
from app.observability import logger
from app.payouts import inbox
from app.payouts.inbox import Kind
from app.providers import balance_queries
from app.providers.daraja_results import strip_secrets

BODY_BYTES_MAX = 64 * 1024

bp = Blueprint("callbacks", __name__, url_prefix="/d/<token>")


@bp.post("/b2c/result/<uuid:ocid>")
def b2c_result(token: str, ocid: UUID) -> Response:
    """A payout's result."""
    return _file(token, Kind.B2C_RESULT, payout_id=ocid)


@bp.post("/b2c/timeout/<uuid:ocid>")
def b2c_timeout(token: str, ocid: UUID) -> Response:
    """M-PESA's gateway stopped waiting. That is no failure."""
    return _file(token, Kind.B2C_TIMEOUT, payout_id=ocid)


@bp.post("/status/result/<uuid:query_id>")
def status_result(token: str, query_id: UUID) -> Response:
    """The answer to a status query."""
    return _file(token, Kind.STATUS_RESULT, query_id=query_id)


@bp.post("/status/timeout/<uuid:query_id>")
def status_timeout(token: str, query_id: UUID) -> Response:
    """A status query that M-PESA did not get to."""
    return _file(token, Kind.STATUS_TIMEOUT, query_id=query_id)


@bp.post("/balance/result/<uuid:query_id>")
def balance_result(token: str, query_id: UUID) -> Response:
    """The answer to a balance query."""
    return _file_balance(token, balance_queries.Kind.RESULT, query_id)


@bp.post("/balance/timeout/<uuid:query_id>")
def balance_timeout(token: str, query_id: UUID) -> Response:
    """A balance query that M-PESA did not get to."""
    return _file_balance(token, balance_queries.Kind.TIMEOUT, query_id)


def _file(
    token: str, kind: Kind, *, payout_id: UUID | None = None, query_id: UUID | None = None
) -> Response:
    refusal = _refusal(token, kind, payout_id or query_id)
    if refusal is not None:
        return refusal
    body = strip_secrets(_read())
    source = request.remote_addr or ""
    try:
        with doors().db.statements() as tx:
            is_known = inbox.file(
                tx, kind=kind, payout_id=payout_id, query_id=query_id, body=body, source=source
            )
    except DatabaseAway:
        # Not stored, so not taken: if the provider repeats, good; if not, we shall ask.
        return _answer(503, "Try again")
    if not is_known:
        # A query's row is committed before the query. Most likely this is a payout's id, whose
        # token must not open the door of the answers that confirm.
        return _refuse(kind, "no such query", 404)
    doors().doorbell.ring_soon(Step.RESOLVE)
    return _answer(200, "Accepted")


def _file_balance(token: str, kind: balance_queries.Kind, query_id: UUID) -> Response:
    door = f"balance_{kind}"
    refusal = _refusal(token, door, query_id)
    if refusal is not None:
        return refusal
    body = strip_secrets(_read())
    source = request.remote_addr or ""
    try:
        with doors().db.transaction() as tx:
            if not balance_queries.file(tx, query_id=query_id, kind=kind, body=body, source=source):
                return _refuse(door, "no such query", 404)
    except DatabaseAway:
        return _answer(503, "Try again")  # the next question brings it
    doors().doorbell.ring(Step.ASK)
    return _answer(200, "Accepted")


def _refusal(token: str, door: str, key: UUID | None) -> Response | None:
    """Why this caller is turned away, before anything is read. None: come in."""
    settings = doors().settings
    if not settings.opens(str(key), token):
        return _refuse(door, "wrong token", 404)
    if not _source_is_listed(settings.callback_sources, request.remote_addr):
        return _refuse(door, "source not listed", 403)
    if (request.content_length or 0) > BODY_BYTES_MAX:
        return _refuse(door, "too large", 413)
    return None


def _read() -> Any:
    """The body as JSON, however it is labelled; what is no JSON is kept as a remark about it."""
    raw = request.get_data(cache=False)[:BODY_BYTES_MAX]
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return {"unreadable_bytes": len(raw)}


def _source_is_listed(networks: tuple[str, ...], address: str | None) -> bool:
    if not networks:
        return True
    try:
        caller = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    # A server that listens on IPv6 sees IPv4 callers as ::ffff:196.201.214.200.
    caller = getattr(caller, "ipv4_mapped", None) or caller
    return any(caller in ipaddress.ip_network(network) for network in networks)


def _refuse(door: str, reason: str, status: int) -> Response:
    # Loud: a provider's new address looks just like an attack.
    logger().warning("callback_refused", kind=door, reason=reason, source=request.remote_addr)
    doors().refusals.note(doors().db, reason)
    return _answer(status, "Refused")


def _answer(status: int, text: str) -> Response:
    response = jsonify(ResultCode=0 if status == 200 else 1, ResultDesc=text)  # noqa: PLR2004
    response.status_code = status
    return response
