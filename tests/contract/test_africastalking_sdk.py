"""The SMS adapter over real sockets, and the two private hooks of the SDK that it stands on.

If an upgrade of the SDK moves a hook, these tests fail before a message is lost.
"""

import importlib.metadata
import inspect
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from africastalking.Service import APIService, Service
from africastalking.SMS import SMSService

from app.config import load
from app.providers import africastalking
from app.providers.africastalking import Accepted, InDoubt, Rejected, Sms, SmsOutcome, TryLater
from tests.support.http_script import (
    Act,
    Drip,
    Hang,
    Reply,
    Reset,
    ScriptedServer,
    closed_port,
    scripted_server,
)

PATH = "/version1/messaging"
TO = "+254712345678"
TEXT = "BRZ7K2M9QX: KES 500.00 sent to M-PESA & more +"
HASTY_READ_S = 0.4


def recipient(code: Any, status: str = "Success", message_id: str | None = "ATXid_1") -> dict:  # type: ignore[type-arg]
    return {
        "number": TO,
        "statusCode": code,
        "status": status,
        "messageId": message_id,
        "cost": "KES 0.8000",
    }


def told(*recipients: Any, message: str = "Sent to 1/1 Total Cost: KES 0.8000") -> bytes:
    return json.dumps(
        {"SMSMessageData": {"Message": message, "Recipients": list(recipients)}}
    ).encode()


def created(body: bytes, content_type: str = "application/json") -> Reply:
    return Reply(201, body, content_type)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as started:
        yield started


def gateway(base_url: str, *, read_s: float = 10) -> Sms:
    return Sms(
        base_url=base_url,
        username="baraza",
        api_key="k3y",
        sender_id="BARAZA",
        read_timeout_s=read_s,
    )


@pytest.fixture
def sms(server: ScriptedServer) -> Iterator[Sms]:
    made = gateway(server.url)
    yield made
    made.close()


def test_the_pinned_version_is_installed() -> None:
    assert importlib.metadata.version("africastalking") == "2.0.3"


def test_the_hook_for_the_address_is_where_it_was() -> None:
    """`__init__` calls `_init_service`, and `_make_url` reads what that set."""
    assert issubclass(SMSService, APIService)
    assert issubclass(APIService, Service)
    assert "self._init_service()" in inspect.getsource(Service.__init__)
    assert "self._baseUrl + path" in inspect.getsource(Service._make_url)


def test_the_hook_for_http_takes_what_it_took() -> None:
    """`send` hands everything to `_make_request` by these names and returns what that returns."""
    names = list(inspect.signature(Service._make_request).parameters)
    assert names == ["self", "url", "method", "headers", "data", "params", "callback", "timeout"]
    assert "return self._make_request(" in inspect.getsource(SMSService.send)


def test_a_message_is_sent_as_the_gateway_reads_it(server: ScriptedServer, sms: Sms) -> None:
    """A form, by the account's key, from our sender; every character of the text arrives."""
    server.on(PATH, created(told(recipient(101))))
    assert Accepted("ATXid_1") == sms.send(to=TO, text=TEXT)
    (seen,) = server.seen(PATH)
    assert seen.method == "POST"
    assert seen.headers["apiKey"] == "k3y"
    assert seen.headers["Accept"] == "application/json"
    assert seen.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(seen.body.decode()) == {
        "username": ["baraza"],
        "to": [TO],
        "message": [TEXT],
        "bulkSMSMode": ["1"],
        "from": ["BARAZA"],
    }


def test_without_a_sender_the_gateways_own_is_used(server: ScriptedServer) -> None:
    settings = load({"AT_URL": server.url, "AT_USERNAME": "other", "AT_API_KEY": "secret"})
    server.on(PATH, created(told(recipient(100))))
    assert isinstance(Sms.from_settings(settings).send(to=TO, text="x"), Accepted)
    form = parse_qs(server.seen(PATH)[0].body.decode())
    assert "from" not in form
    assert form["username"] == ["other"]


ANSWERS: list[tuple[str, Act, SmsOutcome]] = [
    ("processed", created(told(recipient(100))), Accepted("ATXid_1")),
    ("queued", created(told(recipient(102))), Accepted("ATXid_1")),
    ("code as text", created(told(recipient("101"))), Accepted("ATXid_1")),
    ("charset", created(told(recipient(101)), "application/json; charset=utf-8"),
     Accepted("ATXid_1")),
    ("no id", created(told(recipient(101, message_id="None"))), Accepted(None)),
    ("null id", created(told(recipient(101, message_id=None))), Accepted(None)),
    ("risk", created(told(recipient(401, "RiskHold", "None"))),
     Rejected("401", "RiskHold", permanent=True)),
    ("sender", created(told(recipient(402, "InvalidSenderId"))),
     Rejected("402", "InvalidSenderId", permanent=True)),
    ("number", created(told(recipient(403, "InvalidPhoneNumber"))),
     Rejected("403", "InvalidPhoneNumber", permanent=True)),
    ("type", created(told(recipient(404, "UnsupportedNumberType"))),
     Rejected("404", "UnsupportedNumberType", permanent=True)),
    ("credit", created(told(recipient(405, "InsufficientBalance"))),
     TryLater("InsufficientBalance", out_of_credit=True)),
    ("blocked", created(told(recipient(406, "UserInBlacklist"))),
     Rejected("406", "UserInBlacklist", permanent=True)),
    ("route", created(told(recipient(407, "CouldNotRoute"))),
     Rejected("407", "CouldNotRoute", permanent=False)),
    ("disturb", created(told(recipient(409, ""))),
     Rejected("409", "DoNotDisturbRejection", permanent=True)),
    ("internal", created(told(recipient(500, "InternalServerError"))),
     TryLater("InternalServerError")),
    ("gateway", created(told(recipient(501, "GatewayError"))), TryLater("GatewayError")),
    ("rejected", created(told(recipient(502, "RejectedByGateway"))),
     Rejected("502", "RejectedByGateway", permanent=True)),
    ("unknown code", created(told(recipient(999, "New"))), InDoubt("unknown status code 999")),
    ("odd recipient", created(told("text")), InDoubt("unknown status code ")),
    ("no recipients", created(told(message="InvalidSenderId")),
     Rejected("402", "InvalidSenderId", permanent=True)),
    ("no recipients, no credit", created(told(message="InsufficientBalance")),
     TryLater("InsufficientBalance", out_of_credit=True)),
    ("no recipients, new reason", created(told(message="Not to 254712345678")),
     TryLater("Not to 0712***678")),
    ("no recipients, no reason", created(told(message="")),
     InDoubt("an answer without recipients and without a reason")),
    ("odd body", created(b'"text"'), InDoubt("an answer without recipients and without a reason")),
    ("no json", created(b"<SMSMessageData/>", "application/xml"),
     InDoubt("HTTP 201 without an answer that we know")),
    ("key", Reply(401, b"The supplied authentication is invalid", "text/plain"),
     TryLater("our key was refused")),
    ("rate", Reply(429, b""), TryLater("too many requests")),
    ("bad request", Reply(400, b"Bad number +254712345678", "text/plain"),
     Rejected("400", "Bad number 0712***678", permanent=True)),
    ("html 500", Reply(500, b"<html>", "text/html"),
     InDoubt("HTTP 500 without an answer that we know")),
    ("json 500", Reply(500, told(recipient(101))),
     InDoubt("HTTP 500 without an answer that we know")),
    ("redirect", Reply(302, headers={"Location": PATH}),
     InDoubt("HTTP 302 without an answer that we know")),
]  # fmt: skip


@pytest.mark.parametrize(("act", "outcome"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS])
def test_what_each_answer_means(
    server: ScriptedServer, sms: Sms, act: Act, outcome: SmsOutcome
) -> None:
    """Each is one request; none raises; no number stands in what is kept of it."""
    server.on(PATH, act)
    assert outcome == sms.send(to=TO, text=TEXT)
    assert len(server.seen(PATH)) == 1


@pytest.mark.parametrize(
    "act",
    [
        Hang(),
        Reset(),
        Reset(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{"),
        Drip(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n" + b" " * 500, every_s=0.02),
    ],
    ids=["hangs", "resets", "resets in the answer", "drips"],
)
def test_sent_without_an_answer_is_a_doubt(server: ScriptedServer, act: Act) -> None:
    """There is no idempotency key; it may be on the handset. The SDK alone waits on a drip."""
    server.on(PATH, act)
    began = time.monotonic()
    outcome = gateway(server.url, read_s=HASTY_READ_S).send(to=TO, text=TEXT)
    assert isinstance(outcome, InDoubt)
    assert time.monotonic() - began < HASTY_READ_S + 3
    assert len(server.seen(PATH)) == 1


def test_nobody_listens() -> None:
    """Nothing was sent, so it may be sent again."""
    away = gateway(f"http://127.0.0.1:{closed_port()}")
    assert TryLater("NewConnectionError") == away.send(to=TO, text=TEXT)


@pytest.mark.parametrize(
    "to", ["", "0712345678", "+254712345678\n", "+25471234567", "+44207946000"]
)
def test_what_is_no_kenyan_mobile_number_is_not_sent(
    server: ScriptedServer, sms: Sms, to: str
) -> None:
    """The SDK's own check lets a trailing newline pass."""
    assert isinstance(sms.send(to=to, text=TEXT), Rejected)
    assert server.seen(PATH) == []


def test_every_known_status_has_a_meaning() -> None:
    """A status cannot be rejected and accepted at once."""
    groups = [africastalking._ACCEPTED, africastalking._REJECTED, africastalking._TRY_LATER]
    assert sum(map(len, groups)) == len(set().union(*groups))


def test_nothing_secret_shows(sms: Sms) -> None:
    assert "k3y" not in repr(sms) + repr(vars(sms))
