"""The phone page as a person uses it: presses keys, reads the screen, watches the money."""

import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

SOON_MS = 8_000
SETTLED_MS = 40_000
"""Longer than the last status query of these tests' settings takes."""


@dataclass
class PhonePage:
    """What is found by `data-testid` here is what `app.phone_page.site` promises."""

    page: Page
    url: str
    foreign: list[str] = field(default_factory=list)
    """Addresses of other origins that the browser wanted something from."""
    complaints: list[str] = field(default_factory=list)
    """Errors in the browser's console, a broken content policy among them."""

    def open(self, path: str = "/sandbox/phone") -> Self:
        """Load the page and wait until it lives."""
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda line: self.complaints.append(line.text) if line.type == "error" else None,
        )
        self.page.goto(self.url + path)
        expect(self.at("lamp")).to_have_attribute("data-green", "true", timeout=SOON_MS)
        return self

    def at(self, testid: str) -> Locator:
        """What carries this mark."""
        return self.page.get_by_test_id(testid)

    def choose(self, phone: str) -> Self:
        """Take another member's phone."""
        self.at("member").select_option(phone)
        return self

    def dial(self) -> Self:
        """Press the green key."""
        self.at("dial").click()
        return self

    def press(self, text: str) -> Self:
        """Press keys one by one, then send."""
        for letter in text:
            self.at(f"key-{letter}").click()
        self.at("dial").click()
        return self

    def sees(self, words: str) -> Self:
        """The phone's screen shows these words, however its lines are broken."""
        loose = re.compile(r"\s+".join(map(re.escape, words.split())))
        expect(self.at("screen")).to_contain_text(loose, timeout=SOON_MS)
        return self

    def withdraw(self, shillings: int, pin: str = "4071") -> str:
        """A whole withdrawal by the keys; its reference."""
        self.dial().sees("Withdraw").press("1").sees("amount").press(str(shillings))
        return self.sees("PIN").press(pin).follow()

    def follow(self) -> str:
        """Once the screen has a reference and the saga shown is that one: the reference.

        Without this, what is read next could still be the withdrawal before.
        """
        self.sees("BRZ")
        found = re.search(r"BRZ[2-9A-Z]{7}", re.sub(r"\s", "", self.at("screen").inner_text()))
        assert found
        expect(self.at("saga-reference")).to_contain_text(found.group(), timeout=SOON_MS)
        return found.group()

    def comes_to(self, state: str, *, within_ms: float = SETTLED_MS) -> Self:
        """The saga shown comes to this state."""
        expect(self.at("saga-state")).to_have_attribute("data-state", state, timeout=within_ms)
        return self

    def gets_sms(self, words: str) -> Self:
        """The newest messages have one with these words."""
        expect(self.at("sms").filter(has_text=words).first).to_be_visible(timeout=SOON_MS)
        return self

    def is_green(self) -> Self:
        """Every rule holds."""
        expect(self.at("lamp")).to_have_attribute("data-green", "true", timeout=SOON_MS)
        return self

    def arm(self, fault: str) -> Self:
        """Press a fault's button."""
        self.at(f"fault-{fault}").click()
        expect(self.at("armed-fault").first).to_be_visible(timeout=SOON_MS)
        return self

    def _note(self, url: str) -> None:
        if not url.startswith(f"{self.url}/") and urlsplit(url).scheme not in {"data", "blob"}:
            self.foreign.append(url)
