"""What really happened, for whoever checks Baraza: counted here, from Safaricom's own books."""

import json
import time
from http import HTTPStatus
from typing import Any

from app.money import shillings
from app.sandbox.courier import Courier
from app.sandbox.safaricom.access import Access
from app.sandbox.safaricom.book import CHARGES, UTILITY, Book, is_open, moment
from app.sandbox.store import Store
from app.sandbox.web import Reply, Request, Route, as_json, refuse


class Truth:
    """Doors that no Safaricom has."""

    def __init__(self, *, store: Store, book: Book, access: Access, courier: Courier) -> None:
        self._store = store
        self._book = book
        self._access = access
        self._courier = courier

    def routes(self) -> list[Route]:
        """Looking, and the few things that an administrator does on Safaricom's portal."""
        return [
            Route("GET", "/health", lambda _: as_json({"ok": True})),
            Route("GET", "/certificate.pem", self._certificate),
            Route("GET", "/truth/paid", self._paid),
            Route("GET", "/truth/calls", self._calls),
            Route("GET", "/truth/accounts", self._accounts),
            Route("GET", "/truth/requests/{ocid}", self._request),
            Route("POST", "/portal/unlock", self._unlock),
            Route("POST", "/portal/float", self._float),
            Route("POST", "/portal/subscribers", self._subscribers),
        ]

    def _certificate(self, _: Request) -> Reply:
        return Reply(200, self._access.certificate, "application/x-pem-file")

    def _paid(self, _: Request) -> Reply:
        by_ocid: dict[str, dict[str, Any]] = {}
        by_msisdn: dict[str, dict[str, int]] = {}
        total = 0
        for row in self._store.rows("SELECT * FROM payment WHERE paid_at <= ?", time.time()):
            total += row["cents"]
            msisdn = f"+{row['msisdn']}"
            one = by_ocid.setdefault(row["ocid"], {"times": 0, "cents": 0, "msisdn": msisdn})
            member = by_msisdn.setdefault(msisdn, {"times": 0, "cents": 0})
            for counted in (one, member):
                counted["times"] += 1
                counted["cents"] += row["cents"]
        return as_json({"total_cents": total, "by_ocid": by_ocid, "by_msisdn": by_msisdn})

    def _calls(self, _: Request) -> Reply:
        counted: dict[str, dict[str, int]] = {}
        for row in self._store.rows(
            "SELECT api, outcome, count(*) AS calls FROM call GROUP BY api, outcome"
        ):
            of_api = counted.setdefault(row["api"], {"total": 0})
            of_api["total"] += row["calls"]
            of_api[row["outcome"]] = row["calls"]
        return as_json(counted)

    def _accounts(self, _: Request) -> Reply:
        return as_json(
            {
                "utility_cents": self._book.balance(UTILITY),
                "charges_cents": self._book.balance(CHARGES),
            }
        )

    def _request(self, _: Request, ocid: str) -> Reply:
        calls = self._store.rows(
            "SELECT at, api, behaviour, outcome, http_status FROM call WHERE about = ? ORDER BY id",
            ocid,
        )
        if not calls:
            return refuse("Safaricom never heard of this id", HTTPStatus.NOT_FOUND)
        payout = self._book.payout(ocid)
        times = self._store.value(
            "SELECT count(*) FROM payment WHERE ocid = ? AND paid_at <= ?", ocid, time.time()
        )
        return as_json(
            {
                "ocid": ocid,
                "times_paid": times,
                "payout": payout and self._described(payout),
                "calls": [{**dict(row), "at": moment(row["at"])} for row in calls],
                "callbacks": [_readable(post) for post in self._courier.record(ocid)],
            }
        )

    def _described(self, payout: dict[str, Any]) -> dict[str, Any]:
        return {
            "msisdn": f"+{payout['msisdn']}",
            "cents": payout["cents"],
            "code": json.loads(payout["code"]),
            "status": "open" if is_open(payout) else payout["status"],
            "transaction_id": payout["transaction_id"],
            "conversation_id": payout["conversation_id"],
        }

    def _unlock(self, _: Request) -> Reply:
        self._access.unlock()
        return as_json({"ok": True})

    def _float(self, request: Request) -> Reply:
        asked = request.json.get("shillings") if isinstance(request.json, dict) else None
        if not isinstance(asked, int) or asked < 0:
            return refuse("'shillings' must be a whole number of 0 or more")
        self._book.set_float(shillings(asked))
        return self._accounts(request)

    def _subscribers(self, request: Request) -> Reply:
        """`{"+254712345678": "WANJIRU KAMAU"}`: who has which number."""
        given = request.json
        if not isinstance(given, dict) or not all(isinstance(n, str) for n in given.values()):
            return refuse("send an object of names by phone number")
        self._book.register({phone.lstrip("+"): name for phone, name in given.items()})
        return as_json({"ok": True})


def _readable(post: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": post["kind"],
        "body": json.loads(post["body"]),
        "due_at": moment(post["due_at"]),
        "done_at": moment(post["done_at"]),
        "http_status": post["http_status"],
        "answer": post["answer"],
        "error": post["error"],
    }
