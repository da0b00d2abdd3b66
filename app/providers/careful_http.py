"""One HTTP request, sent at most once, that always ends in time and says whether it left us.

For money the difference between "not one byte was sent" and "sent, and no answer" is everything:
the first may be repeated, the second may have paid. Exceptions of HTTP libraries do not tell them
apart in every case (a TLS error can come before or after the request), so the connection itself
notes the moment when the first byte is handed to a socket.
"""

import http.client
import io
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import certifi
import urllib3
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

ANSWER_BYTES_MAX = 64 * 1024
_CHUNK_BYTES = 8 * 1024
_ALWAYS = {"Accept": "application/json", "Accept-Encoding": "identity"}
_BROKEN = (HTTPError, http.client.HTTPException, OSError, ValueError)
"""What networks and strange servers cause. A job's time-out is not among them and passes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The server answered, with any status."""

    status: int
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NothingLeft:
    """Not one byte of the request was handed to a connection."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The request left, wholly or in part, and no complete answer came in time."""

    reason: str


Ending = Answer | NothingLeft | NoAnswer


class CarefulHttp:
    """A keep-alive pool of connections that many threads may share.

    No retries, no redirects, no proxies from the environment, no cookies. `connect_s` bounds the
    time until the first byte leaves, `read_s` the time from there to the last byte of the answer,
    however slowly it drips.
    """

    def __init__(self, *, connect_s: float, read_s: float, connections_max: int = 8) -> None:
        self.connect_s = connect_s
        self.read_s = read_s
        self._pools = urllib3.PoolManager(
            maxsize=connections_max, cert_reqs="CERT_REQUIRED", ca_certs=certifi.where()
        )
        self._pools.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        self._timeout = urllib3.Timeout(connect=connect_s, read=read_s)

    def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str]) -> Ending:
        """Ask for a page."""
        return self._send("GET", f"{url}?{urlencode(params)}", headers, None)

    def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes | Mapping[str, Any]
    ) -> Ending:
        """Send bytes as they are, or a mapping as a form."""
        if isinstance(body, bytes):
            return self._send("POST", url, headers, body)
        form = {name: value for name, value in body.items() if value is not None}
        typed = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        return self._send("POST", url, typed, urlencode(form, doseq=True).encode())

    def close(self) -> None:
        """Close the connections that are kept alive."""
        self._pools.clear()

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Ending:
        call = _Call(begin_by=time.monotonic() + self.connect_s, answer_s=self.read_s)
        _thread.call = call
        try:
            # Past the manager's own way to send: that would parse the address anew and follow
            # redirects.
            parts = urlsplit(url)
            pool = self._pools.connection_from_host(parts.hostname, parts.port, parts.scheme)
            response = pool.urlopen(
                method,
                f"{parts.path}?{parts.query}" if parts.query else parts.path,
                body=body,
                headers={**_ALWAYS, **headers},
                retries=False,
                redirect=False,
                timeout=self._timeout,
                preload_content=False,
            )
            content = _read(response)
        except _BROKEN as broken:
            return _ended(call, _reason(broken))
        if content is None:
            return NoAnswer("answer too long")
        return Answer(response.status, content)


@dataclass(slots=True)
class _Call:
    """What the connection notes about the request of the present thread."""

    begin_by: float
    answer_s: float
    watched: bool = False
    begun: bool = False
    answer_by: float = 0.0


class _Thread(threading.local):
    call: _Call


_thread = _Thread()


def _ended(call: _Call, reason: str) -> NothingLeft | NoAnswer:
    # Without a note from our own connection class we know nothing, and that is a doubt.
    return NothingLeft(reason) if call.watched and not call.begun else NoAnswer(reason)


class _ConnectedTooLateError(OSError):
    """Connecting took so long that the caller may have given the work to somebody else."""


class _Watch:
    """Mixed into urllib3's connections: notes when the first byte leaves, bounds the answer."""

    sock: Any

    def connect(self) -> None:
        _thread.call.watched = True
        super().connect()  # type: ignore[misc]

    def send(self, data: Any) -> None:
        call = _thread.call
        if not call.begun:
            if self.sock is None:
                self.connect()
            if time.monotonic() > call.begin_by:
                raise _ConnectedTooLateError
            call.begun = True
            call.answer_by = time.monotonic() + call.answer_s
        super().send(data)  # type: ignore[misc]


class _BoundedResponse(http.client.HTTPResponse):
    """A response whose every read, of headers and body, ends at the call's deadline."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_Bounded(raw, sock, until=_thread.call.answer_by))


class _Bounded(io.RawIOBase):
    """A socket's reading side with a deadline for all reads together."""

    def __init__(self, raw: Any, sock: socket.socket, *, until: float) -> None:
        self._raw = raw
        self._sock = sock
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:  # a timeout of zero would mean "do not wait", not "too late"
            raise TimeoutError("the answer takes too long")
        self._sock.settimeout(left)
        taken: int | None = self._raw.readinto(buffer)
        return taken

    def close(self) -> None:
        self._raw.close()
        super().close()


class _WatchedHttp(_Watch, HTTPConnection):
    response_class = _BoundedResponse


class _WatchedHttps(_Watch, HTTPSConnection):
    response_class = _BoundedResponse


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHttp


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHttps


def _read(response: urllib3.BaseHTTPResponse) -> bytes | None:
    """The body, or None if it is longer than anything a provider has to say."""
    content = b""
    try:
        for chunk in response.stream(_CHUNK_BYTES, decode_content=True):
            content += chunk
            if len(content) > ANSWER_BYTES_MAX:
                response.close()
                return None
    except _BROKEN:
        response.close()
        raise
    response.release_conn()
    return content


def _reason(broken: Exception) -> str:
    """The innermost error's name. Never its text, which may hold addresses with tokens."""
    inner: object = broken
    while isinstance(inner, Exception):
        name = type(inner).__name__
        deeper = (getattr(inner, "reason", None), *inner.args)
        inner = next((e for e in deeper if isinstance(e, Exception)), None)
    return name
