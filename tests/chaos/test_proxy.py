"""The bad line does what it is told: otherwise its faults would prove nothing."""

import socket
import socketserver
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.chaos.proxy import DELAY_S, Line, Proxy, proxied


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while said := self.request.recv(1024):
            self.request.sendall(said)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    socketserver.ThreadingTCPServer.daemon_threads = True
    with (
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as echo,
        ThreadPoolExecutor(1) as pool,
    ):
        pool.submit(echo.serve_forever, 0.05)
        with proxied("127.0.0.1", echo.server_address[1]) as made:
            yield made
        echo.shutdown()


def _call(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=1)


def test_a_good_line_hands_on_and_a_slow_one_takes_its_time(proxy: Proxy) -> None:
    """Both ways are slow: the question and the answer."""
    with _call(proxy) as call:
        call.sendall(b"jambo")
        assert call.recv(10) == b"jambo"
        proxy.line = Line.DELAY
        began = time.monotonic()
        call.sendall(b"habari")
        assert call.recv(10) == b"habari"
        assert time.monotonic() - began >= 2 * DELAY_S


def test_a_cut_line_resets_what_is_open_and_what_comes(proxy: Proxy) -> None:
    """Until it is good again."""
    with _call(proxy) as call:
        call.sendall(b"jambo")
        assert call.recv(10) == b"jambo"
        proxy.line = Line.CUT
        with pytest.raises(ConnectionResetError):
            call.recv(10)
    # What comes may be cut while it connects, or just after.
    with pytest.raises(ConnectionResetError), _call(proxy) as call:
        call.recv(10)
    proxy.line = Line.GOOD
    with _call(proxy) as call:
        call.sendall(b"jambo")
        assert call.recv(10) == b"jambo"


def test_a_half_open_line_swallows_and_never_says_so(proxy: Proxy) -> None:
    """The worst of them: only the caller's own patience ends it."""
    proxy.line = Line.HALF_OPEN
    with _call(proxy) as call:
        call.sendall(b"jambo")
        call.settimeout(0.3)
        with pytest.raises(TimeoutError):
            call.recv(10)


def test_a_dripping_line_brings_all_of_it(proxy: Proxy) -> None:
    """In pieces, in order."""
    proxy.line = Line.DRIP
    sent = bytes(range(200))
    with _call(proxy) as call:
        call.sendall(sent)
        pieces: list[bytes] = []
        while sum(len(one) for one in pieces) < len(sent):
            pieces.append(call.recv(1024))
    assert b"".join(pieces) == sent
    assert len(pieces) > 1
