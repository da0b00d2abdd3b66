"""Every synchronous answer that Daraja is known to give, and what it proves about its call."""

import json

import pytest

from app.providers.daraja_answers import read_answer
from app.providers.daraja_outcomes import (
    Accepted,
    Duplicate,
    InDoubt,
    Mend,
    NotProcessed,
    Refused,
)


def gateway(code: str, text: str) -> bytes:
    return json.dumps({"requestId": "5c1e-4ba8", "errorCode": code, "errorMessage": text}).encode()


def fault(code: str, text: str = "Rate limit") -> bytes:
    return json.dumps({"fault": {"faultstring": text, "detail": {"errorcode": code}}}).encode()


SPIKE = "policies.ratelimit.SpikeArrestViolation"
QUOTA = "policies.ratelimit.QuotaViolation"
NO_PRODUCT = "Error Occurred - Invalid Access Token - Invalid API call as no apiproduct match found"
SOAP = json.dumps({"Envelope": {"Body": {"Fault": {"faultstring": "Duplicate"}}}}).encode()
HTML = b"<html><body>Gateway</body></html>"

TURNED_AWAY = [
    (401, gateway("401.002.01", "Error Occurred - Invalid Access Token - abc"), Mend.TOKEN),
    (401, gateway("401.003.01", "Invalid token"), Mend.TOKEN),
    (401, gateway("401.001", "Invalid token"), Mend.TOKEN),
    (401, b"", Mend.TOKEN),
    (401, gateway("401.002.01", NO_PRODUCT), Mend.CONFIG),
    (404, gateway("404.001.03", "Invalid Access Token"), Mend.TOKEN),
    (400, gateway("400.003.01", "Invalid Access Token"), Mend.TOKEN),
    (400, gateway("400.002.02", "Bad Request - Invalid Access Token"), Mend.TOKEN),
    (404, gateway("404.001.01", "Resource not found"), Mend.CONFIG),
    (404, gateway("404.002.01", "Resource not found"), Mend.CONFIG),
    (404, gateway("404.003.01", "Resource not found"), Mend.CONFIG),
    (404, gateway("404.001.04", "Invalid Authentication Header"), Mend.CONFIG),
    (404, HTML, Mend.CONFIG),
    (405, gateway("405.001", "Method Not Allowed"), Mend.CONFIG),
    (403, HTML, Mend.CONFIG),
    (429, b"", Mend.RATE),
    (429, fault(SPIKE), Mend.RATE),
    (429, fault(QUOTA), Mend.RATE),
    (500, fault(SPIKE), Mend.RATE),
    (500, fault(QUOTA), Mend.RATE),
    (500, gateway("500.003.02", "Error Occurred: Spike Arrest Violation"), Mend.RATE),
    (500, gateway("500.003.03", "Quota Violation"), Mend.RATE),
]
REFUSED = [
    (400, gateway("400.002.02", "Bad Request - Invalid Amount")),
    (400, gateway("400.002.02", "Bad Request -  Invalid PartyB")),
    (400, gateway("400.002.05", "Invalid Request Payload")),
    (400, gateway("400.003.02", "Bad Request")),
]
DOUBTFUL = [
    (500, gateway("500.002.1001", "System internal error.")),
    (500, gateway("500.002.1001", "Service is currently under maintenance. Please try again")),
    (500, gateway("500.001.1001", "Duplicate OriginatorConversationID.")),
    (500, gateway("500.001.1001", "Wrong credentials")),
    (500, gateway("500.003.1001", "Internal Server Error")),
    (500, gateway("500.003.02", "System is busy. Please try again in few minutes.")),
    (500, SOAP),
    (500, HTML),
    (500, b""),
    (502, HTML),
    (503, gateway("500.003.03", "Quota Violation")),
    (504, b""),
    (400, b""),
    (400, HTML),
    (400, gateway("400.999.99", "Bad Request")),
    (400, gateway("400.002.02", "Bad Request - Duplicate OriginatorConversationID")),
    (200, HTML),
    (200, b""),
    (200, b"{}"),
    (200, b"[]"),
    (200, b'"0"'),
    (200, b'{"ResponseCode": null}'),
    (200, b'{"ResponseCode": false}'),
    (200, b'{"ResponseCode": "1"}'),
    (200, gateway("400.002.02", "Bad Request - Invalid Amount")),
    (200, b'{"ResponseCode": "0", "errorCode": "500.001.1001"}'),
    (302, b""),
    (100, b""),
    (599, b"\xff\xfe"),
    pytest.param(500, b"[" * 100_000, id="deep"),
]


@pytest.mark.parametrize(("status", "body", "mend"), TURNED_AWAY)
def test_turned_away_at_the_gate(status: int, body: bytes, mend: Mend) -> None:
    """The core never saw these calls; the row says what must change before the next one."""
    outcome = read_answer(status, body)
    assert isinstance(outcome, NotProcessed)
    assert (status, mend) == (outcome.http_status, outcome.retry)


@pytest.mark.parametrize(("status", "body"), REFUSED)
def test_refused_for_what_it_says(status: int, body: bytes) -> None:
    """M-PESA read the call and named what is wrong with it."""
    told = json.loads(body)
    assert Refused(status, told["errorCode"], told["errorMessage"]) == read_answer(status, body)


@pytest.mark.parametrize(("status", "body"), DOUBTFUL)
def test_everything_else_is_a_doubt(status: int, body: bytes) -> None:
    """Not one of these may be taken for a refusal: the payout may be on its way."""
    outcome = read_answer(status, body)
    assert isinstance(outcome, InDoubt)
    assert status == outcome.http_status
    assert outcome.reason


@pytest.mark.parametrize(
    "text",
    [
        "Duplicate OriginatorConversationID.",
        "duplicate  originatorconversationid",
        "Error Occurred: Duplicate OriginatorConversationID",
    ],
)
def test_a_duplicate_is_known_by_code_and_text(text: str) -> None:
    """The same code with another text is an internal error."""
    assert Duplicate() == read_answer(500, gateway("500.002.1001", text))


@pytest.mark.parametrize("code", ["0", 0, "00000000", " 0 "])
def test_accepted_with_any_zero(code: object) -> None:
    body = json.dumps({"ConversationID": "AG_20261123_01", "ResponseCode": code}).encode()
    assert Accepted("AG_20261123_01") == read_answer(200, body)


def test_accepted_without_an_id_is_accepted_all_the_same() -> None:
    """A missing ConversationID must not turn an accepted payout into a failed one."""
    assert Accepted(None) == read_answer(200, b'{"ResponseCode": "0", "ConversationID": ""}')


def test_numbers_in_error_texts_are_masked() -> None:
    """Error texts are stored and logged."""
    outcome = read_answer(400, gateway("400.002.02", "Invalid PartyB 254712345678"))
    assert isinstance(outcome, Refused)
    assert outcome.text == "Invalid PartyB 0712***678"
