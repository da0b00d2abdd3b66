"""People at the SACCO at work, in Debian's Chromium, on all of Baraza."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, expect

from tests.browser.conftest import DESK, Running
from tests.browser.console_page import ConsolePage
from tests.browser.phone_page import SETTLED_MS, SOON_MS, PhonePage

WANJIRU = "+254712345678"
SignIn = Callable[..., ConsolePage]
LOCAL = WANJIRU.replace("+254", "0")


@pytest.fixture(scope="module")
def hired(baraza: Running) -> dict[str, str]:
    """A person for each role: e-mail by role."""
    found = {}
    for role in ("support", "finance", "ops", "manager", "auditor", "security"):
        found[role] = f"{role}.browser@sacco.example"
        baraza.types("staff", "create", found[role], "--name", "Wanjiru Otieno", "--role", role,
                     "--password-stdin")  # fmt: skip
    return found


@pytest.fixture
def as_(baraza: Running, chromium: Browser, hired: dict[str, str]) -> Iterator[SignIn]:
    """Sign in by role. Afterwards nothing was fetched from elsewhere and nothing went wrong."""
    made: list[ConsolePage] = []

    def sign_in(role: str, **options: object) -> ConsolePage:
        context = chromium.new_context(viewport=DESK, reduced_motion="reduce", **options)  # type: ignore[arg-type]
        made.append(ConsolePage(context.new_page(), baraza.url).sign_in(hired[role]))
        return made[-1]

    yield sign_in
    for one in made:
        one.page.context.close()
        assert one.foreign == []
        assert one.complaints == []


def test_the_money_left_and_did_not_arrive(phone: PhonePage, as_: SignIn) -> None:
    """M-PESA is silent; support finds by phone, reads where the money is, and sees it settle."""
    phone.choose(WANJIRU)
    phone.withdraw(501)
    phone.comes_to("in_doubt")
    support = as_("support").search(LOCAL)
    expect(support.sentence).to_contain_text("nobody knows yet whether M-PESA paid KES 501.00")
    support.click(support.page.locator(".sentence a"))
    assert support.clicks <= 2
    expect(support.sentence).to_contain_text("Do not send it again.")
    assert LOCAL not in support.page.content()
    assert support.violations() == []
    expect(support.state).to_have_text("Paid", timeout=SETTLED_MS)
    expect(support.sentence).to_contain_text("M-PESA paid KES 501.00 to the member")


def test_one_click_on_the_phone_page_opens_the_console(phone: PhonePage) -> None:
    """As the demo person of a role, in a tab of its own."""
    phone.page.locator("#staff summary").click()
    with phone.page.context.expect_page() as opened:
        phone.at("staff-manager").click()
    expect(opened.value.locator(".role")).to_have_text("manager", timeout=SOON_MS)
    opened.value.close()


def test_it_works_without_scripts_and_in_kiswahili(phone: PhonePage, as_: SignIn) -> None:
    """The same path, with plain forms and links."""
    phone.choose(WANJIRU)
    phone.withdraw(540)
    phone.comes_to("paid")
    support = as_("support", java_script_enabled=False, locale="sw-KE")
    support.search(LOCAL)
    expect(support.sentence).to_contain_text("M-PESA ilimlipa mwanachama KES 540.00")
    expect(support.page.locator("html")).to_have_attribute("lang", "sw")
    support.page.get_by_role("button", name="English").click()
    expect(support.page.get_by_role("heading", name="Latest withdrawals")).to_be_visible()


def test_one_person_stops_and_two_let_go_on(baraza: Running, phone: PhonePage, as_: SignIn) -> None:
    """The brake is on every page, and on the members' screens, until a manager agrees."""
    ops, manager = as_("ops"), as_("manager")
    ops.open("/staff/controls").says_why("odd volume in the night", "Stop all withdrawals")
    expect(ops.page.locator(".stopped")).to_contain_text("odd volume in the night")
    phone.choose(WANJIRU).dial().sees("Withdraw").press("1").sees("not possible now")
    assert ops.violations() == []
    ops.says_why("the branch explained it", "Ask that they go on")
    expect(ops.page.get_by_text("You proposed this; somebody else must agree.")).to_be_visible()
    manager.open("/staff/proposals")
    manager.page.get_by_role("region", name="Everything else").get_by_role("link").first.click()
    assert manager.violations() == []
    manager.page.get_by_role("button", name="Agree, and do this").click()
    expect(manager.sentence).to_contain_text("Withdrawals go on.")
    baraza.audit()


def test_maker_and_checker_take_a_payment_back_on_m_pesas_statement(
    baraza: Running, phone: PhonePage, as_: SignIn, hired: dict[str, str], tmp_path: Path
) -> None:
    """The maker cannot agree, the checker sees the same, and just that comes of it."""
    phone.choose(WANJIRU)
    reference = phone.withdraw(360)
    phone.comes_to("paid")
    finance, manager = as_("finance"), as_("manager")
    finance.search(reference)
    ocid = finance.page.locator(".known code").first.inner_text()
    expect(finance.page.get_by_role("link", name="Take back")).to_have_count(0)
    requests.post(f"{baraza.mpesa}/portal/take-back/{ocid}", timeout=5).raise_for_status()
    statement = tmp_path / "statement.csv"
    statement.write_bytes(requests.get(f"{baraza.mpesa}/portal/statement.csv", timeout=5).content)
    baraza.types("reconcile", str(statement), "--yes", "--as", hired["finance"], "--password-stdin")
    weighed = manager.open("/staff/queues").page.locator("tr", has_text="Weigh what M-PESA said")
    expect(weighed.locator("td.right")).to_have_text("0", timeout=SOON_MS)
    finance.open("/staff/attention")
    finance.page.get_by_role("link", name=reference).first.click()
    finance.page.get_by_role("link", name="Take back").click()
    finance.says_why("M-PESA's statement of that day", "Show what will come of it")
    expect(finance.page.get_by_text("Nothing of this is done yet")).to_be_visible()
    assert finance.violations() == []
    shown = amounts(finance)
    finance.page.get_by_role("button", name="Propose it").click()
    expect(finance.page.get_by_text("You proposed this")).to_be_visible()
    expect(finance.page.get_by_role("button", name="Agree")).to_have_count(0)
    manager.open("/staff/proposals")
    manager.page.get_by_role("region", name="How a payout ends").get_by_role("link").first.click()
    assert shown == amounts(manager)
    manager.page.get_by_role("button", name="Agree, and do this").click()
    expect(manager.state).to_have_text("Returned")
    assert set(shown) <= set(amounts(manager))
    baraza.audit()


def amounts(console: ConsolePage) -> list[str]:
    """Every amount in the entries that the page shows."""
    return console.page.locator("td.right", has_text="KES").all_inner_texts()


def test_a_stuck_provider_is_seen_held_back_and_let_go_by_two(
    baraza: Running, phone: PhonePage, as_: SignIn
) -> None:
    """M-PESA refuses our shortcode; ops holds payouts back, cannot agree alone, a manager does."""
    refusal = {"match": {"api": "b2c"}, "do": "result_code", "code": 11}
    requests.post(f"{baraza.mpesa}/faults", json=refusal, timeout=5).raise_for_status()
    phone.choose(WANJIRU)
    phone.withdraw(410)
    phone.comes_to("reversed")
    phone.withdraw(420)
    phone.comes_to("reserved")
    ops, manager = as_("ops"), as_("manager")
    expect(ops.page.locator(".signs")).to_contain_text("shortcode, product or permissions")
    ops.page.get_by_role("link", name="No payout is begun since").click()
    expect(ops.sentence.last).to_contain_text("Call Safaricom")
    ops.page.get_by_label("payouts", exact=True).check()
    ops.says_why("until Safaricom calls back", "Hold it back")
    held = ops.page.get_by_role("region", name="What is held back")
    expect(held.get_by_role("row", name="payouts")).to_contain_text("until Safaricom calls back")
    assert ops.violations() == []
    ops.says_why("Safaricom mended our shortcode", "Ask for payouts to go on")
    expect(ops.page.get_by_text("You proposed this; somebody else must agree.")).to_be_visible()
    expect(ops.page.locator(".effect")).to_contain_text("1 payouts are sent at once, KES 420.00")
    token = ops.page.locator("[name=csrf_token]").first.input_value()
    number = ops.page.url.partition("/approvals/")[2].partition("?")[0]
    refused = ops.page.request.post(
        f"{baraza.url}/staff/approvals/{number}/approve", form={"csrf_token": token}
    )
    assert (refused.status, "is for manager" in refused.text()) == (403, True)
    manager.open(f"/staff/approvals/{number}")
    assert manager.violations() == []
    manager.page.get_by_role("button", name="Agree, and do this").click()
    expect(manager.page.get_by_role("row", name="payouts")).to_contain_text("goes on")
    phone.comes_to("paid")
    expect(manager.open("/staff/").page.locator(".signs")).to_contain_text("M-PESA takes payouts.")
    baraza.audit()


def test_limits_are_asked_for_without_scripts_and_set_by_two(
    baraza: Running, phone: PhonePage, as_: SignIn
) -> None:
    """What the preview says the amount screen will show is what the phone shows then."""
    finance, manager = as_("finance", java_script_enabled=False), as_("manager")
    finance.open("/staff/limits").page.get_by_role("link", name="Ask for other limits").click()
    finance.page.get_by_label("one withdrawal, at least").fill("77")
    today = finance.page.get_by_label("Holds from").get_attribute("min")
    assert today
    finance.page.get_by_label("Holds from").fill(today)
    finance.says_why("too many small ones", "Show what will come of it")
    expect(finance.page.locator("main")).to_contain_text("The amount screen shows KES 77.00 to")
    finance.page.get_by_role("button", name="Ask for it").click()
    manager.page.goto(finance.page.url)
    assert manager.violations() == []
    expect(manager.page.get_by_role("row", name="at least")).to_contain_text("KES 77")
    manager.page.get_by_role("button", name="Agree, and do this").click()
    expect(manager.sentence).to_contain_text("One withdrawal may be KES 77.00")
    assert manager.violations() == []
    phone.choose(WANJIRU).dial().sees("Withdraw").press("1").sees("77")
    baraza.types("limits", "set", "--minimum", "50", "--reason", "the test is over", "--yes")
    baraza.audit()


ELSEWHERE = {
    "manager": ("/staff/members/M00001", "/staff/incidents", "/staff/record/seals", "/staff/you"),
    "ops": ("/staff/limits/ask", "/staff/tariffs/ask", "/staff/you/password"),
    "security": ("/staff/people", "/staff/people/1"),
}
"""Pages that no link at the top leads to, or that show more to this role than to a manager."""


def addresses(console: ConsolePage, role: str) -> list[str]:
    """Every page that a manager can reach from the top, and what else this role has."""
    links = console.page.locator("nav.ways a").all() if role == "manager" else []
    found = [str(link.get_attribute("href")) for link in links]
    assert len(found) >= (15 if role == "manager" else 0)
    return [*found, *ELSEWHERE[role]]


@pytest.mark.parametrize("language", ["en-GB", "sw-KE"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(as_: SignIn, language: str, scheme: str) -> None:
    found = []
    for role in ELSEWHERE:
        console = as_(role, locale=language, color_scheme=scheme)
        for path in addresses(console, role):
            found += console.open(path).violations()
    assert found == []


@pytest.mark.parametrize("language", ["en-GB", "sw-KE"])
def test_axe_finds_nothing_in_a_session_and_in_a_callback(
    phone: PhonePage, as_: SignIn, language: str
) -> None:
    """Of a withdrawal that was made on a phone and told by M-PESA."""
    phone.choose(WANJIRU)
    phone.withdraw(520)
    phone.comes_to("paid")
    ops = as_("ops", locale=language)
    for path in ("/staff/ussd", "/staff/inbound"):
        ops.open(path).page.locator("main tbody th a").first.click()
        expect(ops.page.locator("main pre").first).to_be_visible()
        assert ops.violations() == []


def test_it_can_be_used_enlarged(as_: SignIn) -> None:
    """At 400 %: the page itself never scrolls sideways; wide tables do, by themselves."""
    wider = []
    for role in ELSEWHERE:
        console = as_(role)
        paths = addresses(console, role)
        console.page.set_viewport_size({"width": 341, "height": 192})
        for path in paths:
            console.open(path)
            width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            wider += [path] if console.page.evaluate(width) > 0 else []
    assert wider == []


def test_pages_stay_within_their_budget(as_: SignIn) -> None:
    """The first page with all its files within 90 KB over the wire, each later one within 25."""
    support = as_("support")
    sizes: list[int] = []
    support.page.on("response", lambda one: sizes.append(len(one.body()) if one.ok else 0))
    support.open("/staff/payouts")
    assert sum(sizes) < 90_000
    expect(support.page.locator("nav.ways")).to_be_visible(timeout=SOON_MS)
