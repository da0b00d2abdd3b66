"""The USSD gateway as Baraza sees it: it posts callbacks to the door and minds every answer."""

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import requests

from app.channels import ussd
from app.commands.handset import Screen, Sms
from ussd_menus.gsm7 import septets
from ussd_menus.rendering import SEPTETS_MAX

TIMEOUT_S = 10
"""The gateway waits no longer for an answer."""
METADATA_CHARACTERS_MAX = 99


@dataclass
class Call:
    """One call of a service code."""

    fields: dict[str, str]
    texts: list[str] = field(default_factory=list)
    """What was sent as `text`, one a hop: each repeats all that was typed before."""


@dataclass
class Gateway:
    """A phone network without a gateway's stand-in between: tests reach each rule of the door.

    Every answer must be HTTP 200 in plain text, begin with CON or END, fit a phone and name its
    screen; anything else fails the test at once.
    """

    door: str
    """The address of the hop callback, with its secret."""
    code: str
    texts_to: Callable[[str], list[Sms]]
    """The SMS that Baraza has queued for a number."""
    calls: dict[str, Call] = field(default_factory=dict)

    def dial(self, phone: str, code: str, *, network_code: str) -> tuple[str, Screen]:
        """Begin a session. What is dialled past the service code is its first text."""
        session_id = f"ATUid_{secrets.token_hex(16)}"
        beyond = code.removesuffix("#").removeprefix(self.code.removesuffix("#"))
        call = Call(
            {
                "sessionId": session_id,
                "phoneNumber": phone,
                "networkCode": network_code,
                "serviceCode": self.code,
            },
            [beyond.removeprefix("*")],
        )
        self.calls[session_id] = call
        return session_id, self.post(call)

    def reply(self, session_id: str, text: str, *, times: int = 1) -> list[Screen]:
        """Send what was typed, after all that was typed before."""
        call = self.calls[session_id]
        before = call.texts[-1]
        # The first reply of a session that was dialled plainly has nothing before it.
        is_first = len(call.texts) == 1 and not before
        call.texts.append(text if is_first else f"{before}*{text}")
        return self.redeliver(session_id, hops_ago=0, times=times)

    def redeliver(self, session_id: str, *, hops_ago: int, times: int) -> list[Screen]:
        """Post one of the session's requests again, at the same moment if several times."""
        call = self.calls[session_id]
        if times == 1:
            return [self.post(call, hops_ago=hops_ago)]
        gate = threading.Barrier(times)

        def one(_: int) -> Screen:
            gate.wait()
            return self.post(call, hops_ago=hops_ago)

        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(one, range(times)))

    def hang_up(self, session_id: str) -> None:
        """Tell Baraza that the session ended. The real notice repeats all that was typed."""
        call = self.calls[session_id]
        notice = {
            "status": "Incomplete",
            "hopsCount": str(len(call.texts)),
            "input": call.texts[-1],
        }
        answer = requests.post(f"{self.door}/end", {**call.fields, **notice}, timeout=TIMEOUT_S)
        assert answer.status_code == 200

    def inbox(self, phone: str) -> list[Sms]:
        """What Baraza has to send to a number."""
        return self.texts_to(phone)

    def post(self, call: Call, *, hops_ago: int = 0) -> Screen:
        """One callback, by default that of the last hop, and its answer."""
        began = time.monotonic()
        answer = requests.post(
            self.door, {**call.fields, "text": call.texts[-1 - hops_ago]}, timeout=TIMEOUT_S
        )
        took_ms = round((time.monotonic() - began) * 1000)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        name = answer.headers[ussd.SCREEN_HEADER]
        assert 0 < len(name) <= METADATA_CHARACTERS_MAX
        assert "|" not in name
        kind, text = answer.text[:4], answer.text[4:]
        assert kind in {"CON ", "END "}, answer.text
        assert septets(text) <= SEPTETS_MAX, text
        return Screen(text, is_open=kind == "CON ", milliseconds=took_ms, id=name)
