"""SIM cards and when they were replaced: a stand-in for Africa's Talking Insights.

    POST /sims {"phone": "0712345678", "swapped_on": "2026-11-22"}    a SIM was replaced
    POST /sims {"phone": "0712345678", "silent": true}                its answers never come

As at the real service, the call is answered with a request id, and the answer follows as a post.
"""

import hmac
import json
import secrets
import threading
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Any

from app.sandbox.africastalking.phones import read_phone
from app.sandbox.africastalking.sms import Customer
from app.sandbox.courier import Courier, Post
from app.sandbox.web import JSON, TEXT, Reply, Request, Route, as_json, refuse

NEVER = "01-01-1900"
"""What the service writes for a SIM that was never replaced, with the status `Swapped`."""
ANSWER_AFTER_S = 0.3
_INVALID_KEY = Reply(HTTPStatus.UNAUTHORIZED, b"The supplied authentication is invalid", TEXT)


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of one number's SIM card."""

    swapped_on: date | None = None
    silent: bool = False


class Sims:
    """All SIM cards. They are forgotten when the sandbox stops, as sessions are."""

    def __init__(self, *, courier: Courier, customer: Customer, answer_url: str) -> None:
        self._courier = courier
        self._customer = customer
        self._answer_url = answer_url
        self._cards: dict[str, Card] = {}
        self._asked: dict[str, int] = {}
        self._turn = threading.Lock()

    def routes(self) -> list[Route]:
        """The service's real path, and the doors to the cards."""
        return [
            Route("POST", "/v1/sim-swap", self.ask),
            Route("POST", "/sims", self.set_card),
            Route("GET", "/sims", self.cards),
        ]

    def set_card(self, request: Request) -> Reply:
        """Say what happened to a number's SIM card."""
        asked = request.json if isinstance(request.json, dict) else {}
        phone = read_phone(str(asked.get("phone", "")))
        if phone is None:
            return refuse("'phone' is not a Kenyan mobile number")
        try:
            swapped_on = date.fromisoformat(asked["swapped_on"]) if "swapped_on" in asked else None
        except (TypeError, ValueError):
            return refuse("'swapped_on' looks like 2026-11-22")
        with self._turn:
            self._cards[phone] = Card(swapped_on, silent=asked.get("silent") is True)
        return as_json({"phone": phone}, HTTPStatus.CREATED)

    def cards(self, _: Request) -> Reply:
        """What is known, and how often each number was asked about."""
        with self._turn:
            return as_json(
                {
                    "cards": {
                        phone: {
                            "swapped_on": card.swapped_on.isoformat() if card.swapped_on else None,
                            "silent": card.silent,
                        }
                        for phone, card in self._cards.items()
                    },
                    "asked": dict(self._asked),
                }
            )

    def ask(self, request: Request) -> Reply:
        """Take a question about some numbers; the answers follow."""
        key = request.headers.get("apikey", "")
        if not hmac.compare_digest(key.encode(), self._customer.api_key.encode()):
            return _INVALID_KEY
        asked = request.json if isinstance(request.json, dict) else {}
        numbers = [str(number) for number in asked.get("phoneNumbers", [])]
        transaction = secrets.token_hex(12)
        responses = [self._take(number, transaction) for number in numbers]
        self._courier.wake()
        return as_json(
            {
                "status": "Processed",
                "transactionId": transaction,
                "totalCost": {"amount": len(numbers), "currencyCode": "KES"},
                "responses": responses,
            }
        )

    def _take(self, number: str, transaction: str) -> dict[str, Any]:
        request_id = f"ATSwpid_{secrets.token_hex(16)}"
        with self._turn:
            card = self._cards.get(number, Card())
            self._asked[number] = self._asked.get(number, 0) + 1
        if self._answer_url and not card.silent:
            told = {
                "status": "Swapped",
                "lastSimSwapDate": f"{card.swapped_on:%d-%m-%Y}" if card.swapped_on else NEVER,
                "providerRefId": secrets.token_hex(8),
                "requestId": request_id,
                "transactionId": transaction,
            }
            self._courier.add(
                Post(
                    about=request_id,
                    kind="sim_swap",
                    url=self._answer_url,
                    body=json.dumps(told),
                    content_type=JSON,
                    after_s=ANSWER_AFTER_S,
                )
            )
        return {
            "phoneNumber": {"number": number, "countryCode": 254, "networkCode": "63902"},
            "status": "Queued",
            "requestId": request_id,
            "cost": {"amount": 1, "currencyCode": "KES"},
        }
