"""The ways to people outside: a webhook that can prove whose words it brings, and phones."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app import clock
from app.providers.africastalking import Accepted, Rejected, Sms
from app.providers.careful_http import Answer, CarefulHttp

CONNECT_S_MAX = 3
ANSWER_S_MAX = 5
_HTTP_OK = range(200, 300)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of telling somebody."""

    told: bool
    reason: str = ""
    """Why not."""
    for_good: bool = False
    """Trying again is of no use."""


class Webhook:
    """Posts JSON to one address that the operator has set. Follows no redirect, knows no proxy."""

    def __init__(self, url: str, secret: str, *, now: Callable[[], datetime] = clock.now) -> None:
        self._url, self._secret, self._now = url, secret.encode(), now
        self._http = CarefulHttp(connect_s=CONNECT_S_MAX, read_s=ANSWER_S_MAX)

    def tell(self, body: Mapping[str, Any]) -> Outcome:
        """Post this, once. Any 2xx means that it arrived."""
        content = json.dumps(body, ensure_ascii=False).encode()
        ending = self._http.post(self._url, headers=self._headers(content), body=content)
        if not isinstance(ending, Answer):
            return Outcome(told=False, reason=f"no answer: {ending.reason}")
        if ending.status not in _HTTP_OK:
            return Outcome(told=False, reason=f"HTTP {ending.status}")
        return Outcome(told=True)

    def close(self) -> None:
        """Close the connections that are kept alive."""
        self._http.close()

    def _headers(self, content: bytes) -> dict[str, str]:
        stamp = str(int(self._now().timestamp()))
        return {
            "Content-Type": "application/json",
            "Baraza-Timestamp": stamp,
            "Baraza-Signature": f"sha256={signature(self._secret, stamp, content)}",
        }


def signature(secret: bytes, stamp: str, content: bytes) -> str:
    """HMAC-SHA256 over the time, a dot and the body, as hexadecimal digits.

    The time is in it, so that whoever records a notice cannot play it back later.
    """
    return hmac.new(secret, stamp.encode() + b"." + content, hashlib.sha256).hexdigest()


class Phone:
    """One number that is on duty."""

    def __init__(self, gateway: Sms, number: str) -> None:
        self._gateway, self._number = gateway, number

    def tell(self, text: str) -> Outcome:
        """Send one SMS, once."""
        outcome = self._gateway.send(to=self._number, text=text)
        if isinstance(outcome, Accepted):
            return Outcome(told=True)
        if isinstance(outcome, Rejected):
            return Outcome(told=False, reason=outcome.status, for_good=outcome.permanent)
        return Outcome(told=False, reason=outcome.reason)
