"""A phone's side of the sandbox: dial, reply, hang up, read SMS.

It talks to the gateway's stand-in and to nothing else, as a phone does: what it shows is what a
member gets.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests

from app.errors import Misconfigured, Refused
from ussd_menus import gsm7

SCREEN_SEPTETS_MAX = 160
TIMEOUT_S = 15
"""Longer than the ten seconds that the gateway gives Baraza."""
INBOX_TIMEOUT_S = 3
_PIN = re.compile(r"\bPIN\b")


class NobodyAnswers(Misconfigured):
    """The sandbox is not there. The message says how to start it."""

    code = "DIAL-01"


class NoService(Refused):
    """The network refused: no such code, no such session, not a number."""

    code = "DIAL-02"


@dataclass(frozen=True, slots=True)
class Screen:
    """What the phone shows."""

    text: str
    is_open: bool
    """Whether the phone waits for a reply."""
    milliseconds: int
    fault: str = ""
    """Why the network gave up, when it did not get a screen from Baraza."""

    @property
    def asks_for_pin(self) -> bool:
        """Whether what is typed next must not be readable. The word is the same in Swahili."""
        return self.is_open and _PIN.search(self.text) is not None

    @property
    def promises_sms(self) -> bool:
        """Whether an SMS is to follow."""
        return not self.is_open and "SMS" in self.text

    @property
    def size(self) -> str:
        """How full the screen is, in the units of the network."""
        with suppress(ValueError):
            return f"{gsm7.septets(self.text)} of {SCREEN_SEPTETS_MAX} septets"
        return "has letters that phones cannot show"


@dataclass(frozen=True, slots=True)
class Sms:
    """A message in the phone's inbox."""

    id: str
    sender: str
    text: str
    at: datetime


class Handset:
    """One phone, with at most one session open."""

    def __init__(self, url: str, phone: str) -> None:
        self.phone = phone
        self._url = url
        self._session_id = ""
        self._http = requests.Session()
        # The sandbox is on this machine; a proxy of the environment cannot reach it.
        self._http.trust_env = False

    def dial(self, code: str) -> Screen:
        """Dial a service code and return the first screen."""
        return self._hop("dial", {"phone": self.phone, "code": code})

    def reply(self, text: str) -> Screen:
        """Type a text on the open screen, send it, return the next screen."""
        return self._hop("reply", {"session_id": self._session_id, "text": text})

    def hang_up(self) -> None:
        """End the session from this side."""
        self._ask("POST", "/handset/hangup", json={"session_id": self._session_id})

    def inbox(self) -> list[Sms]:
        """Every SMS so far, oldest first."""
        rows = self._ask(
            "GET", "/handset/inbox", params={"phone": self.phone}, timeout=INBOX_TIMEOUT_S
        )
        return [
            Sms(str(r["id"]), str(r["sender"]), str(r["text"]), datetime.fromisoformat(r["at"]))
            for r in rows
        ]

    def _hop(self, door: str, asked: dict[str, str]) -> Screen:
        answer = self._ask("POST", f"/handset/{door}", json=asked)
        self._session_id = str(answer["session_id"])
        body, took_ms = str(answer.get("body", "")), int(answer.get("milliseconds") or 0)
        kind, _, text = body.partition(" ")
        if kind in {"CON", "END"} and not answer.get("error"):
            return Screen(text, is_open=kind == "CON", milliseconds=took_ms)
        # What a real phone shows when the service behind the code does not answer properly.
        fault = str(answer.get("error") or "the answer is no screen")
        return Screen("Network error.", is_open=False, milliseconds=took_ms, fault=fault)

    def _ask(self, method: str, door: str, *, timeout: float = TIMEOUT_S, **extra: Any) -> Any:
        try:
            answer = self._http.request(method, self._url + door, timeout=timeout, **extra)
            found = answer.json()
        except (requests.RequestException, ValueError) as silent:
            raise NobodyAnswers(
                f"Nothing answers at {self._url}, where the sandbox's phone network should be.\n"
                "Start it with `make run` (or `baraza up`) in another terminal, or set PORT or"
                " AT_URL to where it runs."
            ) from silent
        if answer.ok:
            return found
        raise NoService(str(found.get("error", f"the sandbox answers {answer.status_code}")))
