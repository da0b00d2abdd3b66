"""A small HTTP server whose answers can go wrong on purpose: hang, break off, come in drips.

Standard library only, so that a sandbox stays small; a framework would also hide the socket, which
is what the faults need.
"""

import json
import re
import select
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

BODY_BYTES_MAX = 65_536
CONNECTIONS_WAITING_MAX = 512
DRIP_SECONDS = 1.0
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"


class How(StrEnum):
    """In which way an answer reaches the caller, if it does."""

    WHOLE = "whole"
    HANG = "hang"
    """Silence for `seconds`, then the connection is closed without an answer."""
    LATE = "late"
    """Silence for `seconds`, then the whole answer."""
    RESET = "reset"
    """The connection is torn down without a byte of answer."""
    CUT = "cut"
    """Torn down in the middle of the body."""
    DRIP = "drip"
    """One byte of the body a second."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    how: How = How.WHOLE
    seconds: float = 0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One HTTP request, read completely."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @cached_property
    def json(self) -> Any:
        """The body as JSON, or None if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @cached_property
    def form(self) -> dict[str, str]:
        """The body as form fields, decoded once. The last of repeated fields counts."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Route:
    """Which function answers which requests. `{name}` in the path is passed by name."""

    method: str
    path: str
    answer: Callable[..., Reply]

    def match(self, path: str) -> dict[str, str] | None:
        """The path's named parts, or None if this route is not meant."""
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path), path)
        return found.groupdict() if found else None


def as_json(value: object, status: int = HTTPStatus.OK) -> Reply:
    """An answer in JSON."""
    return Reply(status, json.dumps(value).encode())


def refuse(sentence: str, status: int = HTTPStatus.BAD_REQUEST) -> Reply:
    """A door of the sandbox itself says no, with a sentence for the person at it."""
    return as_json({"error": sentence}, status)


class Server(ThreadingHTTPServer):
    """Listens on loopback; one thread a connection, none of which keeps the process alive."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = CONNECTIONS_WAITING_MAX

    def __init__(self, port: int, routes: Sequence[Route]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.routes = routes

    @property
    def url(self) -> str:
        """Where this server is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, request: Request) -> Reply:
        """What to say to a request. A fault of ours is shown whole: this is a test tool."""
        try:
            for route in self.routes:
                parts = route.match(request.path) if route.method == request.method else None
                if parts is not None:
                    return route.answer(request, **parts)
        except Exception:  # noqa: BLE001 - one broken request must not end the sandbox
            traceback.print_exc()
            return Reply(500, traceback.format_exc().encode(), TEXT)
        return refuse(f"the sandbox has no {request.method} {request.path}", HTTPStatus.NOT_FOUND)

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that hang up are daily business here; anything else is printed."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    timeout = 300
    server: Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_BYTES_MAX:
            self.close_connection = True
            self._send(refuse("the body is too long", HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
            return
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        self._deliver(self.server.answer(request))

    do_GET = do_POST = do_DELETE = do_PUT = _serve  # noqa: N815 - names of the standard library

    def _deliver(self, reply: Reply) -> None:
        match reply.how:
            case How.HANG:
                self._silence(reply.seconds)
                self.close_connection = True
            case How.LATE:
                self._silence(reply.seconds)
                self._send(reply)
            case How.RESET:
                self._tear_down()
            case How.CUT:
                self._send(reply, bytes_sent=len(reply.body) // 2)
                self._tear_down()
            case How.DRIP:
                self._send(reply, bytes_sent=0)
                for byte in reply.body:
                    self.wfile.write(bytes((byte,)))
                    self.wfile.flush()
                    time.sleep(DRIP_SECONDS)
            case _:
                self._send(reply)

    def _send(self, reply: Reply, *, bytes_sent: int | None = None) -> None:
        self.send_response(reply.status)
        if reply.content_type:
            self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body[:bytes_sent])
        self.wfile.flush()

    def _silence(self, seconds: float) -> None:
        """Say nothing, but notice when the caller has given up."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            readable, _, _ = select.select([self.connection], [], [], left)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionAbortedError
            if readable:  # more bytes of the caller's: they wait, and so do we
                time.sleep(min(left, 0.1))

    def _tear_down(self) -> None:
        """Close so that the caller's kernel reports a reset instead of an orderly end."""
        linger_zero = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_zero)
        self.connection.close()
        raise ConnectionAbortedError

    def version_string(self) -> str:
        """What the Server header says."""
        return "sandbox"

    def log_message(self, *_: object) -> None:
        """Nothing: bodies and paths carry phone numbers and secrets."""


def spoil(reply: Reply, how: How, seconds: float = 0) -> Reply:
    """The same answer, delivered in another way."""
    return replace(reply, how=how, seconds=seconds)
