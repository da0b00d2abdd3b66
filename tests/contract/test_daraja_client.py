"""The Daraja client over real sockets: what it sends, how often, and what answers mean to it."""

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.config import load
from app.db import Database
from app.providers import daraja as daraja_module
from app.providers.daraja import (
    BALANCE_PATH,
    PAY_PATH,
    STATUS_PATH,
    Accepted,
    BalanceRequest,
    Daraja,
    Duplicate,
    InDoubt,
    Mend,
    NotProcessed,
    NotSent,
    Outcome,
    PayRequest,
    Refused,
    StatusRequest,
)
from app.providers.tokens import TOKEN_PATH, Tokens
from tests.support import databases, safaricom
from tests.support.databases import Logins
from tests.support.http_script import (
    Act,
    Drip,
    Hang,
    Reply,
    Reset,
    ScriptedServer,
    Seen,
    closed_port,
    scripted_server,
)

OCID = "7f0c2d1e-5b7a-4c39-9a5e-2f6d8c1b0a47"
PASSWORD = "Initiator#Pass%1"
CONNECT_S = 5
HASTY_READ_S = 0.4
"""For tests that wait for it to pass. Others have time, also on a machine that is busy."""
PAY = PayRequest(
    ocid=OCID,
    msisdn="+254712345678",
    amount_cents=150_000,
    result_url="https://us.example/d/t0k3n/b2c/result/" + OCID,
    timeout_url="https://us.example/d/t0k3n/b2c/timeout/" + OCID,
)
ASK = StatusRequest(
    ocid=OCID,
    result_url="https://us.example/d/t0k3n/status/result/q1",
    timeout_url="https://us.example/d/t0k3n/status/timeout/q1",
)
ACK = Reply(
    body=json.dumps(
        {
            "ConversationID": "AG_20261123_0101001a7k3v9x2qmd5e",
            "OriginatorConversationID": OCID,
            "ResponseCode": "0",
            "ResponseDescription": "Accept the service request successfully.",
        }
    ).encode()
)
HTML = b"<html><body>Service unavailable</body></html>"


def error(status: int, code: str, text: str) -> Reply:
    return Reply(
        status,
        json.dumps({"requestId": "1-2-3", "errorCode": code, "errorMessage": text}).encode(),
    )


BAD_TOKEN = error(401, "401.002.01", "Error Occurred - Invalid Access Token - x")


def granted(value: str) -> Reply:
    return Reply(body=json.dumps({"access_token": value, "expires_in": "3599"}).encode())


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return safaricom.new_key()


@pytest.fixture(scope="module")
def certificate(key: rsa.RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return safaricom.write_certificate(tmp_path_factory.mktemp("certificate"), key)


@pytest.fixture(scope="module")
def module_db(database_server: Logins, database_template: str) -> Iterator[Database]:
    """One database for the whole file: all that is kept there is the token."""
    with databases.copy(database_server, database_template) as logins:
        database = Database(logins.application, name="tests")
        yield database
        database.close()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as started:
        started.on(TOKEN_PATH, granted("first"), granted("second"))
        yield started


def client(db: Database, base_url: str, certificate: Path, *, read_s: float = 10) -> Daraja:
    tokens = Tokens(
        db=db,
        base_url=base_url,
        consumer_key="key",
        consumer_secret="pass",
        encryption_key="k",
    )
    return Daraja(
        base_url=base_url,
        shortcode="3041257",
        initiator="barazaapi",
        initiator_password=PASSWORD,
        certificate=certificate,
        tokens=tokens,
        connect_timeout_s=CONNECT_S,
        read_timeout_s=read_s,
        calls_max=8,
    )


@pytest.fixture
def daraja(module_db: Database, server: ScriptedServer, certificate: Path) -> Iterator[Daraja]:
    made = client(module_db, server.url, certificate)
    yield made
    made.close()


@pytest.fixture
def hasty(module_db: Database, server: ScriptedServer, certificate: Path) -> Iterator[Daraja]:
    made = client(module_db, server.url, certificate, read_s=HASTY_READ_S)
    yield made
    made.close()


def sent(server: ScriptedServer, path: str = PAY_PATH) -> dict[str, Any]:
    (seen,) = server.seen(path)
    body: dict[str, Any] = json.loads(seen.body)
    return body


def test_a_payout_request_says_exactly_what_daraja_reads(
    server: ScriptedServer, daraja: Daraja, key: rsa.RSAPrivateKey
) -> None:
    """The field names are the contract, misspellings included; amounts are text, in shillings."""
    server.on(PAY_PATH, ACK)
    assert Accepted("AG_20261123_0101001a7k3v9x2qmd5e") == daraja.pay(PAY)
    body = sent(server)
    sealed = base64.b64decode(body.pop("SecurityCredential"))
    assert key.decrypt(sealed, padding.PKCS1v15()).decode() == PASSWORD
    assert body == {
        "OriginatorConversationID": OCID,
        "InitiatorName": "barazaapi",
        "CommandID": "BusinessPayment",
        "Amount": "1500",
        "PartyA": "3041257",
        "PartyB": "254712345678",
        "Remarks": "Savings withdrawal",
        "QueueTimeOutURL": PAY.timeout_url,
        "ResultURL": PAY.result_url,
    }
    headers = server.seen(PAY_PATH)[0].headers
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"].startswith("Bearer ")


def test_a_status_query_says_exactly_what_daraja_reads(
    server: ScriptedServer, daraja: Daraja
) -> None:
    """`Initiator` without Name, `Original` without -or: the payout's id under its odd name."""
    server.on(STATUS_PATH, ACK)
    assert isinstance(daraja.ask(ASK), Accepted)
    body = sent(server, STATUS_PATH)
    assert len(base64.b64decode(body.pop("SecurityCredential"))) == 256
    assert body == {
        "Initiator": "barazaapi",
        "CommandID": "TransactionStatusQuery",
        "TransactionID": "",
        "OriginalConversationID": OCID,
        "PartyA": "3041257",
        "IdentifierType": "4",
        "ResultURL": ASK.result_url,
        "QueueTimeOutURL": ASK.timeout_url,
        "Remarks": "Payout check",
        "Occasion": "",
    }


def test_a_balance_query_says_exactly_what_daraja_reads(
    server: ScriptedServer, daraja: Daraja
) -> None:
    server.on(BALANCE_PATH, ACK)
    request = BalanceRequest(
        result_url="https://us.example/d/t0k3n/balance/result/q1",
        timeout_url="https://us.example/d/t0k3n/balance/timeout/q1",
    )
    assert isinstance(daraja.balance(request), Accepted)
    assert "t0k3n" not in repr(request)
    body = sent(server, BALANCE_PATH)
    assert len(base64.b64decode(body.pop("SecurityCredential"))) == 256
    assert body == {
        "Initiator": "barazaapi",
        "CommandID": "AccountBalance",
        "PartyA": "3041257",
        "IdentifierType": "4",
        "ResultURL": request.result_url,
        "QueueTimeOutURL": request.timeout_url,
        "Remarks": "Float check",
    }


ROWS: list[tuple[str, Act, type[Outcome]]] = [
    ("invalid field", error(400, "400.002.02", "Bad Request - Invalid Amount"), Refused),
    ("duplicate", error(500, "500.002.1001", "Duplicate OriginatorConversationID."), Duplicate),
    ("internal error", error(500, "500.002.1001", "System internal error."), InDoubt),
    ("busy", error(500, "500.003.02", "System is busy. Please try again."), InDoubt),
    ("spike", error(500, "500.003.02", "Error Occurred: Spike Arrest Violation"), NotProcessed),
    ("too many", Reply(429, b""), NotProcessed),
    ("firewall", Reply(403, HTML, "text/html"), NotProcessed),
    ("wrong path", error(404, "404.001.01", "Resource not found"), NotProcessed),
    ("html 503", Reply(503, HTML, "text/html"), InDoubt),
    ("html 200", Reply(200, HTML, "text/html"), InDoubt),
    ("empty 200", Reply(200, b""), InDoubt),
    ("no code 200", Reply(200, b'{"ConversationID": "AG_1"}'), InDoubt),
    ("error in 200", Reply(200, b'{"errorCode": "500.001.1001"}'), InDoubt),
    ("reset", Reset(), InDoubt),
    ("reset in answer", Reset(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"Resp'), InDoubt),
    ("endless", Reply(200, b" " * 200_000 + ACK.body), InDoubt),
    ("redirect", Reply(307, b"", headers={"Location": PAY_PATH + "/again"}), InDoubt),
]


SILENT: dict[str, Act] = {
    "hangs": Hang(),
    "answers late": Reply(200, ACK.body, after_s=HASTY_READ_S * 3),
    "drips": Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b" " * 500, 0.02),
}


@pytest.mark.parametrize(("act", "outcome"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_one_payout_is_one_request_whatever_comes_back(
    server: ScriptedServer, daraja: Daraja, act: Act, outcome: type[Outcome]
) -> None:
    """Hidden retries are how members are paid twice. Counted where the requests arrive."""
    server.on(PAY_PATH, act, ACK)
    assert outcome is type(daraja.pay(PAY))
    assert len(server.seen(PAY_PATH)) == 1
    assert server.seen(PAY_PATH + "/again") == []


@pytest.mark.parametrize("act", SILENT.values(), ids=SILENT.keys())
def test_silence_is_a_doubt_after_one_request_and_in_time(
    server: ScriptedServer, hasty: Daraja, act: Act
) -> None:
    """The lease is computed from `call_s_max`; a server that drips may not stretch it."""
    server.on(PAY_PATH, act, ACK)
    began = time.monotonic()
    assert isinstance(hasty.pay(PAY), InDoubt)
    longest = daraja_module.call_s_max(connect_s=CONNECT_S, read_s=HASTY_READ_S)
    assert time.monotonic() - began < HASTY_READ_S + 3 < longest
    assert len(server.seen(PAY_PATH)) == 1


def test_a_stale_connection_is_a_doubt(server: ScriptedServer, daraja: Daraja) -> None:
    """The reused connection breaks after the request left: it may have been worked."""
    server.on(PAY_PATH, ACK, Reset(), ACK)
    assert isinstance(daraja.pay(PAY), Accepted)
    assert isinstance(daraja.pay(PAY), InDoubt)
    assert len(server.seen(PAY_PATH)) == 2


def test_a_refused_token_is_renewed_once_and_the_call_made_again(
    database_url: str, server: ScriptedServer, certificate: Path
) -> None:
    """A refused token proves that the request was not looked at."""
    db = Database(database_url)
    server.on(PAY_PATH, BAD_TOKEN, ACK)
    assert isinstance(client(db, server.url, certificate).pay(PAY), Accepted)
    db.close()
    assert [s.headers["Authorization"] for s in server.seen(PAY_PATH)] == [
        "Bearer first",
        "Bearer second",
    ]
    bodies = [json.loads(s.body) for s in server.seen(PAY_PATH)]
    assert bodies[0] == bodies[1]


def test_a_token_that_is_refused_again_is_given_up(
    database_url: str, server: ScriptedServer, certificate: Path
) -> None:
    db = Database(database_url)
    server.on(PAY_PATH, BAD_TOKEN)
    outcome = client(db, server.url, certificate).pay(PAY)
    db.close()
    assert isinstance(outcome, NotProcessed)
    assert outcome.retry is Mend.TOKEN
    assert (len(server.seen(PAY_PATH)), len(server.seen(TOKEN_PATH))) == (2, 2)


def test_a_doubt_after_the_renewed_token_is_a_doubt(
    database_url: str, server: ScriptedServer, certificate: Path
) -> None:
    """The second request may have been taken, whatever the first one heard."""
    db = Database(database_url)
    server.on(PAY_PATH, BAD_TOKEN, Reset())
    assert isinstance(client(db, server.url, certificate).pay(PAY), InDoubt)
    db.close()
    assert len(server.seen(PAY_PATH)) == 2


def test_without_the_product_no_token_is_renewed(server: ScriptedServer, daraja: Daraja) -> None:
    """A new token would end the one that other calls use, and mend nothing."""
    server.on(PAY_PATH, error(401, "401.002.01", "Invalid API call as no apiproduct match found"))
    outcome = daraja.pay(PAY)
    assert isinstance(outcome, NotProcessed)
    assert outcome.retry is Mend.CONFIG
    assert len(server.seen(PAY_PATH)) == 1


def test_eight_calls_at_once_with_a_dead_token_renew_it_once(
    database_url: str, server: ScriptedServer, certificate: Path
) -> None:
    """All of them are taken at the second try, with one new token."""

    def knows_the_second(seen: Seen) -> Act:
        return ACK if seen.headers["Authorization"] == "Bearer second" else BAD_TOKEN

    db = Database(database_url)
    server.judge(PAY_PATH, knows_the_second)
    daraja = client(db, server.url, certificate)
    requests = [replace(PAY, ocid=f"{OCID}-{n}") for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(daraja.pay, requests))
    db.close()
    assert {Accepted} == {type(o) for o in outcomes}
    assert len(server.seen(TOKEN_PATH)) == 2


def test_without_a_token_nothing_is_sent(
    database_url: str, server: ScriptedServer, certificate: Path
) -> None:
    server.on(TOKEN_PATH, Reply(500, HTML, "text/html"))
    db = Database(database_url)
    assert isinstance(client(db, server.url, certificate).pay(PAY), NotSent)
    db.close()
    assert server.seen(PAY_PATH) == []


def test_without_a_certificate_nothing_is_sent(
    module_db: Database, server: ScriptedServer, tmp_path: Path, certificate: Path
) -> None:
    """And once it is there, calls go out without a restart."""
    server.on(PAY_PATH, ACK)
    missing = tmp_path / "safaricom.pem"
    daraja = client(module_db, server.url, missing)
    assert isinstance(daraja.pay(PAY), NotSent)
    missing.write_text("no certificate")
    assert isinstance(daraja.pay(PAY), NotSent)
    assert server.seen(PAY_PATH) == []
    missing.write_bytes(certificate.read_bytes())
    assert isinstance(daraja.pay(PAY), Accepted)


def test_nobody_listens(
    module_db: Database, server: ScriptedServer, daraja: Daraja, certificate: Path
) -> None:
    """Refused connections are the one network fault that proves something."""
    server.on(PAY_PATH, ACK)
    daraja.pay(PAY)  # so that there is a token
    away = client(module_db, f"http://127.0.0.1:{closed_port()}", certificate)
    assert NotSent("NewConnectionError") == away.pay(PAY)


def test_a_call_whose_token_took_too_long_is_not_begun(
    server: ScriptedServer, daraja: Daraja, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daraja_module, "PREPARE_S_MAX", -1)
    server.on(PAY_PATH, ACK)
    assert isinstance(daraja.pay(PAY), NotSent)
    assert server.seen(PAY_PATH) == []


def test_nothing_secret_or_personal_shows(daraja: Daraja) -> None:
    shown = " ".join(map(repr, (PAY, ASK, daraja, vars(daraja))))
    for secret in ("254712345678", "t0k3n", PASSWORD, "a2V5OnBhc3M="):
        assert secret not in shown


def test_the_settings_make_a_client(
    module_db: Database, server: ScriptedServer, certificate: Path
) -> None:
    """Every setting of Daraja arrives where it is used."""
    settings = load(
        {
            "DARAJA_URL": server.url,
            "DARAJA_SHORTCODE": "600123",
            "DARAJA_INITIATOR": "somebody",
            "DARAJA_CERTIFICATE": str(certificate),
        }
    )
    server.on(PAY_PATH, ACK)
    assert isinstance(Daraja.from_settings(settings, module_db).pay(PAY), Accepted)
    body = sent(server)
    assert (body["PartyA"], body["InitiatorName"]) == ("600123", "somebody")
