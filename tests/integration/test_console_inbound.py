"""What M-PESA sent, on the console: lists, one callback, who was turned away."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.db import Database
from app.operations.inbound import PAGE
from app.payouts import inbox
from app.payouts.inbox import Kind
from tests.support import databases, staff_site
from tests.support.databases import Logins
from tests.support.staff_site import Browser, Site
from tests.support.stories import Stories

HOSTILE = "<script>alert('x')</script>\"'{{7*7}}" + "x" * 300
PHONE = "254712345678"


@pytest.fixture(scope="module")
def logins(database_server: Logins, database_template: str) -> Iterator[Logins]:
    with databases.copy(database_server, database_template) as made:
        yield made


@pytest.fixture(scope="module")
def site(logins: Logins) -> Iterator[Site]:
    db = Database(logins.application, name="tests")
    with staff_site.running(
        db, database_url=logins.application, redis_url="redis://127.0.0.1:1/0"
    ) as served:
        for role in ("ops", "manager"):
            served.hire(f"{role}@sacco.example", role)
        yield served
    db.close()


@pytest.fixture(scope="module")
def reference(site: Site, redis_server: str) -> str:
    return Stories(site.db, redis_server).submitted()


@pytest.fixture(scope="module")
def ops(site: Site) -> Browser:
    return signed_in(site, "ops")


def signed_in(site: Site, role: str) -> Browser:
    browser = site.browser()
    browser.sign_in(f"{role}@sacco.example")
    return browser


def file(site: Site, reference: str, kind: Kind = Kind.B2C_RESULT, **body: Any) -> int:
    """File a callback about a payout; its number."""
    with site.db.transaction() as tx:
        payout = tx.scalar(sa.text("SELECT id FROM payout WHERE reference = :r"), {"r": reference})
        query = uuid4() if kind in {Kind.STATUS_RESULT, Kind.STATUS_TIMEOUT} else None
        if query is not None:
            tx.execute(
                sa.text("INSERT INTO status_query (id, payout_id) VALUES (:id, :payout)"),
                {"id": query, "payout": payout},
            )
        inbox.file(
            tx, kind=kind, payout_id=payout, query_id=query, body=body, source="196.201.214.200"
        )
        return int(tx.execute(sa.text("SELECT max(id) FROM inbox")).scalar_one())


def test_an_empty_list_says_what_will_come(ops: Browser) -> None:
    page = ops.get("/staff/inbound").text
    assert "No callback fits." in page
    assert "Nobody was turned away." in page


def test_one_callback_is_shown_as_text_without_phones(
    site: Site, ops: Browser, reference: str
) -> None:
    """For everybody: whoever may see more has a reason on the payout's page. Nothing runs."""
    number = file(site, reference, Result={"Remark": HOSTILE, "Phone": PHONE})
    for browser in (ops, signed_in(site, "manager")):
        page = browser.get(f"/staff/inbound/{number}").text
        assert PHONE not in page
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
        assert "{{7*7}}" in page.replace("&#39;", "'")
        assert reference in page
    assert ops.get("/staff/inbound/999999").status_code == 404


def test_a_name_in_a_body_is_cut_to_its_first_word(
    site: Site, ops: Browser, reference: str
) -> None:
    """As everywhere on the console."""
    value = {"Key": "ReceiverPartyPublicName", "Value": f'{PHONE} - Wanjiku "W" Kamau'}
    number = file(site, reference, Result={"ResultParameter": [value], "After": "stays"})
    page = ops.get(f"/staff/inbound/{number}").text
    assert "0712***678 - Wanjiku ••••" in page
    assert "Kamau" not in page
    assert "stays" in page


def test_the_payouts_page_leads_to_what_m_pesa_sent_about_it(
    site: Site, ops: Browser, reference: str
) -> None:
    number = file(site, reference, Result={"n": 1})
    assert f"/staff/inbound/{number}" in ops.get(f"/staff/payouts/{reference}").text


def test_views_and_kinds_narrow_the_list(site: Site, ops: Browser, reference: str) -> None:
    """What waits, what came twice, what is of one kind."""
    twice = file(site, reference, Result={"n": 2})
    file(site, reference, Result={"n": 2})
    status = file(site, reference, Kind.STATUS_RESULT, Result={"n": 3})
    with site.db.transaction() as tx:
        tx.execute(
            sa.text("UPDATE inbox SET worked_at = now(), verdict = 'doubt' WHERE id = :id"),
            {"id": twice},
        )

    def there(query: str, number: int) -> bool:
        return f'/staff/inbound/{number}"' in ops.get(f"/staff/inbound{query}").text

    assert there("", twice)
    assert there("", status)
    assert there("?view=doubled", twice)
    assert not there("?view=doubled", status)
    assert not there("?view=waiting", twice)
    assert there("?view=waiting", status)
    assert there("?kind=status_result", status)
    assert not there("?kind=status_result", twice)
    assert there("?view=nonsense&kind=nonsense&before=x", twice)
    assert there(f"?payout={reference.lower()}", twice)
    assert there(f"?payout={reference}&kind=status_result&view=waiting", status)
    assert not there("?payout=BRZ2222222", twice)
    assert not there(f"?payout={HOSTILE}", twice)


@pytest.mark.parametrize("before", ["9" * 19, "9" * 5000])
def test_a_number_that_no_callback_can_have_leaves_the_list_whole(
    ops: Browser, before: str
) -> None:
    assert ops.get(f"/staff/inbound?before={before}").status_code == 200


def test_older_ones_are_a_page_further(site: Site, ops: Browser, reference: str) -> None:
    numbers = [file(site, reference, Result={"many": i}) for i in range(PAGE + 1)]
    first = ops.get("/staff/inbound").text
    assert f"/staff/inbound/{numbers[-1]}" in first
    assert f'/staff/inbound/{numbers[0]}"' not in first
    older = first.partition('class="older" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert f'/staff/inbound/{numbers[0]}"' in ops.get(older).text


def test_who_was_turned_away_is_counted_and_drawn(site: Site, ops: Browser) -> None:
    with site.db.transaction() as tx:
        for reason, callbacks in (("wrong token", 7), ("source not listed", 2), ("wrong token", 1)):
            tx.execute(
                sa.text("INSERT INTO callback_refusal (reason, callbacks) VALUES (:r, :n)"),
                {"r": reason, "n": callbacks},
            )
    page = ops.get("/staff/inbound").text
    assert '<th scope="row" lang="en">wrong token</th><td class="right">8</td>' in page
    assert page.index("wrong token") < page.index("source not listed")
    assert "<rect" in page
