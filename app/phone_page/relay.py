"""Same-origin ways to the two stand-ins. Only the doors listed here are open.

Under `/sandbox/network` (Africa's Talking's stand-in; bodies and answers are JSON):

    POST /handset/dial      {"phone": "+254712345678", "code": "*384*2025#" or "*384*2025*1*500#",
                             "network_code": "63902"}
    POST /handset/reply     {"session_id": ..., "text": "1"}
    POST /handset/resend    {"session_id": ...}     the network delivers the last request again
                            "hops_ago": 2           or the one of two hops ago, late
    POST /handset/hangup    {"session_id": ...}     also: the signal is lost
    GET  /handset/session?session_id=...            the same as below, without `body`
    GET  /handset/inbox?phone=%2B254712345678       oldest first
        [{"id", "at", "phone", "sender", "text", "status": "Success" or "Failed"}, ...]

  `dial`, `reply` and `resend` also take
    "concurrently": 2       the same request twice at once
    "slow_s": 4             Baraza's answer reaches the phone that much later, at most 15
    "lose_answer": true     Baraza answers, the phone never sees it: its session is over

  and answer

    {"session_id", "phone", "open": bool, "status": "Active"|"Incomplete"|"Success"|"Failed",
     "hops": int, "error": sentence or null,        why the network ended it
     "body": "CON ..." or "END ..." or "" (lost),   "bodies": [...] with `concurrently`
     "http_status": int or null, "milliseconds": int,
     "septets": int or null,                        of the text after CON/END; null: not GSM-7
     "lost": bool,
     "idle_s": 30, "session_s": 180,                what the network allows for a screen, in all
     "idle_left_s": 30.0, "session_left_s": 171.3}  0 when the session is over

  A dialled code that nobody answers is 404, a reply to an ended session 409, both with `error`.
  A session ends by itself when `idle_left_s` or `session_left_s` has passed.

Under `/sandbox/mpesa` (Safaricom's stand-in):

    GET  /truth/paid
        {"total_cents", "by_msisdn": {"+2547...": {"times", "cents"}}, "by_ocid": ...}
    GET  /truth/thinks?phone=%2B254712345678        or ?ocid=...; newest first, at most 10
        [{"ocid", "received_at": iso,
          "verdict": "paid"|"refused"|"open"|"not_taken",
          "says": "Paid KES 500.00 once, receipt UKN4XXXXXX.",     one sentence for a person
          "times_paid": 1, "cents": 50000 or null, "receipt": "UKN4..." or null,
          "code": 0 or "2040" or null, "calls": 2,                 requests under this id
          "queries": 1,                                            status queries about it
          "callbacks_sent": 1, "callbacks_refused": 0,             Baraza did not answer 200
          "callbacks_waiting": 0, "next_callback_at": iso or null}]

Under both:

    GET    /faults      [{"id", "match": {...}, "do": name, "times_left": 1 or null, "used": 0,
                          ...}]
    POST   /faults      {"match": {"api": "b2c", "msisdn": "+2547..."}, "do": name, "times": 1,
                         ...} -> 201 {"id": 7}
    DELETE /faults      all of them; DELETE /faults/7 only that one
    PUT    /faults      the list of `GET /faults` or of examples: exactly these are in force from
                        now on (a saved scenario, played again)
    GET    /faults/vocabulary
        [{"name": "callback_never",
          "group": "The result",                       as a person reads it
          "title": "Lose the result",
          "happens": "M-PESA pays, and its result never reaches Baraza.",
          "must_be_seen": "The money waits; Baraza asks ...",
          "featured": true,                            a newcomer's choice
          "example": {"match": {"api": "b2c"}, "do": "callback_never", "times": 1},
          "params": ["after_s", ...]}]
        An example can be posted as it is; add "msisdn" to its `match` to aim it at one phone.
        Several cards may share a `do`.
    GET    /magic       [{"ending": "03", "title": "result lost", "happens", "must_be_seen"}]

A stand-in that does not answer is 502 with `error`, which says how to start it.
"""

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from threading import BoundedSemaphore

from flask import Response, request

from app.config import Settings
from app.operations.context import context
from app.phone_page.answers import Answer, no

METHODS = ["GET", "POST", "PUT", "DELETE"]
BODY_BYTES_MAX = 32_768
CALLS_AT_ONCE_MAX = 4
"""A phone's request comes back to this process as a hop, which must find a free thread."""
_FAULTS = (
    ("GET", "/faults"),
    ("POST", "/faults"),
    ("PUT", "/faults"),
    ("DELETE", "/faults"),
    ("DELETE", "/faults/[0-9]+"),
    ("GET", "/faults/vocabulary"),
    ("GET", "/magic"),
)


@dataclass(frozen=True, slots=True)
class Way:
    """One stand-in and its open doors."""

    name: str
    port_of: Callable[[Settings], int]
    timeout_s: float
    doors: tuple[tuple[str, str], ...]
    """Method and pattern of the path."""

    def is_open(self, method: str, path: str) -> bool:
        """Whether this request may pass."""
        return any(
            method == allowed and re.fullmatch(pattern, path) for allowed, pattern in self.doors
        )


NETWORK = Way(
    "Africa's Talking's stand-in",
    lambda settings: settings.port + 2,
    # Ten seconds for Baraza, fifteen for a slow line, and some.
    30,
    (
        ("POST", "/handset/(dial|reply|resend|hangup)"),
        ("GET", "/handset/(session|inbox)"),
        *_FAULTS,
    ),
)
MPESA = Way(
    "Safaricom's stand-in",
    lambda settings: settings.port + 1,
    5,
    (("GET", "/truth/(paid|thinks)"), *_FAULTS),
)
_calls = BoundedSemaphore(CALLS_AT_ONCE_MAX)


def pass_on(way: Way, path: str) -> Answer | Response:
    """Pass the current request on, and the answer back."""
    if not way.is_open(request.method, path):
        return no(f"there is no {request.method} {path} here", HTTPStatus.NOT_FOUND)
    if (request.content_length or 0) > BODY_BYTES_MAX:
        return no("the body is too long", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    query = request.query_string.decode("ascii", "replace")
    target = f"{path}?{query}" if query else path
    if request.method == "GET":
        return send(way, "GET", target)
    if not _calls.acquire(blocking=False):
        return no("all lines are busy; try again", HTTPStatus.SERVICE_UNAVAILABLE)
    try:
        return send(way, request.method, target, request.get_data())
    finally:
        _calls.release()


def send(way: Way, method: str, target: str, body: bytes = b"") -> Answer | Response:
    """Make one request of a stand-in. Its answer is passed back as it is."""
    port = way.port_of(context().settings)
    with closing(HTTPConnection("127.0.0.1", port, timeout=way.timeout_s)) as line:
        try:
            line.request(method, target, body, {"Content-Type": "application/json"})
            answer = line.getresponse()
            found = answer.read()
        except (OSError, HTTPException, ValueError) as silent:
            return no(
                f"{way.name} does not answer on port {port} ({type(silent).__name__});"
                " `make run` or `baraza sandbox` starts it",
                HTTPStatus.BAD_GATEWAY,
            )
    return Response(found, answer.status, mimetype="application/json")
