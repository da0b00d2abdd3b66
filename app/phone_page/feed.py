"""What Baraza did for one member, read in one snapshot. It changes nothing.

`GET /sandbox/feed?phone=%2B254712345678&reference=BRZ...&after=<cursor>`; without `reference` the
member's newest payout is told in full. When nothing has changed since `after`, the answer is only
`{"cursor": same, "now": iso, "unchanged": true}`. Times are ISO 8601 in UTC, money is cents, phone
numbers are masked. The body:

    {"cursor": "3f9c...", "now": "2026-11-23T07:20:13.512+00:00",
     "member": {"name", "member_no", "language", "status"} or null,     null: not a member
     "savings_cents": 4850000 or null,        what she may take out just now, all her accounts
     "in_transit_cents": 150000,              of hers, between debit and resolution
     "payouts": [{"reference", "state", "frozen": bool, "is_open": bool, "amount_cents",
                  "requested_at"}],           newest first, at most 10
     "payout": null or
       {"reference", "state", "frozen", "is_open", "amount_cents", "fee_cents", "duty_cents",
        "total_cents", "receipt" or null, "requested_at", "state_since",
        "ocid",                               the id that M-PESA knows it by
        "calls": 1, "queries": 0,
        "money": "KES 1,518.00 waits in payouts in transit; ...",       where the money is
        "steps": [{"name": "requested", "says": "Requested", "at": iso or null,
                   "status": "done"|"now"|"ahead"|"bad"}],              bad: where it ended, unpaid
        "waits": {"why": "M-PESA has the request and has not said how it ended.",
                  "next": [{"what": "work"|"check"|"doubt"|"ask"|"resend"|"notice",
                            "says": "Baraza asks M-PESA what became of it",
                            "at": iso}]} or null,                       soonest first; null: ended
        "timeline": [{"at", "who": "member"|"Baraza"|"M-PESA"|"SMS"|"person", "what", "detail",
                      "took_ms": int or null}],                         oldest first
        "ledger": [{"entry": "reserve"|"settle"|"compensate"|..., "account": "Payouts in transit",
                    "debit_cents": int or null, "credit_cents": int or null, "posted_at"}],
        "sms": [{"kind", "state", "text", "failure" or null, "queued_at"}]},
     "lamp": {"green": bool, "rules": 31, "broken": [{"name", "detail"}], "checked_at": iso,
              "took_ms": int} or null,        null: not checked yet. Never older than a few seconds
     "workers": [{"name": "pay", "queues": "pay", "alive": bool}],
     "can_kill": ["pay", "money", "talk", "clock", "parent"],    empty: not under `baraza up`
     "stop": {"since", "reason", "by"} or null,                         withdrawals are stopped
     "redis": "ok"|"away"}

PostgreSQL away: 503 with `error`.
"""

import json
from dataclasses import asdict
from datetime import datetime
from hashlib import blake2s
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa
from flask import Response, current_app, jsonify, request
from redis.exceptions import RedisError

from app import msisdn, redis_client
from app.clock import now
from app.db import Tx
from app.ledger import statements
from app.operations.context import WebContext
from app.payouts import switch
from app.payouts.deadlines import SILENT_S
from app.payouts.states import OPEN_STATES, RESERVED_STATES, State
from app.phone_page import payout_view, processes
from app.phone_page.answers import Answer, no
from app.phone_page.lamp import Lamp

EXTENSION = "baraza phone feed"
PAYOUTS_MAX = 10
GROUPS = ("pay", "money", "talk", "clock")
REDIS_TIMEOUT_S = 0.5
_CHANGES_BY_ITSELF = ("checked_at", "took_ms")

_MEMBER = sa.text("SELECT id, name, member_no, language, status FROM member WHERE msisdn = :msisdn")
_ACCOUNTS = sa.text(
    "SELECT account_id FROM member_account WHERE member_id = :member AND withdrawable"
)
_PAYOUTS = sa.text(
    "SELECT reference, state, frozen, amount_cents, requested_at FROM payout"
    " WHERE member_id = :member ORDER BY requested_at DESC LIMIT :limit"
)
_IN_TRANSIT = sa.text(
    "SELECT coalesce(sum(total_cents), 0)::bigint FROM payout"
    " WHERE member_id = :member AND state = ANY(:states)"
)
_WORKERS = sa.text(
    "SELECT name, queues, clock_timestamp() - beat_at < make_interval(secs => :silent) AS alive"
    " FROM worker_heartbeat ORDER BY name"
)


class Feed:
    """What the page's feed keeps between two readings: the lamp and a line to Redis."""

    def __init__(self, belongings: WebContext) -> None:
        self._db = belongings.db
        self._var = belongings.settings.baraza_var
        self._redis = redis_client.connect(belongings.settings.redis_url, timeout_s=REDIS_TIMEOUT_S)
        self._lamp = Lamp(belongings.db)

    def read(self, phone: str, *, reference: str | None) -> dict[str, Any]:
        """Everything about one phone's member, as the module's docstring shapes it.

        Raises:
            DatabaseAway: PostgreSQL does not answer.
        """
        lamp = self._lamp.look()
        with self._db.transaction() as tx:
            # All numbers of one moment, or the balances would not add up while money moves.
            tx.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            told = {**_of_member(tx, phone, reference), **self._of_all(tx)}
        return {**told, "lamp": lamp, "redis": self._redis_verdict()}

    def _of_all(self, tx: Tx) -> dict[str, Any]:
        workers = [
            {"name": processes.group_of(row.name), "queues": row.queues, "alive": row.alive}
            for row in tx.execute(_WORKERS, {"silent": SILENT_S})
        ]
        stop = switch.stopped(tx)
        supervised = processes.is_supervised(self._var)
        return {
            "workers": workers,
            "can_kill": [*GROUPS, "parent"] if supervised else [],
            "stop": None if stop is None else asdict(stop),
        }

    def _redis_verdict(self) -> str:
        try:
            self._redis.ping()
        except RedisError:
            return "away"
        return "ok"


def answer() -> Answer | Response:
    """The answer to the current request."""
    try:
        phone = msisdn.parse(request.args.get("phone", ""))
    except ValueError as wrong:
        return no(str(wrong), HTTPStatus.BAD_REQUEST)
    feed = current_app.extensions[EXTENSION]
    assert isinstance(feed, Feed)
    told = feed.read(phone, reference=request.args.get("reference") or None)
    body = json.loads(json.dumps(told, default=_as_text))
    cursor = _cursor(body)
    moment = now().isoformat(timespec="milliseconds")
    if cursor == request.args.get("after"):
        return jsonify(cursor=cursor, now=moment, unchanged=True)
    return jsonify({"cursor": cursor, "now": moment, **body})


def _of_member(tx: Tx, phone: str, reference: str | None) -> dict[str, Any]:
    member = tx.execute(_MEMBER, {"msisdn": phone}).one_or_none()
    if member is None:
        return {
            "member": None, "savings_cents": None, "in_transit_cents": 0, "payouts": [],
            "payout": None,
        }  # fmt: skip
    accounts = list(tx.scalars(_ACCOUNTS, {"member": member.id}))
    payouts = [
        {**row, "is_open": State(row["state"]) in OPEN_STATES}
        for row in tx.execute(_PAYOUTS, {"member": member.id, "limit": PAYOUTS_MAX}).mappings()
    ]
    newest = payouts[0]["reference"] if payouts else None
    chosen = reference if reference in {one["reference"] for one in payouts} else newest
    facts = {"member": member.id, "states": list(RESERVED_STATES)}
    return {
        "member": {
            "name": member.name,
            "member_no": member.member_no,
            "language": member.language,
            "status": member.status,
        },
        "savings_cents": sum(statements.available(tx, account) for account in accounts),
        "in_transit_cents": tx.scalar(_IN_TRANSIT, facts),
        "payouts": payouts,
        "payout": payout_view.view(tx, chosen) if chosen else None,
    }


def _cursor(body: dict[str, Any]) -> str:
    """A mark of everything but what changes while nothing happens."""
    lamp = body["lamp"] or {}
    still = {name: value for name, value in lamp.items() if name not in _CHANGES_BY_ITSELF}
    text = json.dumps({**body, "lamp": still}, sort_keys=True)
    return blake2s(text.encode(), digest_size=8).hexdigest()


def _as_text(value: object) -> str:
    assert isinstance(value, datetime), type(value)
    return value.isoformat(timespec="milliseconds")
