"""The console as a member of staff uses it: signs in, searches, reads, acts."""

from dataclasses import dataclass, field
from typing import Self

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

PASSWORD = "four unrelated words here"


@dataclass
class ConsolePage:
    """A browser in which one person is signed in."""

    page: Page
    url: str
    foreign: list[str] = field(default_factory=list)
    """Addresses of other origins that the browser wanted something from."""
    complaints: list[str] = field(default_factory=list)
    """Errors in the browser's console, a broken content policy among them."""
    clicks: int = 0
    """Since the search box was used."""

    def sign_in(self, email: str) -> Self:
        """From the sign-in page to the first page of the day."""
        self.page.on(
            "request",
            lambda one: None if one.url.startswith(self.url) else self.foreign.append(one.url),
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda line: self.complaints.append(line.text) if line.type == "error" else None,
        )
        self.page.goto(self.url + "/staff/login")
        self.page.fill("#email", email)
        self.page.fill("#password", PASSWORD)
        self.page.keyboard.press("Enter")
        expect(self.page.locator("nav.ways")).to_be_visible()
        return self

    def open(self, path: str) -> Self:
        """Go to an address of the console."""
        self.page.goto(self.url + path)
        return self

    def search(self, wanted: str) -> Self:
        """Type into the box that is on every page."""
        self.clicks = 0
        self.page.fill("#wanted", wanted)
        self.page.keyboard.press("Enter")
        return self

    def click(self, locator: Locator) -> Self:
        """Click, and count it."""
        locator.click()
        self.clicks += 1
        return self

    @property
    def sentence(self) -> Locator:
        """Where the money is, in words."""
        return self.page.locator(".sentence")

    @property
    def state(self) -> Locator:
        """The state beside the title."""
        return self.page.locator("h1 .state")

    def says_why(self, reason: str, button: str) -> Self:
        """Fill in the one form with this button, and send it."""
        form = self.page.locator("main form").filter(
            has=self.page.get_by_role("button", name=button)
        )
        form.locator("[name=reason]").fill(reason)
        form.get_by_role("button", name=button).click()
        return self

    def violations(self) -> list[str]:
        """What axe finds against the page as it stands."""
        found = Axe().run(self.page).response["violations"]
        return [f"{self.page.url} {one['id']}: {one['nodes'][0]['html'][:120]}" for one in found]
