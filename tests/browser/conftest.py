"""`baraza up` as a newcomer runs it, and Debian's Chromium in front of it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tests.browser.console_page import PASSWORD
from tests.browser.phone_page import PhonePage
from tests.support.folders import passable_folder
from tests.support.stack import BARAZA, free_ports, wait_for

CHROMIUM = os.environ.get("CHROMIUM") or "chromium"
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESK = ViewportSize(width=1366, height=768)
SOON = {
    "PAYOUT_ASK_AFTER_S": "8,12,16,20,25,30",
    "PAYOUT_DOUBT_AFTER_S": "3",
    "PAYOUT_NOTICE_AFTER_S": "60",
    "DARAJA_READ_TIMEOUT_S": "2",
}
"""So that silence is looked into while a test waits, and can still be seen before that."""


@dataclass(frozen=True)
class Running:
    """A Baraza that was started with one command."""

    environment: dict[str, str]

    @property
    def url(self) -> str:
        """Where people go."""
        return f"http://127.0.0.1:{self.environment['PORT']}"

    @property
    def mpesa(self) -> str:
        """Safaricom's stand-in."""
        return f"http://127.0.0.1:{int(self.environment['PORT']) + 1}"

    def types(self, *words: str) -> str:
        """Type a command beside what runs; it is asked for no password but this one."""
        done = subprocess.run(
            [BARAZA, *words], env=self.environment, input=PASSWORD, text=True,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode in {0, 1}, done.stdout + done.stderr
        return done.stdout + done.stderr

    def audit(self) -> None:
        """Every invariant holds, by the command that operators use."""
        done = subprocess.run(
            [BARAZA, "audit", "--json"],
            env=self.environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def paid(self, phone: str) -> dict[str, int]:
        """How often and how much M-PESA paid to a phone, by its own books."""
        books: dict[str, Any] = requests.get(f"{self.mpesa}/truth/paid", timeout=5).json()
        return dict(books["by_msisdn"].get(phone, {"times": 0, "cents": 0}))


@pytest.fixture(scope="session")
def baraza() -> Iterator[Running]:
    """One installation for all tests: as on a newcomer's machine, what was done stays done."""
    with passable_folder() as folder:
        environment = {
            "PATH": os.environ["PATH"],
            "BARAZA_VAR": str(folder / "var"),
            "PORT": str(free_ports()),
            **SOON,
        }
        log = folder / "up.log"
        with log.open("wb") as out:
            process = subprocess.Popen([BARAZA, "up"], env=environment, stdout=out, stderr=out)

        def ready() -> bool:
            assert process.poll() is None, log.read_text("utf-8")
            return "/sandbox/phone" in log.read_text("utf-8")

        try:
            wait_for("baraza up is ready", ready, seconds=90)
            yield Running(environment)
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, without a window and without a word to anybody else."""
    found = shutil.which(CHROMIUM)
    assert found, "These tests need a browser: apt-get install chromium, or set CHROMIUM to one."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def phone(baraza: Running, chromium: Browser, tmp_path: Path) -> Iterator[PhonePage]:
    """The open page. Afterwards nothing was fetched from elsewhere and nothing went wrong in it."""
    requests.post(f"{baraza.url}/sandbox/do/clear-faults", headers={"X-Sandbox": "1"}, timeout=10)
    context = chromium.new_context(viewport=DESK, reduced_motion="reduce")
    made = PhonePage(context.new_page(), baraza.url)
    made.open()
    yield made
    made.page.screenshot(path=tmp_path / "last.png")
    context.close()
    assert made.foreign == []
    assert made.complaints == []
