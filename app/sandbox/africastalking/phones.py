"""Handsets: people who dial, reply, hang up, and the network between them and Baraza.

Sessions live in memory only, as they do at a telco; they hold what people typed, PINs included.
"""

import contextlib
import secrets
import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from app import msisdn
from app.sandbox import courier
from app.sandbox.courier import Answer
from app.sandbox.web import Reply, Request, Route, as_json, refuse

FORM = "application/x-www-form-urlencoded"
SAFARICOM = "63902"
SESSIONS_MAX = 2_000
CONCURRENT_MAX = 20


@dataclass
class Session:
    """One call of a service code, from dialling to the last screen."""

    phone: str
    service_code: str
    network: str
    id: str = field(default_factory=lambda: f"ATUid_{secrets.token_hex(16)}")
    replies: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.time)
    last: float = field(default_factory=time.time)
    hops: int = 0
    open: bool = True
    status: str = "Incomplete"
    last_body: str = ""
    error: str | None = None

    @property
    def text(self) -> str:
        """Every reply so far, joined the way the gateway does."""
        return "*".join(self.replies)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the network waits, in seconds."""

    idle_s: float
    """For a person to answer a screen."""
    session_s: float
    """In all."""
    answer_s: float
    """For Baraza to answer a hop."""


def read_phone(text: str) -> str | None:
    """The number in E.164, or None. A plus that a query string turned into a space is no fault."""
    with contextlib.suppress(ValueError):
        return msisdn.parse(text)
    return None


class Phones:
    """All handsets, and the gateway's part in their sessions."""

    def __init__(self, *, ussd_url: str, end_url: str, service_code: str, limits: Limits) -> None:
        self._ussd_url = ussd_url
        self._end_url = end_url
        self._service_code = service_code
        self._limits = limits
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._turn = threading.Lock()

    def routes(self) -> list[Route]:
        """What a person can do with a phone."""
        return [
            Route("POST", "/handset/dial", self.dial),
            Route("POST", "/handset/reply", self.reply),
            Route("POST", "/handset/resend", self.resend),
            Route("POST", "/handset/hangup", self.hang_up),
            Route("GET", "/handset/sessions", self.sessions),
        ]

    def dial(self, request: Request) -> Reply:
        """Dial a code; `*384*2025*1*500#` dials straight to a screen."""
        asked = _fields(request)
        phone = read_phone(str(asked.get("phone", "")))
        if phone is None:
            return refuse("'phone' is not a Kenyan mobile number")
        code = str(asked.get("code", self._service_code))
        stem = self._service_code.removesuffix("#")
        beyond = code.removesuffix("#").removeprefix(stem)
        if not (code.endswith("#") and code.startswith(stem)) or beyond[:1] not in {"", "*"}:
            return refuse(f"nobody answers {code}", HTTPStatus.NOT_FOUND)
        session = Session(phone, self._service_code, str(asked.get("network_code", SAFARICOM)))
        if beyond:
            session.replies.append(beyond[1:])
        with self._turn:
            self._sessions[session.id] = session
            if len(self._sessions) > SESSIONS_MAX:
                self._sessions.popitem(last=False)
        return self._hop(session, _times(asked))

    def reply(self, request: Request) -> Reply:
        """Type something on the open screen and send it."""
        asked = _fields(request)
        session = self._find(asked)
        if session is None:
            return refuse("there is no such session", HTTPStatus.NOT_FOUND)
        self._expire(session)
        if not session.open:
            return refuse("the session has ended", HTTPStatus.CONFLICT)
        session.replies.append(str(asked.get("text", "")))
        return self._hop(session, _times(asked))

    def resend(self, request: Request) -> Reply:
        """Let the network deliver the last request once more, also after the end."""
        asked = _fields(request)
        session = self._find(asked)
        if session is None:
            return refuse("there is no such session", HTTPStatus.NOT_FOUND)
        return self._hop(session, _times(asked))

    def hang_up(self, request: Request) -> Reply:
        """End the session from the phone, or lose the signal. Baraza is told afterwards, if so."""
        session = self._find(_fields(request))
        if session is None:
            return refuse("there is no such session", HTTPStatus.NOT_FOUND)
        self._end(session, "Incomplete")
        return as_json(_described(session))

    def sessions(self, _: Request) -> Reply:
        """All sessions, without what was typed."""
        with self._turn:
            return as_json([_described(session) for session in self._sessions.values()])

    def _find(self, asked: dict[str, Any]) -> Session | None:
        return self._sessions.get(str(asked.get("session_id", "")))

    def _expire(self, session: Session) -> None:
        now = time.time()
        if now - session.last > self._limits.idle_s or now - session.began > self._limits.session_s:
            self._end(session, "Incomplete", "the session timed out")

    def _hop(self, session: Session, times: int) -> Reply:
        """Post the session's request, `times` at once, and show what came back."""
        body = urlencode(
            {
                "sessionId": session.id,
                "phoneNumber": session.phone,
                "serviceCode": session.service_code,
                "networkCode": session.network,
                "text": session.text,
            }
        ).encode()
        began = time.monotonic()
        answers = self._post(body, times)
        milliseconds = round((time.monotonic() - began) * 1000)
        session.hops += times
        session.last = time.time()
        answer = answers[0]
        session.last_body = answer.body
        if answer.http_status is None:
            self._end(session, "Failed", answer.error or "no answer")
        elif not HTTPStatus.OK <= answer.http_status < HTTPStatus.MULTIPLE_CHOICES:
            self._end(session, "Failed", f"unexpected response code {answer.http_status}")
        elif answer.body.startswith("END "):
            self._end(session, "Success")
        elif not answer.body.startswith("CON "):
            self._end(session, "Failed", "the answer begins neither with CON nor with END")
        shown = {
            **_described(session),
            "body": answer.body,
            "http_status": answer.http_status,
            "milliseconds": milliseconds,
        }
        if times > 1:
            shown["bodies"] = [one.body for one in answers]
        return as_json(shown)

    def _post(self, body: bytes, times: int) -> list[Answer]:
        def once(_: int) -> Answer:
            return courier.post(self._ussd_url, body, FORM, seconds=self._limits.answer_s)

        if times == 1:
            return [once(0)]
        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(once, range(times)))

    def _end(self, session: Session, status: str, error: str | None = None) -> None:
        """Close the session, once, and tell the other side as the gateway does."""
        if not session.open:
            return
        session.open, session.status, session.error = False, status, error
        if self._end_url:
            body = urlencode(_notice(session)).encode()
            # Not through the courier, which writes to disk: the notice carries the PIN.
            threading.Thread(
                target=lambda: courier.post(
                    self._end_url, body, FORM, seconds=self._limits.answer_s
                ),
                daemon=True,
            ).start()


def _notice(session: Session) -> dict[str, str]:
    """The end-of-session notification. The real one repeats what was typed, so this one does."""
    fields = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        "sessionId": session.id,
        "serviceCode": session.service_code,
        "networkCode": session.network,
        "phoneNumber": session.phone,
        "status": session.status,
        "cost": "KES 0.10",
        "durationInMillis": str(round((time.time() - session.began) * 1000)),
        "hopsCount": str(session.hops),
        "input": session.text,
        "lastAppResponse": session.last_body,
    }
    if session.error:
        fields["errorMessage"] = session.error
    return fields


def _fields(request: Request) -> dict[str, Any]:
    return request.json if isinstance(request.json, dict) else {}


def _times(asked: dict[str, Any]) -> int:
    times = asked.get("concurrently", 1)
    return min(times, CONCURRENT_MAX) if isinstance(times, int) and times > 0 else 1


def _described(session: Session) -> dict[str, Any]:
    return {
        "session_id": session.id,
        "phone": session.phone,
        "open": session.open,
        "status": "Active" if session.open else session.status,
        "hops": session.hops,
        "error": session.error,
    }
