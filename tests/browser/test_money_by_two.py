"""What two people end or sign, in Debian's Chromium: a day with differences, a payout in doubt."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from app.db import Database
from tests.browser.conftest import DESK
from tests.browser.console_page import ConsolePage
from tests.support import staff_site
from tests.support.databases import Logins
from tests.support.long_ago import statement, yesterday
from tests.support.staff_site import Site
from tests.support.statement import (
    SHORTCODE,
    Moved,
    become_yesterday,
    paid_line,
    today,
    top_up,
    written,
)
from tests.support.stories import Stories

FINANCE, MANAGER, SUPPORT = "finance@sacco.example", "boss@sacco.example", "help@sacco.example"


@pytest.fixture
def site(db: Database, database_logins: Logins) -> Iterator[Site]:
    with staff_site.running(
        db,
        database_url=database_logins.application,
        redis_url="redis://127.0.0.1:1/0",
        daraja_shortcode=SHORTCODE,
    ) as served:
        served.hire(FINANCE, "finance")
        served.hire(MANAGER, "manager")
        served.hire(SUPPORT, "support")
        yield served


@pytest.fixture
def stories(db: Database, redis_url: str) -> Stories:
    return Stories(db, redis_url)


def sits_down(chromium: Browser, site: Site, email: str, locale: str = "en-GB") -> ConsolePage:
    page = chromium.new_context(viewport=DESK, locale=locale).new_page()
    return ConsolePage(page, site.url).sign_in(email)


@pytest.mark.parametrize("locale", ["en-GB", "sw-KE"])
def test_finance_reconciles_a_day_and_a_manager_signs_it(
    chromium: Browser, site: Site, stories: Stories, owner_db: Database, locale: str
) -> None:
    """Three differences: seen, explained, refused to whoever explained them, signed."""
    there, missing = stories.paid(), stories.paid()
    line = paid_line(site.db, there)
    lines = [
        top_up(site.db),
        line,
        Moved("SKL80MQ8WL", line.at + timedelta(minutes=1), -700_00, "Business Payment by portal"),
        Moved("SKL81MQ8WL", line.at + timedelta(minutes=2), -30_00, "B2C Charge"),
    ]
    day = become_yesterday(site.db, owner_db)
    begins = today(site.db) - timedelta(days=1)
    file = written(lines, begins=begins, ends=begins + timedelta(days=3))
    finance = sits_down(chromium, site, FINANCE, locale).open("/staff/reconciliation")
    assert finance.violations() == []
    finance.page.set_input_files(
        "input[type=file]", {"name": "day.csv", "mimeType": "text/csv", "buffer": file}
    )
    finance.page.locator("form[enctype] button").click()
    expect(finance.page.locator("h1")).to_have_text("day.csv")
    assert finance.violations() == []
    finance.page.locator("main form button").click()
    differences = finance.page.locator("article")
    expect(differences).to_have_count(3)
    expect(finance.page.locator("main")).to_contain_text(missing)
    assert finance.violations() == []
    for number in range(3):
        first = differences.first
        first.locator("summary").click()
        first.locator("[name=reason]").fill(f"voucher {number}")
        first.locator("button").click()
        expect(differences).to_have_count(2 - number)
    sign(finance, day)
    expect(finance.page.locator("main")).to_contain_text("RC-22")
    manager = sits_down(chromium, site, MANAGER, locale).open("/staff/reconciliation")
    sign(manager, day)
    expect(manager.page.get_by_text("voucher 2")).to_be_visible()
    assert manager.violations() == []
    assert finance.complaints[1:] == manager.complaints == []
    assert "409" in finance.complaints[0], "Chromium notes the page that refused, and only that"


def sign(console: ConsolePage, day: str) -> None:
    console.page.fill("[name=day]", day)
    console.page.locator("form", has=console.page.locator("[name=day]")).locator("button").click()


def test_maker_and_checker_release_an_in_doubt_payout_with_proof(
    chromium: Browser, site: Site, stories: Stories, owner_db: Database
) -> None:
    """Each missing proof is on the page with its cure; with all of them two people give it back."""
    reference = stories.in_doubt()
    finance, manager = (sits_down(chromium, site, one) for one in (FINANCE, MANAGER))

    def says(cure: str) -> None:
        finance.open(f"/staff/payouts/{reference}")
        expect(finance.page.get_by_text(cure)).to_be_visible()
        expect(finance.page.get_by_role("button", name="Give back to savings")).to_be_disabled()

    says("less than 1 day")
    yesterday(owner_db, reference)
    says("no fresh answer")
    stories.told(reference, "status", "not_known_now", code="2032")
    says("No statement shows")
    statement(stories, hours=(-31, 0))
    finance.open(f"/staff/payouts/{reference}")
    finance.page.get_by_role("link", name="Give back to savings").click()
    finance.says_why("statement seen, M-PESA asked", "Show what will come of it")
    expect(finance.page.get_by_text("Nothing of this is done yet")).to_be_visible()
    assert finance.violations() == []
    shown = entries(finance)
    assert shown
    told = finance.page.locator(".sms").all_inner_texts()
    finance.page.get_by_role("button", name="Propose it").click()
    expect(finance.page.get_by_text("You proposed this")).to_be_visible()
    support = sits_down(chromium, site, SUPPORT).open(f"/staff/payouts/{reference}")
    expect(support.page.get_by_text("A proposal waits for a second person.")).to_be_visible()
    manager.open("/staff/proposals")
    manager.page.get_by_role("region", name="How a payout ends").get_by_role("link").first.click()
    assert entries(manager) == shown
    assert manager.page.locator(".sms").all_inner_texts() == told
    manager.page.get_by_role("button", name="Agree, and do this").click()
    expect(manager.state).to_have_text("Given back")
    expect(manager.sentence).to_contain_text("is back in the member's savings")
    assert set(shown) <= set(entries(manager))
    assert told[0] in manager.page.locator(".sms").all_inner_texts()
    assert finance.complaints == manager.complaints == support.complaints == []


def entries(console: ConsolePage) -> list[str]:
    return console.page.locator("td.right", has_text="KES").all_inner_texts()
