"""The messaging API, its delivery reports, and the inboxes of all phones."""

import hmac
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from app.msisdn import is_e164
from app.sandbox.africastalking.behaviours import (
    ACCEPTED,
    STATUS_NAMES,
    Behaviour,
    by_text,
    resolve,
)
from app.sandbox.africastalking.phones import FORM, SAFARICOM, read_phone
from app.sandbox.courier import Courier, Post
from app.sandbox.faults import Faults
from app.sandbox.process import DEVELOPMENT_SECRET
from app.sandbox.store import Store
from app.sandbox.web import TEXT, Reply, Request, Route, as_json, refuse, spoil

PRICE = "KES 0.8000"
DEFAULT_SENDER = "AFRICASTKNG"
INVALID_NUMBER = 403
_INVALID_KEY = Reply(HTTPStatus.UNAUTHORIZED, b"The supplied authentication is invalid", TEXT)


@dataclass(frozen=True, slots=True)
class Customer:
    """The one customer of this gateway. The key comes from the environment, never as argument."""

    username: str
    api_key: str = field(repr=False)

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> "Customer":
        """From the same settings that Baraza reads."""
        return cls(
            username=environment.get("AT_USERNAME", "sandbox"),
            api_key=environment.get("AT_API_KEY", DEVELOPMENT_SECRET),
        )


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one phone, as the gateway took it."""

    id: str
    phone: str


class Messaging:
    """Takes messages, keeps them in inboxes, and reports on them."""

    def __init__(
        self, *, store: Store, courier: Courier, faults: Faults, customer: Customer,
        delivery_url: str, delay_s: float, speed: float,
    ) -> None:  # fmt: skip
        self._store = store
        self._courier = courier
        self._faults = faults
        self._customer = customer
        self._delivery_url = delivery_url
        self._delay_s = delay_s
        self._speed = speed

    def routes(self) -> list[Route]:
        """Africa's Talking's real path, and the doors to what happened."""
        return [
            Route("POST", "/version1/messaging", self.send),
            Route("GET", "/handset/inbox", self.inbox),
            Route("GET", "/truth/calls", self.calls),
            Route("GET", "/truth/messages/{about}", self.message),
        ]

    def send(self, request: Request) -> Reply:
        """Take a message for one or more phones."""
        form = request.form
        key = request.headers.get("apikey", "")
        if not hmac.compare_digest(key.encode(), self._customer.api_key.encode()):
            return self._log("gate", "refused", _INVALID_KEY)
        if form.get("username") != self._customer.username:
            return self._log("gate", "refused", _INVALID_KEY)
        phones = [phone.strip() for phone in form.get("to", "").split(",") if phone.strip()]
        text = form.get("message", "")
        first = phones[0] if phones else ""
        choice = self._faults.choose(api="sms", msisdn=first, text=text)
        behaviour = resolve(choice or by_text(text), speed=self._speed)
        with self._store.transaction():
            taken = self._take(phones, form, behaviour)
            posts = [post for message in taken for post in self._reports(message, behaviour)]
            if not behaviour.before_answer:
                for post in posts:
                    self._courier.add(post)
            reply = behaviour.said or _answer(phones, taken, behaviour)
            self._log(behaviour.name, "accepted" if taken else "not_taken", reply)
        if behaviour.before_answer:
            for post in posts:
                self._courier.deliver_now(post)
        self._courier.wake()
        return spoil(reply, behaviour.how, behaviour.hang_s)

    def inbox(self, request: Request) -> Reply:
        """What a phone has got, oldest first; without `phone` that of all phones."""
        wanted = request.query.get("phone")
        if wanted is None:
            rows = self._store.rows("SELECT * FROM sms ORDER BY at, rowid")
        elif phone := read_phone(wanted):
            rows = self._store.rows("SELECT * FROM sms WHERE phone = ? ORDER BY at, rowid", phone)
        else:
            return refuse("'phone' is not a Kenyan mobile number")
        return as_json(
            [
                {**dict(row), "at": datetime.fromtimestamp(row["at"], UTC).isoformat()}
                for row in rows
            ]
        )

    def calls(self, _: Request) -> Reply:
        """How many sends there were, by outcome."""
        counted = {
            row["outcome"]: row["calls"]
            for row in self._store.rows(
                "SELECT outcome, count(*) AS calls FROM call GROUP BY outcome"
            )
        }
        return as_json({"sms": {"total": sum(counted.values()), **counted}})

    def message(self, _: Request, about: str) -> Reply:
        """Every delivery report about a message, and our side's answers to them."""
        return as_json({"id": about, "reports": self._courier.record(about)})

    def _take(
        self, phones: list[str], form: Mapping[str, str], behaviour: Behaviour
    ) -> list[Message]:
        """Put the message into the inboxes of the phones that can have it."""
        if not behaviour.taken or behaviour.code not in ACCEPTED:
            return []
        status = "Success" if behaviour.delivered else "Failed"
        sender = form.get("from") or DEFAULT_SENDER
        taken = []
        for phone in phones:
            if is_e164(phone):
                message = Message(f"ATXid_{secrets.token_hex(16)}", phone)
                self._store.run(
                    "INSERT INTO sms VALUES (?, ?, ?, ?, ?, ?)",
                    message.id, time.time(), phone, sender, form.get("message", ""), status,
                )  # fmt: skip
                taken.append(message)
        return taken

    def _reports(self, message: Message, behaviour: Behaviour) -> list[Post]:
        posts = []
        for report in behaviour.reports:
            fields = {
                "id": message.id,
                "status": report.status,
                "phoneNumber": message.phone,
                "networkCode": SAFARICOM,
            }
            if report.status in {"Failed", "Rejected"}:
                fields["failureReason"] = behaviour.reason or "DeliveryFailure"
            posts.append(
                Post(
                    about=message.id,
                    kind=f"report_{report.status}",
                    url=self._delivery_url,
                    body=urlencode(fields),
                    content_type=FORM,
                    after_s=self._delay_s + report.after_s,
                )
            )
        return posts

    def _log(self, behaviour: str, outcome: str, reply: Reply) -> Reply:
        self._store.run(
            "INSERT INTO call (at, behaviour, outcome, http_status) VALUES (?, ?, ?, ?)",
            time.time(), behaviour, outcome, reply.status,
        )  # fmt: skip
        return reply


def _answer(phones: list[str], taken: list[Message], behaviour: Behaviour) -> Reply:
    """HTTP 201, which says nothing: each recipient has a code of its own."""
    ids = {message.phone: message.id for message in taken}
    recipients: list[dict[str, Any]] = []
    for phone in phones if behaviour.recipients else []:
        code = behaviour.code if is_e164(phone) else INVALID_NUMBER
        recipients.append(
            {
                "statusCode": code,
                "number": phone,
                "status": STATUS_NAMES.get(code, "Unknown"),
                "cost": PRICE if phone in ids else "0",
                "messageId": ids.get(phone, "None"),
            }
        )
    summary = f"Sent to {len(taken)}/{len(phones)} Total Cost: {PRICE if taken else '0'}"
    data = {"Message": behaviour.reason or summary, "Recipients": recipients}
    body = json.dumps({"SMSMessageData": data}).encode()
    return Reply(HTTPStatus.CREATED, body, behaviour.content_type)
