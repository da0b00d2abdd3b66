"""Somebody who posts to Baraza in M-PESA's name: knows everything but the secret in the address."""

import json
import re
import secrets
from http import HTTPStatus
from typing import Any

from app.sandbox import courier
from app.sandbox.safaricom.book import Book
from app.sandbox.safaricom.results import payout_result
from app.sandbox.store import Store
from app.sandbox.web import JSON, Reply, Request, Route, as_json, refuse

ANSWER_S_MAX = 5
_ADDRESS = re.compile(r"(?P<base>https?://[^/]+/d/)(?P<token>[^/]+)(?P<door>/b2c/result/)[^/]+")


class Intruder:
    """Forges a success for the newest payout, with the right amount, phone and id."""

    def __init__(self, *, store: Store, book: Book) -> None:
        self._store = store
        self._book = book

    def routes(self) -> list[Route]:
        """`POST /intruder`, without a body; answers what Baraza said to him."""
        return [Route("POST", "/intruder", self._forge)]

    def _forge(self, _: Request) -> Reply:
        ocid = self._store.value("SELECT ocid FROM payout ORDER BY accepted_at DESC LIMIT 1")
        address = self._some_address()
        if ocid is None or address is None:
            return refuse("there is no result yet that could be imitated", HTTPStatus.CONFLICT)
        payout: dict[str, Any] = {**(self._book.payout(ocid) or {}), "transaction_id": "FORGED0001"}
        guessed = secrets.token_hex(len(address["token"]) // 2)
        url = f"{address['base']}{guessed}{address['door']}{ocid}"
        body = json.dumps(payout_result(payout, code=0)).encode()
        answer = courier.post(url, body, JSON, seconds=ANSWER_S_MAX)
        return as_json({"ocid": ocid, "http_status": answer.http_status, "error": answer.error})

    def _some_address(self) -> re.Match[str] | None:
        """An address that results were sent to: its form is no secret, only its token is."""
        url = self._store.value(
            "SELECT url FROM post WHERE kind = 'b2c_result' ORDER BY id DESC LIMIT 1"
        )
        return _ADDRESS.fullmatch(url or "")
