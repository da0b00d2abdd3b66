"""What this machine takes for two things that every hop is made of, with nothing else running.

Figures of two runs are comparable only where these are alike.
"""

import socket
import statistics
import threading
import time
from collections.abc import Callable

from argon2 import PasswordHasher

HASHES = 20
ECHOES = 500
BYTES = 512
"""About what a callback's body and an answer's screen have."""


def pin_hash_ms() -> float:
    """One PIN hash of the strength that members' PINs have: most of a hop with a PIN."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
    known = hasher.hash("x")
    return _median_ms(lambda: hasher.verify(known, "x"), HASHES)


def echo_ms() -> float:
    """One request and its answer between two threads over loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=_answer, args=(server,))
        answering.start()
        with socket.create_connection(server.getsockname()) as caller:
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            took = _median_ms(lambda: _ask(caller), ECHOES)
        answering.join()
    return took


def _ask(caller: socket.socket) -> None:
    caller.sendall(b"x" * BYTES)
    caller.recv(BYTES, socket.MSG_WAITALL)


def _answer(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while asked := connection.recv(BYTES, socket.MSG_WAITALL):
            connection.sendall(asked)


def _median_ms(what: Callable[[], object], rounds: int) -> float:
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        what()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)
