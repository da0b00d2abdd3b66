"""A small HTTP server on a real socket that does, request by request, what a test wrote down.

Whatever was not written down is answered with 599, which no provider uses.
"""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HANG_S_MAX = 10
NOT_WRITTEN = 599


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer like this."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    after_s: float = 0
    close: bool = False
    """Close the connection afterwards without having said so."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Read the request and never answer."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Read the request, then break the connection off; after this much of an answer."""

    after: bytes = b""


@dataclass(frozen=True, slots=True)
class Drip:
    """Answer, one byte at a time."""

    raw: bytes
    every_s: float = 0.1


Act = Reply | Hang | Reset | Drip


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class ScriptedServer:
    """What a test talks to: `on(path, *acts)` or `judge(path, judgement)`, then `seen(path)`."""

    def __init__(self, httpd: ThreadingHTTPServer, scheme: str) -> None:
        self.url = f"{scheme}://127.0.0.1:{httpd.server_address[1]}"
        self.connections = 0
        self._lock = threading.Lock()
        self._acts: dict[str, list[Act]] = {}
        self._judges: dict[str, Callable[[Seen], Act]] = {}
        self._seen: list[Seen] = []
        self.over = threading.Event()

    def on(self, path: str, *acts: Act) -> None:
        """Do these in turn for requests to this path; the last one again and again."""
        self._acts[path] = list(acts)

    def judge(self, path: str, judgement: Callable[[Seen], Act]) -> None:
        """Do what this says about each request to this path."""
        self._judges[path] = judgement

    def seen(self, path: str) -> list[Seen]:
        """The requests to this path so far, in the order of their arrival."""
        with self._lock:
            return [s for s in self._seen if s.path.partition("?")[0] == path]

    def arrived(self, seen: Seen) -> Act:
        """Note a request and say what to do about it. For the handler."""
        path = seen.path.partition("?")[0]
        with self._lock:
            self._seen.append(seen)
            if path in self._judges:
                return self._judges[path](seen)
            acts = self._acts.get(path, [Reply(NOT_WRITTEN)])
            return acts.pop(0) if len(acts) > 1 else acts[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: ScriptedServer

    def setup(self) -> None:
        super().setup()
        self.script.connections += 1

    def _work(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        act = self.script.arrived(Seen(self.command, self.path, dict(self.headers), body))
        with suppress(OSError):  # the client may be gone by then, which is what is tested
            self._act(act)

    do_GET = do_POST = _work  # noqa: N815 - names that http.server looks for

    def _act(self, act: Act) -> None:
        match act:
            case Reply():
                time.sleep(act.after_s)
                self.send_response(act.status)
                self.send_header("Content-Type", act.content_type)
                self.send_header("Content-Length", str(len(act.body)))
                for name, value in act.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(act.body)
                self.close_connection = act.close
            case Hang():
                self.script.over.wait(HANG_S_MAX)
                self.close_connection = True
            case Reset():
                self.wfile.write(act.after)
                linger = struct.pack("ii", 1, 0)  # closing now sends a reset, not an end
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
                self.close_connection = True
            case Drip():
                for byte in act.raw:
                    if self.script.over.wait(act.every_s):
                        break
                    self.wfile.write(bytes([byte]))
                self.close_connection = True

    def log_message(self, *args: Any) -> None:
        """Say nothing: tests look at `seen`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *args: Any) -> None:
        """Broken connections are part of the script."""


@contextmanager
def scripted_server(*, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """A server on a free port of this machine, stopped at the end of the block."""
    handler = type("Handler", (_Handler,), {})
    httpd = _Server(("127.0.0.1", 0), handler)
    if tls:
        httpd.socket = tls.wrap_socket(httpd.socket, server_side=True)
    script = ScriptedServer(httpd, "https" if tls else "http")
    handler.script = script  # type: ignore[attr-defined]
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        script.over.set()
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def closed_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
