"""Somebody joins and signs in with a passkey: Debian's Chromium, with a device that it plays."""

import re

import pyotp
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DESK, Running
from tests.browser.console_page import ConsolePage
from tests.browser.test_console import SignIn, as_, hired

__all__ = ["as_", "hired"]

OWN = "seven green bicycles sing"
NEWCOMER = "newcomer@sacco.example"


def text_of(page: Page, pattern: str) -> str:
    found = re.search(pattern, page.locator("main").inner_text())
    assert found, page.locator("main").inner_text()
    return found[0]


def device(page: Page) -> None:
    """A phone with a fingerprint reader, which always finds the right finger."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasUserVerification": True,
        "isUserVerified": True, "hasResidentKey": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def type_sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/staff/login")
    page.fill("#email", NEWCOMER)
    page.fill("#password", OWN)
    page.keyboard.press("Enter")


def test_somebody_joins_and_signs_in_with_a_passkey(
    baraza: Running, chromium: Browser, as_: SignIn
) -> None:
    """Asked by security, agreed by a manager, joined with both halves, and a key that is hers.

    Where her key does not lie the page says so, and takes a code.
    """
    security, manager = as_("security"), as_("manager")
    security.open("/staff/people")
    form = security.page.locator("form", has=security.page.get_by_role("button", name="Ask for an"))
    form.get_by_label("Name").fill("Nafula Barasa")
    form.get_by_label("E-mail").fill(NEWCOMER)
    form.get_by_label("Role").select_option("support")
    security.says_why("joins the help desk", "Ask for an account")
    manager.open("/staff/people").page.get_by_role("link", name="Look at it").click()
    expect(manager.page.get_by_text("gets an account as")).to_be_visible()
    assert manager.violations() == []
    manager.page.get_by_role("button", name="Agree, and do this").click()
    code = text_of(manager.page, r"\d{4} \d{4}")
    assert manager.violations() == []
    security.open("/staff/people").page.get_by_role("link", name=NEWCOMER).click()
    assert security.violations() == []
    security.page.get_by_role("button", name="Make the link to join").click()
    link = text_of(security.page, r"/staff/join/\S+")
    joins(chromium, baraza.url.replace("127.0.0.1", "localhost"), link, code)


def joins(chromium: Browser, url: str, link: str, code: str) -> None:
    """At an address that is a name: a passkey cannot belong to one such as 127.0.0.1."""
    context = chromium.new_context(viewport=DESK)
    page = context.new_page()
    newcomer = ConsolePage(page, url)
    page.goto(url + link)
    expect(page.get_by_role("heading")).to_have_text("Welcome, Nafula Barasa")
    assert newcomer.violations() == []
    page.fill("#code", code)
    page.fill("#password", OWN)
    page.fill("#again", OWN)
    page.get_by_role("button", name="Set it and go on").click()
    page.get_by_role("link", name="Set it up").click()
    seed = text_of(page, r"(?:[A-Z2-7]{4} ?){8}").replace(" ", "")
    page.fill("[name=password]", OWN)
    page.fill("[name=new_code]", pyotp.TOTP(seed).now())
    page.locator("main form button").click()
    page.get_by_role("link", name="I have them").click()
    device(page)
    page.goto(f"{url}/staff/you/passkey")
    assert newcomer.violations() == []
    page.fill("#title", "Desk")
    page.fill("#password", OWN)
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_text("The passkey is kept.")).to_be_visible()
    assert newcomer.violations() == []
    page.get_by_role("button", name="Sign out").click()
    type_sign_in(page, url)
    expect(page.get_by_role("heading")).to_have_text("Your code")
    assert newcomer.violations() == []
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator(".role")).to_have_text("support")
    context.close()
    elsewhere = chromium.new_context(viewport=DESK)
    page = elsewhere.new_page()
    type_sign_in(page, url)
    device(page)  # another one, which knows nothing of her key
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was shown.")
    elsewhere.close()
