"""What M-PESA itself knows of a phone, in words: the truth beside what Baraza can know of it."""

import json
import time
from http import HTTPStatus
from typing import Any

from app.money import kes
from app.sandbox.courier import Courier
from app.sandbox.safaricom.book import Book, is_open, moment
from app.sandbox.safaricom.results import DESCRIPTIONS
from app.sandbox.store import Store
from app.sandbox.web import Reply, Request, Route, as_json, refuse

SHOWN_MAX = 10
_HEARD = "SELECT count(*), min(at) FROM call WHERE about = ? AND api = 'b2c'"
_QUERIES = "SELECT count(*) FROM call WHERE about = ? AND api = 'status'"


class Knowledge:
    """One door that tells it by phone or by id."""

    def __init__(self, *, store: Store, book: Book, courier: Courier) -> None:
        self._store = store
        self._book = book
        self._courier = courier

    def routes(self) -> list[Route]:
        """`GET /truth/thinks?phone=...` or `?ocid=...`, newest first."""
        return [Route("GET", "/truth/thinks", self._thinks)]

    def _thinks(self, request: Request) -> Reply:
        phone, ocid = request.query.get("phone", ""), request.query.get("ocid", "")
        if not phone.strip() and not ocid:
            return refuse("name a 'phone' or an 'ocid'")
        if ocid:
            # Under an id we also know of requests that M-PESA never took.
            known = [ocid] if self._first_heard(ocid) else []
        else:
            known = [
                row["ocid"]
                for row in self._store.rows(
                    "SELECT ocid FROM payout WHERE msisdn = ? ORDER BY accepted_at DESC LIMIT ?",
                    phone.strip().lstrip("+"), SHOWN_MAX,
                )
            ]  # fmt: skip
        return as_json([self._about(one) for one in known])

    def _first_heard(self, ocid: str) -> float | None:
        row = self._store.row(_HEARD, ocid)
        return row[1] if row else None

    def _about(self, ocid: str) -> dict[str, Any]:
        payout = self._book.payout(ocid)
        heard = self._store.row(_HEARD, ocid)
        assert heard is not None
        paid = self._times_paid(ocid)
        posts = [
            post for post in self._courier.record(ocid) if str(post["kind"]).startswith("b2c_")
        ]
        waiting = [float(str(post["due_at"])) for post in posts if post["done_at"] is None]
        verdict = _verdict(payout)
        return {
            "ocid": ocid,
            "received_at": moment(heard[1]),
            "verdict": verdict,
            "says": _says(verdict, payout, times=paid),
            "times_paid": paid,
            "cents": payout and payout["cents"],
            "receipt": payout["transaction_id"] if payout and verdict == "paid" else None,
            "code": json.loads(payout["code"]) if payout else None,
            "calls": heard[0],
            "queries": self._store.value(_QUERIES, ocid),
            "callbacks_sent": sum(post["http_status"] == HTTPStatus.OK for post in posts),
            "callbacks_refused": sum(
                post["done_at"] is not None and post["http_status"] != HTTPStatus.OK
                for post in posts
            ),
            "callbacks_waiting": len(waiting),
            "next_callback_at": moment(min(waiting)) if waiting else None,
        }

    def _times_paid(self, ocid: str) -> int:
        times: int = self._store.value(
            "SELECT count(*) FROM payment WHERE ocid = ? AND paid_at <= ?",
            ocid,
            time.time(),
        )
        return times


def _verdict(payout: dict[str, Any] | None) -> str:
    if payout is None:
        return "not_taken"
    if is_open(payout):
        return "open"
    return "paid" if json.loads(payout["code"]) == 0 else "refused"


def _says(verdict: str, payout: dict[str, Any] | None, *, times: int) -> str:
    if payout is None:
        return "A request came and was not taken. Nothing was paid."
    amount = kes(payout["cents"])
    if verdict == "open":
        return f"Took the request for {amount} and is still at work on it."
    if verdict == "refused":
        code = str(json.loads(payout["code"]))
        return f"Refused {amount}: {DESCRIPTIONS.get(code, 'the request failed.')} (code {code})"
    how_often = "once" if times == 1 else f"{times} times"
    return f"Paid {amount} {how_often}, receipt {payout['transaction_id']}."
