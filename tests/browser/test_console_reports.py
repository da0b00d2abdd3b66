"""Exports, reports and incidents, in Debian's Chromium, on all of Baraza."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from app.clock import NAIROBI
from tests.browser.conftest import DESK, Running
from tests.browser.console_page import ConsolePage
from tests.browser.phone_page import PhonePage
from tests.support import pdf_text

WANJIRU = "+254712345678"
MANAGER = "manager.reports@sacco.example"
SignIn = Callable[..., ConsolePage]


@pytest.fixture(scope="module")
def hired(baraza: Running) -> str:
    baraza.types("staff", "create", MANAGER, "--name", "Wanjiru Otieno", "--role", "manager",
                 "--password-stdin")  # fmt: skip
    return MANAGER


@pytest.fixture
def manager(baraza: Running, chromium: Browser, hired: str) -> Iterator[SignIn]:
    """A manager's browser. Afterwards nothing was fetched from elsewhere and nothing went wrong."""
    made: list[ConsolePage] = []

    def sign_in(**options: object) -> ConsolePage:
        context = chromium.new_context(viewport=DESK, reduced_motion="reduce", **options)  # type: ignore[arg-type]
        made.append(ConsolePage(context.new_page(), baraza.url).sign_in(hired))
        return made[-1]

    yield sign_in
    for one in made:
        one.page.context.close()
        assert one.foreign == []
        assert one.complaints == []


def test_a_manager_takes_a_list_and_a_statement_away(phone: PhonePage, manager: SignIn) -> None:
    """Without scripts: plain links and forms, and the files are what they say."""
    phone.choose(WANJIRU)
    reference = phone.withdraw(360)
    phone.comes_to("paid")
    console = manager(java_script_enabled=False).open("/staff/payouts")
    with console.page.expect_download() as taken:
        console.page.get_by_role("link", name="Export as CSV").click()
    assert taken.value.suggested_filename.startswith("baraza-payouts-")
    assert reference in taken.value.path().read_text("utf-8-sig")
    console.open("/staff/members/M00001")
    console.page.locator("summary", has_text="Make a statement").click()
    with console.page.expect_download() as taken:
        console.says_why("she asks for it", "Make a statement")
    assert taken.value.suggested_filename.startswith("baraza-statement-M00001-")
    assert reference in pdf_text.texts(taken.value.path().read_bytes())


def test_an_incident_from_opening_to_its_draft(manager: SignIn) -> None:
    """The clocks are on the page at once; a notice stops one; the draft is a page further."""
    console = manager().open("/staff/reports")
    console.page.get_by_role("link", name="Incidents").click()
    aware = datetime.now(UTC).astimezone(NAIROBI) - timedelta(hours=13)
    page = console.page
    page.fill("#title", "Odd volume in the night")
    page.fill("#began", f"{aware - timedelta(hours=1):%Y-%m-%dT%H:%M}")
    page.fill("#aware", f"{aware:%Y-%m-%dT%H:%M}")
    page.fill("#happened", "Many requests from one address.")
    page.get_by_label("yes").check()
    page.get_by_role("button", name="Open an incident").click()
    sasra = page.get_by_role("row", name="SASRA")
    expect(sasra).to_contain_text("late by")
    expect(page.get_by_role("row", name="Data Commissioner")).to_contain_text("2 d left")
    page.locator("summary", has_text="somebody was told").click()
    page.get_by_label("How and under which reference").fill("by mail")
    page.get_by_role("button", name="Write it down").click()
    expect(sasra).to_contain_text("told, late")
    with page.expect_download() as taken:
        page.get_by_role("link", name="PDF").click()
    assert "Many requests from one address." in pdf_text.texts(taken.value.path().read_bytes())
    draft = page.request.get(f"{page.url}/draft.txt").text()
    assert "SASRA (12 hours): told at" in draft


@pytest.mark.parametrize("language", ["en-GB", "sw-KE"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(manager: SignIn, language: str, scheme: str) -> None:
    console = manager(locale=language, color_scheme=scheme)
    found = []
    for path in ("/staff/reports", "/staff/reports?by=month", "/staff/reports?month=2025-01",
                 "/staff/incidents", "/staff/incidents/1", "/staff/payouts", "/staff/record",
                 "/staff/members/M00001"):  # fmt: skip
        console.open(path)
        for closed in console.page.locator("main summary").all():
            closed.click()
        found += console.violations()
        console.page.set_viewport_size({"width": 341, "height": 192})
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert console.page.evaluate(width) <= 0, path
        console.page.set_viewport_size(DESK)
    assert found == []
