"""An M-PESA whose every answer is a seed's choice, with its own record of what it paid.

It is unkind within what is relied on: it remembers an id, it never pays one id twice, and what a
status answer says of an end is true. Everything else may be late, lost, doubled or contradicted.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

from app.providers.daraja import PAY_PATH, STATUS_PATH
from app.providers.tokens import TOKEN_PATH
from tests.support.mpesa_says import pairs

SLOW = 0.1
"""How much of what M-PESA does takes minutes or hours instead of seconds."""
LAG_S = 90
"""A status query may not know a request for so long after it was taken or paid."""


@dataclass(frozen=True)
class Reply:
    """An answer on the wire."""

    status: int
    body: bytes


class Unreachable:
    """No connection is made: nothing leaves."""


class Silent:
    """The request arrived or was lost on the way, and no answer comes."""


@dataclass
class Request:
    """One payout as M-PESA has it."""

    ocid: str
    phone: str
    cents: int
    result_path: str
    timeout_path: str
    conversation: str
    work_at: float
    state: str = "queued"
    """queued, paid, declined, or turned down, which leaves no transaction to find."""
    code: int | str = 0
    since: float = 0.0
    times_paid: int = 0

    @property
    def receipt(self) -> str:
        """The code that the recipient sees."""
        return f"S{self.conversation[3:]}"


@dataclass(order=True)
class Letter:
    """What M-PESA posts to us, and when."""

    at: float
    number: int
    path: str = field(compare=False)
    body: Callable[[], Any] = field(compare=False)
    copies: int = field(compare=False, default=1)


class Mpesa:
    """Takes calls, works requests, posts letters."""

    def __init__(
        self, chance: Random, now: Callable[[], float], tell: Callable[[str], None]
    ) -> None:
        self._chance = chance
        self._now = now
        self._tell = tell
        self.requests: dict[str, Request] = {}
        self.letters: list[Letter] = []
        self.float_cents = 1_000_000_00
        self.token = 1
        self.kind = False
        """No faults any more: for the end of a run."""
        self._numbers = 0

    # What comes over the wire.

    def answer(self, path: str, token: str, raw: bytes) -> Reply | Silent | Unreachable:
        """Take one HTTP request."""
        if path == TOKEN_PATH:
            grant = {"access_token": f"token-{self.token}", "expires_in": "3599"}
            return Reply(200, json.dumps(grant).encode())
        if token != f"Bearer token-{self.token}":
            return _error(401, "401.002.01", "Error Occurred - Invalid Access Token - x")
        body = json.loads(raw)
        at_the_gate = self._gate()
        if at_the_gate is not None:
            return at_the_gate
        assert path in {PAY_PATH, STATUS_PATH}
        return self._pay(body) if path == PAY_PATH else self._asked(body)

    def _gate(self) -> Reply | Silent | Unreachable | None:
        """What happens to a request before M-PESA's core sees it, if anything."""
        if self._lucky(0.82):
            return None
        return self._chance.choice(
            (
                Unreachable(),
                Silent(),
                Silent(),
                Reply(503, b"<html>"),
                Reply(429, b""),
                _error(500, "500.003.02", "Error Occurred: Spike Arrest Violation"),
            )
        )

    def _pay(self, body: dict[str, Any]) -> Reply | Silent:
        known = self.requests.get(body["OriginatorConversationID"])
        # A gateway that is being changed refuses good requests, also those that it took before.
        if not self._lucky(0.55 if known else 0.97):
            self._tell(f"M-PESA: 400 for {body['PartyB']}")
            return _error(400, "400.002.02", "Bad Request - Invalid Amount")
        if known is not None:
            return self._acknowledged(
                _error(500, "500.002.1001", "Duplicate OriginatorConversationID.")
            )
        request = self._taken(body)
        self._tell(f"M-PESA: takes {request.phone}")
        ack = {"ConversationID": request.conversation, "ResponseCode": "0"}
        return self._acknowledged(Reply(200, json.dumps(ack).encode()))

    def _acknowledged(self, reply: Reply) -> Reply | Silent:
        """The answer, unless it is lost on the way back."""
        if self._lucky(0.65):
            return reply
        return self._chance.choice(
            (
                Silent(),
                Silent(),
                Reply(502, b""),
                Reply(200, b"<html>"),
                _error(500, "500.002.1001", "System internal error."),
            )
        )

    def _taken(self, body: dict[str, Any]) -> Request:
        self._numbers += 1
        request = Request(
            ocid=body["OriginatorConversationID"],
            phone=body["PartyB"],
            cents=int(body["Amount"]) * 100,
            result_path=urlsplit(body["ResultURL"]).path,
            timeout_path=urlsplit(body["QueueTimeOutURL"]).path,
            conversation=f"AG_{self._numbers:09d}",
            work_at=self._later(1, 40),
            since=self._now(),
        )
        self.requests[request.ocid] = request
        return request

    def _asked(self, body: dict[str, Any]) -> Reply | Silent:
        ocid = body["OriginalConversationID"]
        path = urlsplit(body["ResultURL"]).path
        if self._lucky(0.85):
            self.post(path, lambda: self._standing(ocid), at=self._later(0.5, 20))
        ack = {"ConversationID": "AG_query", "ResponseCode": "0"}
        return self._acknowledged(Reply(200, json.dumps(ack).encode()))

    # What it does by itself.

    def work(self) -> None:
        """Do what is due."""
        for request in list(self.requests.values()):
            if request.state == "queued" and (self.kind or request.work_at <= self._now()):
                self._work(request)

    def _work(self, request: Request) -> None:
        if self.float_cents < request.cents:
            request.state, request.code = "declined", 1
        elif not self._lucky(0.75):
            refusals = (("declined", 8), ("turned down", 2040), ("turned down", "SFC_IC0003"))
            request.state, request.code = self._chance.choice(refusals)
        else:
            request.state = "paid"
            request.times_paid += 1
            self.float_cents -= request.cents
        request.since = self._now()
        self._tell(f"M-PESA: {request.phone} is {request.state}")
        if not self._lucky(0.9):
            self.post(request.timeout_path, lambda: {"Amount": "1"}, at=self._now())
        if self._lucky(0.8):
            copies = 1 if self._lucky(0.8) else 3
            self.post(
                request.result_path, lambda: self.result(request), at=self._later(0, 5),
                copies=copies,
            )  # fmt: skip
        if request.state == "paid" and not self._lucky(0.97):
            self._tell(f"M-PESA: will contradict itself about {request.phone}")
            refusal = self._refusal(request, request.conversation)
            self.post(request.result_path, lambda: refusal, at=self._later(1, 300))

    def forge(self) -> None:
        """Somebody who has seen an address posts a refusal, or a success of another amount."""
        if not self.requests:
            return
        request = self._chance.choice(list(self.requests.values()))
        lie = self._refusal(request, "AG_forged")
        if self._chance.random() < 0.1:
            lie = self._success(request, cents=request.cents + 100_00, conversation="AG_forged")
        right = self._chance.random() < 0.7
        path = request.result_path if right else request.result_path.replace("/d/", "/d/0")
        self._tell(f"a liar speaks of {request.phone}")
        self.post(path, lambda: lie, at=self._now())

    def result(self, request: Request) -> dict[str, Any]:
        """The true result of a request that was worked."""
        if request.state == "paid":
            return self._success(request, cents=request.cents, conversation=request.conversation)
        return self._refusal(request, request.conversation, request.code)

    def _success(self, request: Request, *, cents: int, conversation: str) -> dict[str, Any]:
        told = {
            "TransactionAmount": cents / 100,
            "TransactionReceipt": request.receipt,
            "ReceiverPartyPublicName": f"{request.phone} - A MEMBER",
            "B2CUtilityAccountAvailableFunds": self.float_cents / 100,
        }
        return self._said(request, ResultCode=0, ConversationID=conversation, told=told)

    def _refusal(self, request: Request, conversation: str, code: int | str = 8) -> dict[str, Any]:
        return self._said(request, ResultCode=code, ConversationID=conversation)

    def _standing(self, ocid: str) -> dict[str, Any]:
        """What a status query finds at this moment."""
        request = self.requests.get(ocid)
        if not self._lucky(0.93):
            return self._said(request, ResultCode=self._chance.choice((17, 26)))
        lags = request is not None and self._now() - request.since < LAG_S and not self._lucky(0.5)
        if request is None or request.state == "turned down" or lags:
            return self._said(request, ResultCode=2032)
        words = {"queued": "Initiated", "paid": "Completed", "declined": "Declined"}
        told = {
            "CreditPartyName": f"{request.phone} - A MEMBER",
            "OriginatorConversationID": ocid,
            "TransactionStatus": words[request.state],
            "Amount": request.cents / 100,
            "ReceiptNo": request.receipt,
        }
        return self._said(request, ResultCode=0, told=told)

    def _said(
        self, request: Request | None, told: dict[str, Any] | None = None, **changes: Any
    ) -> dict[str, Any]:
        return {
            "Result": {
                "ResultType": 0,
                "ResultDesc": "said",
                "ResultParameters": {"ResultParameter": pairs(told or {})},
                **changes,
            }
        }

    # The post.

    def post(self, path: str, body: Callable[[], Any], *, at: float, copies: int = 1) -> None:
        """Write a letter to one of our doors."""
        self._numbers += 1
        self.letters.append(Letter(at, self._numbers, path, body, copies))

    def due_letters(self) -> list[Letter]:
        """Take out what is to be delivered by now, in any order."""
        due = [one for one in self.letters if self.kind or one.at <= self._now()]
        self.letters = [one for one in self.letters if one not in due]
        self._chance.shuffle(due)
        return due

    def _later(self, low: float, high: float) -> float:
        seconds = self._chance.uniform(low, high)
        if not self.kind and self._chance.random() < SLOW:
            seconds *= self._chance.choice((10, 100, 400))
        return self._now() + seconds

    def _lucky(self, often: float) -> bool:
        """Whether nothing goes wrong here."""
        return self._chance.random() < often or self.kind


def _error(status: int, code: str, text: str) -> Reply:
    body = {"requestId": "1", "errorCode": code, "errorMessage": text}
    return Reply(status, json.dumps(body).encode())
