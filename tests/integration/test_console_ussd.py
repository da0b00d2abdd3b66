"""How members use the menus, on the console; real sessions through the real door."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.db import Database
from app.operations import ussd_use
from tests.support import databases, staff_site, ussd_site
from tests.support.staff_site import Browser
from tests.support.ussd_site import JUMA, WANJIRU, Site


@pytest.fixture
def door(db: Database, database_url: str, redis_url: str) -> Iterator[Site]:
    with ussd_site.running(db, database_url=database_url, redis_url=redis_url) as running:
        yield running


@pytest.fixture
def console(db: Database, database_url: str) -> Iterator[staff_site.Site]:
    with staff_site.running(
        db, database_url=database_url, redis_url="redis://127.0.0.1:1/0"
    ) as served:
        yield served


def signed_in(console: staff_site.Site, role: str) -> Browser:
    browser = console.browser()
    browser.sign_in(console.hire(f"{role}@sacco.example", role))
    return browser


def sessions(db: Database) -> list[ussd_use.Session]:
    with db.transaction() as tx:
        return ussd_use.sessions(tx, before=None)


def test_before_anybody_dialled_the_page_says_so(console: staff_site.Site) -> None:
    page = signed_in(console, "ops").get("/staff/ussd").text
    assert "Nobody has dialled yet." in page
    assert "Nothing yet in this time." in page


def test_the_funnel_counts_how_far_members_came(
    door: Site, console: staff_site.Site, db: Database
) -> None:
    """One only looks, one stops at the price, one types a wrong PIN and then the right one."""
    door.member()
    door.member(JUMA, pin="5193", language="sw")
    door.phone("+254733000999").dial()
    looks, stops = door.phone(JUMA), door.phone(JUMA)
    looks.dial()
    stops.dial()
    for answer in ("1", "300"):
        stops.reply(answer)
    goes = door.phone()
    goes.dial()
    for answer in ("1", "500", "0000", "4071"):
        goes.reply(answer)
    with db.transaction() as tx:
        counts = [step.count for step in ussd_use.funnel(tx, days=1)]
        shares = ussd_use.shares(tx, days=1)
        wrong = ussd_use.wrong_pins(tx)
    assert counts == [4, 2, 1, 1, 0]
    assert {(one.language, one.sessions, one.strangers) for one in shares} == {
        ("en", 2, 1),
        ("sw", 2, 0),
    }
    assert sum(one.count for one in wrong) == 1
    page = signed_in(console, "support").get("/staff/ussd?days=7").text
    assert "typed the right PIN" in page
    assert 'href="/staff/ussd?days=1"' in page
    assert '<td lang="en">accepted</td>' in page
    assert '<td lang="en">wrong pin</td>' in page
    for phone in (WANJIRU, JUMA):
        assert phone[4:] not in page.replace(f"M{phone}", "")
    assert page.count("<svg") == 2


def test_no_step_has_more_than_the_one_before_it(door: Site, db: Database) -> None:
    """A session that began before the time that is looked at counts in none of the steps."""
    door.member()
    phone = door.phone()
    phone.dial()
    for answer in ("1", "500", "4071"):
        phone.reply(answer)
    with db.transaction() as tx:
        assert [one.count for one in ussd_use.funnel(tx, days=1)] == [1, 1, 1, 1, 0]
    with db.transaction() as tx, databases.owner_of(tx) as owner:
        owner.execute(sa.text("UPDATE ussd_session SET started_at = now() - interval '25 hours'"))
    with db.transaction() as tx:
        assert [one.count for one in ussd_use.funnel(tx, days=1)] == [0] * 5
        assert [one.count for one in ussd_use.funnel(tx, days=7)] == [1, 1, 1, 1, 0]


def test_a_session_shows_what_is_kept_and_never_what_was_typed(
    door: Site, console: staff_site.Site, db: Database
) -> None:
    """The price, the answer, and the payout that came of it."""
    door.member()
    phone = door.phone()
    phone.dial()
    for answer in ("1", "500", "4071"):
        phone.reply(answer)
    (one,) = sessions(db)
    assert one.reference is not None
    page = signed_in(console, "support").get(f"/staff/ussd/{one.session_id}").text
    assert one.reference in page
    assert page.count('class="handset"') == 2
    assert "4071" not in page
    assert WANJIRU[1:] not in page.replace(f"M{WANJIRU}", "")
    assert "What the member typed never is" in page


def test_a_balance_shows_to_those_alone_who_may_see_it(
    door: Site, console: staff_site.Site, db: Database
) -> None:
    door.member()
    phone = door.phone()
    phone.dial()
    for answer in ("2", "4071"):
        phone.reply(answer)
    (one,) = sessions(db)
    path = f"/staff/ussd/{one.session_id}"
    assert "50,000" in signed_in(console, "auditor").get(path).text
    hidden = signed_in(console, "ops").get(path).text
    assert "50,000" not in hidden
    assert "••" in hidden


def test_what_is_not_there_is_not_found(console: staff_site.Site) -> None:
    ops = signed_in(console, "ops")
    assert ops.get("/staff/ussd/nothing").status_code == 404
    assert ops.get("/staff/ussd?days=x&before=yesterday").status_code == 200
    assert ops.get("/staff/ussd?before=" + "<b>" * 100).status_code == 200


def test_older_sessions_are_a_page_further(console: staff_site.Site, db: Database) -> None:
    with db.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO ussd_session (session_id, msisdn, service_code, menu_version,"
                " language, started_at) SELECT 's' || n, '+254712345678', '<b>*384#', 'v', 'en',"
                " now() - n * interval '1 minute' FROM generate_series(1, :n) n"
            ),
            {"n": ussd_use.PAGE + 1},
        )
    ops = signed_in(console, "ops")
    first = ops.get("/staff/ussd").text
    assert "<b>*384#" not in first
    assert f'/staff/ussd/s{ussd_use.PAGE}"' in first
    assert f'/staff/ussd/s{ussd_use.PAGE + 1}"' not in first
    older = first.partition('class="older" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert f'/staff/ussd/s{ussd_use.PAGE + 1}"' in ops.get(older).text


def test_sessions_of_one_moment_are_all_listed(console: staff_site.Site, db: Database) -> None:
    """The end of a page may fall among them; an id may hold whatever the gateway may send."""
    with db.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO ussd_session (session_id, msisdn, service_code, menu_version,"
                " language, started_at) SELECT 'AT/' || n || '?', '+254712345678', '*384#', 'v',"
                " 'en', now() FROM generate_series(1, :n) n"
            ),
            {"n": ussd_use.PAGE + 5},
        )
    with db.transaction() as tx:
        first = ussd_use.sessions(tx, before=None)[: ussd_use.PAGE]
        rest = ussd_use.sessions(tx, before=first[-1].session_id)
    assert len({one.session_id for one in (*first, *rest)}) == ussd_use.PAGE + 5
    ops = signed_in(console, "ops")
    link = ops.get("/staff/ussd").text.partition('href="/staff/ussd/AT/')[2].partition('"')[0]
    assert ops.get(f"/staff/ussd/AT/{link}").status_code == 200
