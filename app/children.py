"""What the supervisor runs: one-time tasks, and processes that are kept running."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

HEALTH_TIMEOUT_S = 2
STATUS_LINE_BYTES_MAX = 64


@dataclass(frozen=True, slots=True)
class Task:
    """A command that must succeed before the processes start."""

    name: str
    command: tuple[str, ...]
    as_owner: bool = False
    """Whether it gets the login that may migrate, as DATABASE_OWNER_URL."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process that is kept running."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    """On top of what every child gets: ours, and the addresses of the servers."""
    health_url: str = ""
    """Answers 200 over plain HTTP once the child is ready. Empty: ready when it runs."""
    port: int = 0
    """What it will listen on; checked before anything is started. 0: nothing."""
    host: str = "127.0.0.1"
    port_setting: str = "PORT"
    """The setting that moves the port, for the message when it is taken."""

    def port_is_free(self) -> bool:
        """Whether nobody listens where this child will."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            # As servers do: connections of the last run that still fade away are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError:
                return False
        return True

    def is_ready(self) -> bool:
        """Whether its health address answers 200.

        Spoken by hand: an HTTP client would cost the supervisor 5 MB for as long as it lives.
        """
        if not self.health_url:
            return True
        parts = urlsplit(self.health_url)
        host = parts.hostname or self.host
        try:
            with socket.create_connection((host, parts.port or 80), HEALTH_TIMEOUT_S) as line:
                line.sendall(f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
                answer = line.recv(STATUS_LINE_BYTES_MAX)
        except OSError:
            return False
        return answer.split(b" ")[1:2] == [b"200"]
