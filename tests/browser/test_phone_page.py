"""What a person sees at the phone page when all goes well, and when it does not.

Each story is watched at every place where it leaves a trace: the phone's screen, its SMS, the saga,
the money, the books, and M-PESA's own count of what it paid.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Running
from tests.browser.phone_page import SETTLED_MS, SOON_MS, PhonePage

WANJIRU = "+254712345678"
JUMA = "+254722345679"
IN_DOUBT_MS = 8_000


def test_a_withdrawal_is_seen_at_every_place(baraza: Running, phone: PhonePage) -> None:
    before = baraza.paid(WANJIRU)
    reference = phone.withdraw(1500)
    phone.comes_to("paid").gets_sms(f"{reference} Confirmed")
    expect(phone.at("money-sentence")).to_contain_text("M-PESA paid KES 1,500.00")
    expect(phone.at("balance-transit")).to_contain_text("0.00")
    expect(phone.at("ledger")).to_contain_text("Payouts in transit")
    expect(phone.at("mpesa-knows")).to_contain_text("Paid KES 1,500.00 once", timeout=SOON_MS)
    paid = baraza.paid(WANJIRU)
    assert (paid["times"], paid["cents"]) == (before["times"] + 1, before["cents"] + 1_500_00)
    phone.is_green()
    baraza.audit()


def test_a_lost_result_is_asked_about_and_the_page_shows_both_truths(
    baraza: Running, phone: PhonePage
) -> None:
    """M-PESA has long paid while Baraza, which cannot know it, holds the money and asks."""
    before = baraza.paid(WANJIRU)["times"]
    phone.arm("callback_never")
    phone.withdraw(700)
    phone.comes_to("in_doubt", within_ms=IN_DOUBT_MS)
    expect(phone.at("mpesa-knows")).to_contain_text("Paid KES 700.00 once", timeout=SOON_MS)
    expect(phone.at("money-sentence")).to_contain_text("nobody knows yet")
    expect(phone.at("waits")).to_contain_text("Baraza asks M-PESA")
    phone.is_green()
    phone.comes_to("paid").gets_sms("KES 700.00 sent to M-PESA")
    expect(phone.at("timeline")).to_contain_text("status query")
    assert baraza.paid(WANJIRU)["times"] == before + 1
    phone.is_green()
    baraza.audit()


def test_a_result_that_comes_twice_pays_once(baraza: Running, phone: PhonePage) -> None:
    """By the amount alone, as the page's magic amounts promise."""
    before = baraza.paid(WANJIRU)["times"]
    reference = phone.withdraw(604)
    phone.comes_to("paid").gets_sms(f"{reference} Confirmed")
    expect(phone.at("timeline")).to_contain_text("2 copies", timeout=SOON_MS)
    expect(phone.at("sms").filter(has_text=reference)).to_have_count(1)
    assert baraza.paid(WANJIRU)["times"] == before + 1
    phone.is_green()
    baraza.audit()


def test_a_refusal_gives_the_money_back_and_says_why(baraza: Running, phone: PhonePage) -> None:
    before = baraza.paid(WANJIRU)
    savings = phone.at("balance-savings").inner_text()
    reference = phone.withdraw(802)
    phone.comes_to("reversed").gets_sms(reference)
    expect(phone.at("money-sentence")).to_contain_text("back in the member's savings")
    expect(phone.at("balance-savings")).to_have_text(savings, timeout=SOON_MS)
    expect(phone.at("ledger")).to_contain_text("compensate")
    assert baraza.paid(WANJIRU) == before
    phone.is_green()
    baraza.audit()


@pytest.mark.parametrize("act", ["kill-pay", "kill-parent"])
def test_a_killed_worker_loses_and_doubles_nothing(
    baraza: Running, phone: PhonePage, act: str
) -> None:
    """In the middle of a call that M-PESA has taken and does not answer."""
    before = baraza.paid(WANJIRU)["times"]
    phone.arm("hang_then_pay")
    phone.withdraw(900)
    phone.comes_to("submitting", within_ms=SOON_MS)
    phone.at(f"act-{act}").click()
    phone.comes_to("paid").gets_sms("KES 900.00 sent to M-PESA")
    assert baraza.paid(WANJIRU)["times"] == before + 1
    phone.is_green()
    baraza.audit()


def test_a_wiped_redis_is_a_delay(baraza: Running, phone: PhonePage) -> None:
    before = baraza.paid(WANJIRU)["times"]
    phone.dial().sees("Withdraw").press("1").sees("amount")
    phone.at("act-wipe-redis").click()
    phone.press("500").sees("PIN")
    phone.press("4071").follow()
    phone.comes_to("paid")
    assert baraza.paid(WANJIRU)["times"] == before + 1
    baraza.audit()


def test_the_same_request_twice_at_once_is_one_withdrawal(
    baraza: Running, phone: PhonePage
) -> None:
    before = baraza.paid(WANJIRU)["times"]
    phone.dial().sees("Withdraw").press("1").sees("amount").press("515").sees("PIN")
    phone.at("signal-twice").click()
    phone.press("4071").follow()
    phone.comes_to("paid")
    assert baraza.paid(WANJIRU)["times"] == before + 1
    baraza.audit()


def test_a_lost_answer_leaves_the_withdrawal_and_redialling_tells_of_it(
    baraza: Running, phone: PhonePage
) -> None:
    """The phone never saw the last screen; Baraza had taken the request all the same."""
    before = baraza.paid(WANJIRU)["times"]
    phone.arm("callback_never")
    phone.dial().sees("Withdraw").press("1").sees("amount").press("520").sees("PIN")
    phone.at("signal-lose").click()
    phone.press("4071")
    phone.comes_to("submitted", within_ms=SOON_MS)
    phone.dial().sees("BRZ")
    phone.at("hangup").click()
    phone.comes_to("paid")
    assert baraza.paid(WANJIRU)["times"] == before + 1
    baraza.audit()


def test_a_pin_is_readable_on_the_phones_screen_only(phone: PhonePage) -> None:
    phone.dial().sees("Withdraw").press("2").sees("PIN").press("4071").sees("KES")
    assert "4071" not in phone.at("timeline").inner_text()
    assert "4071" not in phone.at("inbox").inner_text()


def test_a_second_member_has_a_phone_of_her_own(baraza: Running, phone: PhonePage) -> None:
    """In her language, with her own messages and money."""
    phone.choose(JUMA).dial().sees("Tuma akiba kwenda M-PESA").press("1").sees("kiasi")
    reference = phone.press("650").sees("PIN").press("5193").follow()
    phone.comes_to("paid").gets_sms(reference)
    baraza.audit()


def test_the_keyboard_is_enough(baraza: Running, phone: PhonePage) -> None:
    """Not a single press of the mouse: digits type, Enter sends, Escape hangs up."""
    before = baraza.paid(WANJIRU)["times"]
    keys = phone.page.keyboard
    phone.at("dial").focus()
    keys.press("Enter")
    phone.sees("Withdraw")
    for text, words in (("1", "amount"), ("530", "PIN"), ("4071", "BRZ")):
        keys.type(text)
        keys.press("Enter")
        phone.sees(words)
    phone.follow()
    phone.comes_to("paid")
    assert baraza.paid(WANJIRU)["times"] == before + 1
    phone.at("dial").focus()
    keys.press("Enter")
    phone.sees("Withdraw")
    keys.press("Escape")
    expect(phone.at("screen")).not_to_contain_text("Withdraw", timeout=SOON_MS)


def test_a_keyboard_reaches_every_button_and_leaves_again(phone: PhonePage) -> None:
    """No trap: going on with Tab comes around."""
    seen = []
    for _ in range(250):
        phone.page.keyboard.press("Tab")
        name = phone.page.evaluate("document.activeElement.dataset.testid ?? ''")
        seen.append(name)
        if len(seen) > 40 and seen[-3:] == seen[:3]:
            break
    for testid in ("key-5", "dial", "hangup", "member", "tour"):
        assert testid in seen


def violations(phone: PhonePage) -> list[str]:
    """What axe finds against the page as it stands."""
    found = Axe().run(phone.page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(phone: PhonePage, scheme: str) -> None:
    """Empty, in the middle of a withdrawal and after it, in both colour schemes and languages."""
    phone.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    assert violations(phone) == []
    phone.choose(JUMA).dial().sees("M-PESA")
    assert violations(phone) == []
    phone.choose(WANJIRU)
    phone.withdraw(540)
    phone.comes_to("paid")
    assert violations(phone) == []


def test_it_can_be_used_narrow_and_enlarged(phone: PhonePage) -> None:
    """At 800 pixels and at 400 % (1366 pixels then hold 341) nothing is cut off sideways."""
    for width in (800, 341):
        phone.page.set_viewport_size({"width": width, "height": 768})
        across = phone.page.evaluate("document.documentElement.scrollWidth")
        assert across <= width
        phone.dial().sees("Withdraw")
        phone.at("hangup").click()


def test_the_tour_leads_to_the_lost_result_and_explains_it(
    baraza: Running, phone: PhonePage
) -> None:
    """By its own button alone, as a newcomer in a hurry would."""
    phone.at("tour").click()
    phone.at("tour-chapter-2").click()
    steps = phone.at("tour-step")
    count = steps.count()
    assert count >= 3
    phone.at("tour-do-it").click()
    expect(phone.page.locator('[data-testid="tour-step"][data-done="true"]')).to_have_count(
        count, timeout=SETTLED_MS
    )
    phone.comes_to("paid")
    baraza.audit()


def test_away_and_back_again_is_told_and_forgotten(phone: PhonePage) -> None:
    """The page says what is wrong and goes on by itself."""
    phone.page.context.set_offline(True)
    expect(phone.at("banner")).to_be_visible(timeout=SOON_MS)
    phone.page.context.set_offline(False)
    expect(phone.at("banner")).to_be_hidden(timeout=SOON_MS)
    phone.complaints.clear()  # the browser itself reports every fetch that failed
    phone.dial().sees("Withdraw")
