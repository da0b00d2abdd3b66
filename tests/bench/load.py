"""Hops that are due at fixed moments, whether or not the last one is answered: an open loop.

Each is timed from the moment when it was due. So a stall counts for every hop that it delays.
"""

import http.client
import threading
import time
from collections import defaultdict, deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlencode

from app.config import Settings
from tests.bench.journeys import Members, Session
from ussd_menus.gsm7 import septets
from ussd_menus.rendering import SEPTETS_MAX

CONNECTIONS = 16
TIMEOUT_S = 10
HTTP_OK = 200


@dataclass
class Timed:
    """What came of the hops so far."""

    by_screen: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Milliseconds of each hop, by the screen that it led to."""
    no_screen: int = 0


class Load:
    """Sends hops when they are due, over connections that stay open until it is closed."""

    def __init__(self, settings: Settings, members: Members, *, rate: float) -> None:
        self._port = settings.port
        self._path = f"/ussd/{settings.door_token('ussd')}"
        self._service_code = settings.ussd_service_codes[0]
        self._members = members
        self._rate = rate
        self._ready: deque[Session] = deque()
        self._mine = threading.local()
        self._connections: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self.timed = Timed()

    def run(self, seconds: float) -> float:
        """Send for so long; the seconds until the last answer."""
        began = time.monotonic()
        sent: list[Future[None]] = []
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            for number in range(round(self._rate * seconds)):
                due = began + number / self._rate
                time.sleep(max(0, due - time.monotonic()))
                session = self._next()
                sent.append(pool.submit(self._hop, session, session.next_text(), due))
        for hop in sent:
            hop.result()  # a mistake of the bench's own must not pass for a fast hop
        return time.monotonic() - began

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections:
            connection.close()

    def _next(self) -> Session:
        """A member who looks at a screen goes on; where nobody does, the next one dials."""
        with self._lock:
            return self._ready.popleft() if self._ready else self._members.begin()

    def _hop(self, session: Session, text: str, due: float) -> None:
        try:
            screen, body = self._post(session, text)
        except (OSError, http.client.HTTPException) as broken:
            screen, body = type(broken).__name__, ""
            self._connection().close()  # it opens anew with the next hop
        took_ms = (time.monotonic() - due) * 1000
        is_screen = body[:4] in {"CON ", "END "} and septets(body[4:]) <= SEPTETS_MAX
        with self._lock:
            self.timed.by_screen[screen].append(took_ms)
            if not is_screen or screen.startswith("notice."):
                self.timed.no_screen += 1
            elif body.startswith("CON ") and not session.is_over:
                self._ready.append(session)

    def _post(self, session: Session, text: str) -> tuple[str, str]:
        """The screen's name and the answer. What is not HTTP 200 has its status for a name."""
        fields = {
            "sessionId": session.id,
            "phoneNumber": session.msisdn,
            "networkCode": "63902",
            "serviceCode": self._service_code,
            "text": text,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection = self._connection()
        connection.request("POST", self._path, urlencode(fields), headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        if answer.status != HTTP_OK:
            return f"HTTP {answer.status}", ""
        return answer.getheader("at-ussd-hop-metadata", "none"), body

    def _connection(self) -> http.client.HTTPConnection:
        """This thread's own."""
        if not hasattr(self._mine, "connection"):
            made = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
            self._mine.connection = made
            with self._lock:
                self._connections.append(made)
        found = self._mine.connection
        assert isinstance(found, http.client.HTTPConnection)
        return found
