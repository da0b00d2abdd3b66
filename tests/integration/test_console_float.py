"""The float's page: nothing known, enough, little, empty; and asking for it."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.db import Database
from app.ledger import sealing
from app.operations import float_view
from app.operations.float_forecast import HOURS
from app.providers import breaker, float_readings
from app.providers.breaker import Cause
from tests.support import staff_site
from tests.support.databases import Logins
from tests.support.ledger import let_others_finish
from tests.support.staff_site import Browser, Site, csrf_token
from tests.support.stories import AMOUNT_CENTS, Stories


@pytest.fixture
def site(db: Database, database_logins: Logins) -> Iterator[Site]:
    with staff_site.running(
        db,
        database_url=database_logins.application,
        redis_url="redis://127.0.0.1:1/0",
        float_reserve_kes="5000",
    ) as served:
        yield served


@pytest.fixture
def finance(site: Site) -> Browser:
    browser = site.browser()
    browser.sign_in(site.hire("finance@sacco.example", "finance"))
    return browser


def told(db: Database, cents: int) -> None:
    """M-PESA tells the balance just now."""
    with db.transaction() as tx:
        float_readings.keep(tx, cents=cents, said_at=tx.scalar(sa.select(sa.func.now())))


def plain(page: str) -> str:
    return " ".join(page.split())


def test_before_m_pesa_told_it_the_page_says_so(finance: Browser) -> None:
    page = finance.get("/staff/float").text
    assert "M-PESA has not told the float yet." in page
    assert "Nothing went out in the last 30 days." in page


def test_what_is_promised_cannot_be_spent(finance: Browser, db: Database, redis_url: str) -> None:
    """Payouts on their way and in doubt, and those paid since the balance was told."""
    stories = Stories(db, redis_url)
    stories.paid()
    told(db, 10_000_00)
    for make in (stories.reserved, stories.submitted, stories.in_doubt, stories.paid):
        make()
    stories.reversed()
    with db.transaction() as tx:
        view = float_view.read(tx)
    assert view is not None
    assert view.promised_cents == 3 * AMOUNT_CENTS
    assert view.paid_since_cents == AMOUNT_CENTS
    assert view.spendable_cents == 10_000_00 - 4 * AMOUNT_CENTS
    assert len(view.hours) == HOURS
    assert sum(one.paid_cents for one in view.hours) == 2 * AMOUNT_CENTS
    page = plain(finance.get("/staff/float").text)
    assert "KES 4,000.00 of it may be spent. Nothing is left to begin" in page
    assert "KES 5,000.00" in page, "the reserve"
    assert page.count("<polyline") == 3


def test_a_payouts_own_result_tells_what_was_left_after_it(
    finance: Browser, db: Database, redis_url: str
) -> None:
    """It is booked later than M-PESA says, and still not taken off a second time."""
    stories = Stories(db, redis_url)
    reference = stories.paid()
    with db.transaction() as tx:
        query = sa.text("SELECT state_since - interval '2 seconds' FROM payout")
        said_at = tx.execute(query).scalar_one()
        float_readings.keep(tx, cents=48_500_00, said_at=said_at, reference=reference)
    with db.transaction() as tx:
        view = float_view.read(tx)
    assert view is not None
    assert (view.paid_since_cents, view.spendable_cents) == (0, 48_500_00)
    stories.paid()
    with db.transaction() as tx:
        later = float_view.read(tx)
    assert later is not None
    assert later.paid_since_cents == AMOUNT_CENTS


def test_an_old_balance_is_said_to_be_old(finance: Browser, db: Database) -> None:
    with db.transaction() as tx:
        said_at = tx.execute(sa.text("SELECT now() - interval '3 hours'")).scalar_one()
        float_readings.keep(tx, cents=48_500_00, said_at=said_at)
    assert "That is old." in finance.get("/staff/float").text
    told(db, 48_500_00)
    assert "That is old." not in finance.get("/staff/float").text


def test_little_and_nothing_are_said_in_words(
    finance: Browser, db: Database, redis_url: str
) -> None:
    Stories(db, redis_url).paid()
    for cents, words in (
        (0, "Nothing is left to begin another payout with."),
        (5_000_00 + AMOUNT_CENTS // 2, "Top up now."),
        (5_000_00, "Nothing is left to begin another payout with."),
        (AMOUNT_CENTS * 100, "it is enough for it."),
    ):
        told(db, cents)
        page = plain(finance.get("/staff/float").text)
        assert words in page, cents
        assert ("Top up" in page) is (cents < AMOUNT_CENTS * 100)


def test_an_empty_float_that_stops_payouts_is_said_with_its_cure(
    finance: Browser, db: Database
) -> None:
    with db.transaction() as tx:
        breaker.open_for(tx, Cause.FLOAT, code="1", probe_about=None)
    page = plain(finance.get("/staff/float").text)
    assert "No payout is begun since" in page
    assert "Top it up" in page


def test_m_pesa_is_asked_once_and_on_record(site: Site, finance: Browser, db: Database) -> None:
    token = csrf_token(finance.get("/staff/float").text)
    first = finance.send("/staff/float/ask", csrf_token=token)
    again = finance.send("/staff/float/ask", csrf_token=token)
    assert first.headers["Location"].endswith("done=asked")
    assert again.headers["Location"].endswith("done=asking")
    assert "M-PESA will be asked within seconds" in finance.get(first.headers["Location"]).text
    with db.transaction() as tx:
        asked = tx.scalar(sa.text("SELECT count(*) FROM balance_query WHERE asked_at IS NULL"))
        acts = tx.scalar(sa.text("SELECT count(*) FROM staff_action WHERE action = 'float_asked'"))
    assert (asked, acts) == (1, 1)


def test_what_went_out_is_by_the_sealed_books(
    finance: Browser, db: Database, redis_url: str
) -> None:
    stories = Stories(db, redis_url)
    stories.paid()
    stories.paid()
    let_others_finish(db)
    with db.transaction() as tx:
        sealing.seal(tx)
    with db.transaction() as tx:
        (today,) = float_view.days(tx)
    assert (today.out_cents, today.guarantee_cents) == (2 * AMOUNT_CENTS, AMOUNT_CENTS // 5)
    assert "KES 3,000.00" in finance.get("/staff/float").text
