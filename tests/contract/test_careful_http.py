"""One request, sent at most once, that ends in time and says whether it left us."""

import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.providers.careful_http import (
    ANSWER_BYTES_MAX,
    Answer,
    CarefulHttp,
    Ending,
    NoAnswer,
    NothingLeft,
)
from tests.support.http_script import (
    Drip,
    Hang,
    Reply,
    Reset,
    ScriptedServer,
    closed_port,
    scripted_server,
)

HASTY_READ_S = 0.5
"""For tests that wait for it to pass. Others have time, also on a machine that is busy."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as started:
        yield started


@pytest.fixture
def http() -> Iterator[CarefulHttp]:
    client = CarefulHttp(connect_s=5, read_s=10)
    yield client
    client.close()


@pytest.fixture
def hasty() -> Iterator[CarefulHttp]:
    client = CarefulHttp(connect_s=5, read_s=HASTY_READ_S)
    yield client
    client.close()


def post(http: CarefulHttp, server: ScriptedServer) -> Ending:
    return http.post(server.url + "/pay", headers={}, body=b"{}")


def test_an_answer_is_an_answer_whatever_its_status(
    server: ScriptedServer, http: CarefulHttp
) -> None:
    server.on("/pay", Reply(500, b"broken"), Reply(200, b"fine"))
    assert Answer(500, b"broken") == post(http, server)
    assert Answer(200, b"fine") == post(http, server)


def test_connections_are_kept_alive(server: ScriptedServer, http: CarefulHttp) -> None:
    """A TLS handshake a payout would be the slowest part of it."""
    server.on("/pay", Reply(200, b"fine"))
    for _ in range(5):
        post(http, server)
    assert server.connections == 1


def test_nobody_listens(http: CarefulHttp) -> None:
    ending = http.post(f"http://127.0.0.1:{closed_port()}/pay", headers={}, body=b"{}")
    assert NothingLeft("NewConnectionError") == ending


def test_a_name_that_does_not_exist(http: CarefulHttp) -> None:
    ending = http.post("http://daraja.invalid/pay", headers={}, body=b"{}")
    assert isinstance(ending, NothingLeft)


def test_a_certificate_that_is_not_trusted(tmp_path: Path, http: CarefulHttp) -> None:
    """A failed handshake is before the request: nothing of it was sent."""
    with scripted_server(tls=_self_signed(tmp_path)) as server:
        server.on("/pay", Reply())
        ending = post(http, server)
        assert isinstance(ending, NothingLeft)
        assert server.seen("/pay") == []


@pytest.mark.parametrize(
    "act",
    [
        Hang(),
        Reset(),
        Reset(after=b"HTTP/1.1 200"),
        Reset(after=HEAD + b'{"Resp'),
        Reply(after_s=HASTY_READ_S * 4),
        Drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100, every_s=0.1),
        Drip(HEAD + b"x" * 500, every_s=0.02),
        Reply(200, b"x" * (ANSWER_BYTES_MAX + 1)),
        Reset(after=b"not HTTP at all\r\n\r\n"),
        Reset(after=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        Reset(after=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
    ],
    ids=["hangs", "resets", "resets-in-status", "resets-in-body", "late", "drips-headers",
         "drips-body", "too-long", "no-http", "bad-chunk", "bad-gzip"],
)  # fmt: skip
def test_sent_and_no_complete_answer_is_no_answer(
    server: ScriptedServer, hasty: CarefulHttp, act: Reply | Hang | Reset | Drip
) -> None:
    """Sent once, given up in time: a server that drips holds nobody longer than a silent one."""
    server.on("/pay", act)
    began = time.monotonic()
    ending = post(hasty, server)
    assert isinstance(ending, NoAnswer), ending
    assert time.monotonic() - began < HASTY_READ_S + 3
    assert len(server.seen("/pay")) == 1


def test_the_last_read_waits_no_longer_than_is_left(server: ScriptedServer) -> None:
    """A byte just before the end must not buy the server the whole time again."""
    server.on("/pay", Drip(HEAD, every_s=1.6))
    http = CarefulHttp(connect_s=5, read_s=2)
    began = time.monotonic()
    assert isinstance(post(http, server), NoAnswer)
    assert time.monotonic() - began < 3


def test_a_stale_connection_is_a_doubt_and_not_sent_again(
    server: ScriptedServer, http: CarefulHttp
) -> None:
    """The server may have worked the request before it closed the connection that we reused."""
    server.on("/pay", Reply(200, b"fine"), Reset())
    assert isinstance(post(http, server), Answer)
    assert isinstance(post(http, server), NoAnswer)
    assert (server.connections, len(server.seen("/pay"))) == (1, 2)


def test_a_connection_that_the_server_has_closed_is_not_used(
    server: ScriptedServer, http: CarefulHttp
) -> None:
    server.on("/pay", Reply(200, b"fine", close=True))
    for _ in range(3):
        assert isinstance(post(http, server), Answer)
        time.sleep(0.05)
    assert server.connections == 3


def test_redirects_are_answers(server: ScriptedServer, http: CarefulHttp) -> None:
    """Whoever redirects a payout is not followed."""
    server.on("/pay", Reply(307, headers={"Location": server.url + "/elsewhere"}))
    assert Answer(307, b"") == post(http, server)
    assert server.seen("/elsewhere") == []


def test_proxies_of_the_environment_are_not_used(
    server: ScriptedServer, http: CarefulHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would see credentials."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    server.on("/pay", Reply(200, b"fine"))
    assert isinstance(post(http, server), Answer)


def test_threads_share_one_client_and_keep_their_own_endings(
    server: ScriptedServer, http: CarefulHttp
) -> None:
    """One thread's doubt is no other thread's."""
    server.on("/breaks", Reset())
    server.on("/fine", Reply(200, b"fine", after_s=0.1))
    paths = ["/breaks", "/fine"] * 4
    with ThreadPoolExecutor(8) as pool:
        endings = list(pool.map(lambda p: http.post(server.url + p, headers={}, body=b"{}"), paths))
    assert [NoAnswer, Answer] * 4 == [type(e) for e in endings]


def test_a_call_that_connects_too_late_is_not_begun(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time-outs do not bound the resolver; by now somebody else may hold the lease."""
    resolve = socket.getaddrinfo

    def slowly(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.4)
        return resolve(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    server.on("/pay", Reply())
    ending = post(CarefulHttp(connect_s=0.3, read_s=HASTY_READ_S), server)
    assert isinstance(ending, NothingLeft)
    assert server.seen("/pay") == []


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "both.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
