"""A person with a phone, at the doors of the sandbox's gateway.

Handset(gateway_url, "+254712345678").dial().sees("Withdraw").reply("1", "500").sees("PIN")
"""

from dataclasses import dataclass, field
from typing import Any, Self

import requests

CALL_S_MAX = 15


@dataclass
class Handset:
    """One phone. What it does returns itself, so that a story reads in one line."""

    gateway: str
    phone: str
    code: str = "*384*2025#"
    last: dict[str, Any] = field(default_factory=dict)
    """What the gateway said to the last action: body, http_status, milliseconds, open, error."""

    @property
    def screen(self) -> str:
        """The last screen, with its CON or END."""
        return str(self.last["body"])

    def dial(self) -> Self:
        """Dial the service code."""
        return self._do("dial", phone=self.phone, code=self.code)

    def deep_dial(self, keys: str) -> Self:
        """Dial the service code with replies in it: `1*500` dials `*384*2025*1*500#`."""
        stem = self.code.removesuffix("#")
        return self._do("dial", phone=self.phone, code=f"{stem}*{keys}#")

    def reply(self, *texts: str) -> Self:
        """Type each text on the screen that is open, and send it."""
        for text in texts:
            self._do("reply", session_id=self.last["session_id"], text=text)
        return self

    def resend(self) -> Self:
        """The network delivers the last request once more."""
        return self._do("resend", session_id=self.last["session_id"])

    def resend_concurrently(self, times: int) -> list[str]:
        """The network delivers the last request several times at once. Returns all screens."""
        session = self.last["session_id"]
        bodies = self._do("resend", session_id=session, concurrently=times).last["bodies"]
        return [str(body) for body in bodies]

    def drop(self) -> Self:
        """Lose the signal."""
        session = self.last["session_id"]
        kept = self.last
        self._do("hangup", session_id=session)
        self.last = {**kept, **self.last}
        return self

    def sees(self, text: str) -> Self:
        """Fail the test unless the screen has this text."""
        assert text in self.screen, f"{text!r} is not on the screen {self.screen!r}"
        return self

    def inbox(self) -> list[dict[str, Any]]:
        """The SMS this phone has got, oldest first."""
        answer = requests.get(
            f"{self.gateway}/handset/inbox", params={"phone": self.phone}, timeout=CALL_S_MAX
        )
        answer.raise_for_status()
        return list(answer.json())

    def _do(self, action: str, **asked: Any) -> Self:
        answer = requests.post(f"{self.gateway}/handset/{action}", json=asked, timeout=CALL_S_MAX)
        assert answer.ok, f"{action}: {answer.text}"
        self.last = answer.json()
        return self
