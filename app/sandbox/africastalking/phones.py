"""Handsets: people who dial, reply, hang up, and the network between them and Baraza.

Sessions live in memory only, as they do at a telco; they hold what people typed, PINs included.
"""

import contextlib
import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from app import msisdn
from app.sandbox import courier
from app.sandbox.africastalking import letters
from app.sandbox.africastalking.sessions import Limits, Session, Signal
from app.sandbox.courier import Answer
from app.sandbox.web import Reply, Request, Route, as_json, refuse

FORM = "application/x-www-form-urlencoded"
SAFARICOM = "63902"
SESSIONS_MAX = 2_000
LOOK_SECONDS = 0.5
"""Between two looks for sessions whose time is over."""
LOST = "the answer was lost on its way to the phone"


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
            Route("GET", "/handset/session", self.session),
            Route("GET", "/handset/sessions", self.sessions),
        ]

    def start(self) -> None:
        """Begin to end sessions whose time is over, as the network does by itself."""
        threading.Thread(target=self._watch, daemon=True).start()

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
        return self._hop(session, Signal.of(asked))

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
        return self._hop(session, Signal.of(asked))

    def resend(self, request: Request) -> Reply:
        """Let the network deliver a request once more, also after the end: by default the last."""
        asked = _fields(request)
        session = self._find(asked)
        if session is None:
            return refuse("there is no such session", HTTPStatus.NOT_FOUND)
        hops_ago = asked.get("hops_ago", 0)
        if not isinstance(hops_ago, int) or not 0 <= hops_ago <= len(session.replies):
            return refuse("'hops_ago' is no hop of this session")
        return self._hop(session, Signal.of(asked), hops_ago=hops_ago)

    def hang_up(self, request: Request) -> Reply:
        """End the session from the phone, or lose the signal. Baraza is told afterwards, if so."""
        session = self._find(_fields(request))
        if session is None:
            return refuse("there is no such session", HTTPStatus.NOT_FOUND)
        self._end(session, "Incomplete")
        return as_json(self._described(session))

    def session(self, request: Request) -> Reply:
        """One session and the time that is left in it."""
        session = self._find(dict(request.query))
        if session is None:
            return refuse("there is no such session", HTTPStatus.NOT_FOUND)
        self._expire(session)
        return as_json(self._described(session))

    def sessions(self, _: Request) -> Reply:
        """All sessions, without what was typed."""
        with self._turn:
            known = list(self._sessions.values())
        return as_json([self._described(session) for session in known])

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            with self._turn:
                waiting = [one for one in self._sessions.values() if one.open]
            for session in waiting:
                self._expire(session)

    def _find(self, asked: dict[str, Any]) -> Session | None:
        return self._sessions.get(str(asked.get("session_id", "")))

    def _expire(self, session: Session) -> None:
        if session.open and not session.busy and min(self._left(session)) <= 0:
            self._end(session, "Incomplete", "the session timed out")

    def _left(self, session: Session) -> tuple[float, float]:
        """Seconds until the screen and until the session must be over."""
        now = time.time()
        return (
            self._limits.idle_s - (now - session.last),
            self._limits.session_s - (now - session.began),
        )

    def _hop(self, session: Session, signal: Signal, *, hops_ago: int = 0) -> Reply:
        """Post a request of the session, the last by default, and show what came back."""
        body = urlencode(
            {
                "sessionId": session.id,
                "phoneNumber": session.phone,
                "serviceCode": session.service_code,
                "networkCode": session.network,
                "text": session.text_of(hops_ago),
            }
        ).encode()
        began = time.monotonic()
        session.busy = True
        answers = self._post(body, signal.times)
        time.sleep(signal.slow_s)
        session.hops += signal.times
        session.last = time.time()
        session.busy = False
        self._judge(session, answers[0])
        if signal.loses_answer:
            answers = [Answer(one.http_status, "") for one in answers]
            self._end(session, "Incomplete", LOST)
        shown = {
            **self._described(session),
            "body": answers[0].body,
            "http_status": answers[0].http_status,
            "milliseconds": round((time.monotonic() - began) * 1000),
            "septets": letters.septets(answers[0].body.partition(" ")[2]),
            "lost": signal.loses_answer,
        }
        if signal.times > 1:
            shown["bodies"] = [one.body for one in answers]
        return as_json(shown)

    def _judge(self, session: Session, answer: Answer) -> None:
        """End the session if the answer ends it or is none."""
        session.last_body = answer.body
        if answer.http_status is None:
            self._end(session, "Failed", answer.error or "no answer")
        elif not HTTPStatus.OK <= answer.http_status < HTTPStatus.MULTIPLE_CHOICES:
            self._end(session, "Failed", f"unexpected response code {answer.http_status}")
        elif answer.body.startswith("END "):
            self._end(session, "Success")
        elif not answer.body.startswith("CON "):
            self._end(session, "Failed", "the answer begins neither with CON nor with END")

    def _described(self, session: Session) -> dict[str, Any]:
        idle_s, session_s = self._left(session) if session.open else (0.0, 0.0)
        return {
            "session_id": session.id,
            "phone": session.phone,
            "open": session.open,
            "status": "Active" if session.open else session.status,
            "hops": session.hops,
            "error": session.error,
            "idle_s": self._limits.idle_s,
            "session_s": self._limits.session_s,
            "idle_left_s": round(max(0.0, idle_s), 1),
            "session_left_s": round(max(0.0, session_s), 1),
        }

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
