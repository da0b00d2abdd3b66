"""A phone: dial, reply, lose the signal, read SMS. One class, over whatever carries its keys.

    Handset(network, "+254712345678").dial().sees("Withdraw").reply("1", "500").sees("PIN").drop()

What it shows is what a member gets. `baraza dial` and `baraza demo` use it through the sandbox's
gateway (`SandboxNetwork`); tests also put it straight at Baraza's door.
"""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, Self

import requests

from app.errors import Misconfigured, Refused
from ussd_menus import gsm7

SCREEN_SEPTETS_MAX = 160
TIMEOUT_S = 15
"""Longer than the ten seconds that the gateway gives Baraza."""
INBOX_TIMEOUT_S = 3
SERVICE_CODE = "*384*2025#"
SAFARICOM = "63902"
DOT = "\N{BULLET}"
_SECRET = re.compile(r"\bPIN\b|\(ID\)|\bID number\b")
_OPTION = re.compile(r"^[1-9][0-9]* ", re.MULTILINE)


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
    id: str = ""
    """The screen's name in the menu, where the network tells it. A phone never shows it."""

    @property
    def body(self) -> str:
        """The screen as it came from Baraza, with `CON ` or `END `."""
        return ("CON " if self.is_open else "END ") + self.text

    @property
    def asks_for_secret(self) -> bool:
        """Whether what is typed next must not be readable: a PIN, or the end of an ID number.

        The words are the same in Swahili. A menu may name PINs too, but its replies are choices.
        """
        asks = _SECRET.search(self.text) is not None and _OPTION.search(self.text) is None
        return self.is_open and asks

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

    def readable(self, typed: str) -> str:
        """What was typed on this screen, as anyone may see it: a secret is dots."""
        return DOT * len(typed) if self.asks_for_secret else typed


@dataclass(frozen=True, slots=True)
class Sms:
    """A message in the phone's inbox."""

    id: str
    sender: str
    text: str
    at: datetime


class Network(Protocol):
    """What carries a phone's keys to Baraza, and screens and SMS back."""

    def dial(self, phone: str, code: str, *, network_code: str) -> tuple[str, Screen]:
        """Begin a session. Returns its id and the first screen."""

    def reply(self, session_id: str, text: str, *, times: int = 1) -> list[Screen]:
        """Bring what was typed on the open screen to Baraza, `times` at once."""

    def redeliver(self, session_id: str, *, hops_ago: int, times: int) -> list[Screen]:
        """Bring a request of the session to Baraza once more, `times` at once. 0 is the last."""

    def hang_up(self, session_id: str) -> None:
        """End a session from the phone's side."""

    def inbox(self, phone: str) -> list[Sms]:
        """Every SMS to a phone so far, oldest first."""


@dataclass
class Handset:
    """One phone, with at most one session. What it does returns itself, to be read as a story."""

    network: Network
    phone: str
    code: str = SERVICE_CODE
    network_code: str = SAFARICOM
    session_id: str = ""
    shown: Screen = field(default=Screen("", is_open=False, milliseconds=0))
    """The last screen."""
    turns: list[tuple[str, Screen]] = field(default_factory=list, repr=False)
    """What was typed, and the screen that came of it, since the dial: PINs among it."""

    @property
    def body(self) -> str:
        """The last screen as it came from Baraza."""
        return self.shown.body

    def from_network(self, code: str) -> Self:
        """Be on another network from the next dial on: 63903 is Airtel's code."""
        self.network_code = code
        return self

    def dial(self, code: str | None = None) -> Self:
        """Dial a service code, by default the usual one."""
        dialled = code or self.code
        self.session_id, screen = self.network.dial(
            self.phone, dialled, network_code=self.network_code
        )
        self.turns = []
        return self._show(dialled, screen)

    def deep_dial(self, keys: str) -> Self:
        """Dial with replies in the code: `1*500` dials `*384*2025*1*500#`."""
        return self.dial(f"{self.code.removesuffix('#')}*{keys}#")

    def reply(self, *texts: str) -> Self:
        """Type each text on the screen that is open, and send it."""
        for text in texts:
            (screen,) = self.network.reply(self.session_id, text)
            self._show(text, screen)
        return self

    def reply_concurrently(self, text: str, times: int) -> list[str]:
        """Type a text; the network delivers it several times at once. Returns all answers."""
        answers = self.network.reply(self.session_id, text, times=times)
        self._show(text, answers[0])
        return [screen.body for screen in answers]

    def resend(self) -> Self:
        """The network delivers the last request once more, and shows what comes back."""
        (self.shown,) = self.network.redeliver(self.session_id, hops_ago=0, times=1)
        return self

    def resend_concurrently(self, times: int) -> list[str]:
        """The network delivers the last request several times at once. Returns all answers."""
        answers = self.network.redeliver(self.session_id, hops_ago=0, times=times)
        return [screen.body for screen in answers]

    def late(self, hops_ago: int) -> str:
        """A request of so many hops ago arrives again, now. Returns the answer: nobody sees it."""
        (screen,) = self.network.redeliver(self.session_id, hops_ago=hops_ago, times=1)
        return screen.body

    def drop(self) -> Self:
        """Hang up, or lose the signal."""
        self.network.hang_up(self.session_id)
        return self

    def sees(self, *texts: str) -> Self:
        """Insist that the screen has each of these texts.

        Raises:
            AssertionError: it has not.
        """
        for text in texts:
            assert text in self.body, f"{text!r} is not on the screen {self.body!r}"
        return self

    def inbox(self) -> list[Sms]:
        """Every SMS so far, oldest first."""
        return self.network.inbox(self.phone)

    def _show(self, typed: str, screen: Screen) -> Self:
        self.shown = screen
        self.turns.append((typed, screen))
        return self


class SandboxNetwork:
    """The phone network of the sandbox: the doors of the gateway's stand-in."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = requests.Session()
        # The sandbox is on this machine; a proxy of the environment cannot reach it.
        self._http.trust_env = False

    def dial(self, phone: str, code: str, *, network_code: str) -> tuple[str, Screen]:
        """Begin a session.

        Raises:
            NobodyAnswers: the sandbox is not there.
            NoService: not a Kenyan mobile number, or nobody answers the code. The other calls
                raise the same two, for a session that has ended or never was.
        """
        answer = self._do("dial", phone=phone, code=code, network_code=network_code)
        return str(answer["session_id"]), _screen(answer, str(answer["body"]))

    def reply(self, session_id: str, text: str, *, times: int = 1) -> list[Screen]:
        """Send what was typed."""
        return _screens(self._do("reply", session_id=session_id, text=text, concurrently=times))

    def redeliver(self, session_id: str, *, hops_ago: int, times: int) -> list[Screen]:
        """Deliver a request again."""
        asked = {"session_id": session_id, "hops_ago": hops_ago, "concurrently": times}
        return _screens(self._do("resend", **asked))

    def hang_up(self, session_id: str) -> None:
        """End a session."""
        self._do("hangup", session_id=session_id)

    def inbox(self, phone: str) -> list[Sms]:
        """The SMS that the gateway has delivered."""
        rows = self._ask("GET", "inbox", params={"phone": phone}, timeout=INBOX_TIMEOUT_S)
        return [
            Sms(str(r["id"]), str(r["sender"]), str(r["text"]), datetime.fromisoformat(r["at"]))
            for r in rows
        ]

    def _do(self, act: str, **asked: Any) -> Any:
        return self._ask("POST", act, json=asked)

    def _ask(self, method: str, door: str, *, timeout: float = TIMEOUT_S, **extra: Any) -> Any:
        address = f"{self._url}/handset/{door}"
        try:
            answer = self._http.request(method, address, timeout=timeout, **extra)
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


def _screens(answer: Any) -> list[Screen]:
    return [_screen(answer, str(body)) for body in answer.get("bodies", [answer["body"]])]


def _screen(answer: Any, body: str) -> Screen:
    took_ms = int(answer.get("milliseconds") or 0)
    kind, _, text = body.partition(" ")
    if kind in {"CON", "END"} and not answer.get("error"):
        return Screen(text, is_open=kind == "CON", milliseconds=took_ms)
    # What a real phone shows when the service behind the code does not answer properly.
    fault = str(answer.get("error") or "the answer is no screen")
    return Screen("Network error.", is_open=False, milliseconds=took_ms, fault=fault)
