"""What is held back from M-PESA and the SMS gateway: one person may, two let it go on."""

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.db import Database, Tx
from app.providers import breaker, pauses
from app.providers.breaker import Cause
from app.providers.pauses import Held
from app.staff.accounts import Role
from tests.support import databases, staff_site
from tests.support.staff_site import Browser, Site, post
from tests.support.stories import Stories

EVIL = "<script>alert(1)</script>\"'"


@pytest.fixture
def site(db: Database, database_url: str) -> Iterator[Site]:
    with staff_site.running(
        db, database_url=database_url, redis_url="redis://127.0.0.1:1/0"
    ) as served:
        yield served


@pytest.fixture
def people(site: Site) -> dict[Role, Browser]:
    return site.people()


@pytest.fixture
def stories(site: Site, redis_url: str) -> Stories:
    return Stories(site.db, redis_url)


def asked(page: str) -> str:
    """The number of the request that a page is about."""
    found = re.search(r"Request (\d+)", page)
    assert found, page
    return found[1]


def row(page: str, what: str) -> str:
    """A row of the table of what is held back, without its tags."""
    found = page.partition(f'<th scope="row">{what}</th>')[2].partition("</tr>")[0]
    return re.sub(r"<[^>]+>|\s+", " ", found)


def opened(tx: Tx, cause: Cause, code: str | None = None) -> None:
    assert breaker.open_for(tx, cause, code=code, probe_about=None)


def test_a_stuck_provider_is_seen_with_its_cause_and_its_cure(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    """On everybody's first page as a sentence; on Controls with what to do and what waits."""
    stories.reserved()
    assert "M-PESA takes payouts." in people[Role.AUDITOR].get("/staff/").text
    with stories.db.transaction() as tx:
        opened(tx, Cause.FLOAT, "1")
    for role in Role:
        page = people[role].get("/staff/").text
        assert "The utility account at M-PESA is empty or below its reserve." in page, role
        assert "M-PESA takes payouts." not in page
    page = people[Role.SUPPORT].get("/staff/controls").text
    assert "Top it up." in page
    assert "code: 1." in page
    assert "stuck" in row(page, "payouts")
    assert "1 · KES 1,500.00" in row(page, "payouts")
    assert "goes on" in row(page, "SMS")
    assert "Ask for payouts to go on" not in page
    assert "Ask for payouts to go on" in people[Role.FINANCE].get("/staff/controls").text


def test_two_people_close_the_breaker_and_see_what_goes_out(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    """The maker is told why he may not agree; the checker sees how much is sent."""
    stories.reserved()
    with stories.db.transaction() as tx:
        opened(tx, Cause.SETUP, "11")
    page = post(people[Role.OPS], "/staff/controls/let-go", step="pay", reason="they mended it")
    assert "1 payouts are sent at once, KES 1,500.00 together." in page
    assert "at the cost of one failed withdrawal" in page
    number = asked(page)
    assert "AP-01" in post(people[Role.FINANCE], "/staff/controls/let-go", step="pay", reason="x")
    refused = post(people[Role.OPS], f"/staff/approvals/{number}/approve")
    assert "Not for your role" in refused
    with stories.db.transaction() as tx:
        assert breaker.current(tx).is_open
    shown = people[Role.MANAGER].get(f"/staff/approvals/{number}").text
    assert "1 payouts are sent at once, KES 1,500.00 together." in shown
    done = post(people[Role.MANAGER], f"/staff/approvals/{number}/approve")
    assert "goes on" in row(done, "payouts")
    with stories.db.transaction() as tx:
        assert not breaker.current(tx).is_open
        said = tx.execute(
            sa.text("SELECT detail FROM staff_action WHERE action = 'provider_resumed'")
        ).scalar_one()
    assert (said["reason"], said["breaker_was_open"]) == ("they mended it", True)


def test_a_worse_cause_in_between_voids_the_request(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    """What was asked for an empty float does not let a locked login try again."""
    with stories.db.transaction() as tx:
        opened(tx, Cause.FLOAT)
    number = asked(post(people[Role.OPS], "/staff/controls/let-go", step="pay", reason="topped up"))
    with stories.db.transaction() as tx:
        opened(tx, Cause.LOGIN, "2001")
    assert "AP-04" in post(people[Role.MANAGER], f"/staff/approvals/{number}/approve")
    with stories.db.transaction() as tx:
        assert breaker.current(tx).cause is Cause.LOGIN


@pytest.mark.parametrize(
    ("step", "what"), [("pay", "payouts"), ("ask", "questions to M-PESA"), ("sms", "SMS")]
)
def test_one_person_holds_back_and_two_let_go(
    people: dict[Role, Browser], site: Site, step: str, what: str
) -> None:
    """For a length and a reason that all see; it does not end sooner by a shorter hold."""
    held = post(people[Role.SUPPORT], "/staff/controls/hold", step=step, hours="4", reason=EVIL)
    assert "It is held back." in held
    assert "&lt;script&gt;alert(1)" in row(held, what)
    assert "Wanjiru Otieno" in row(held, what)
    assert "<script>alert" not in held + people[Role.AUDITOR].get("/staff/").text
    assert "PRV-12" in post(
        people[Role.MANAGER], "/staff/controls/hold", step=step, hours="1", reason="shorter"
    )
    longer = post(people[Role.OPS], "/staff/controls/hold", step=step, hours="24", reason="longer")
    assert "longer" in row(longer, what)
    page = post(people[Role.FINANCE], "/staff/controls/let-go", step=step, reason="y" * 300)
    done = post(people[Role.MANAGER], f"/staff/approvals/{asked(page)}/approve")
    assert "goes on" in row(done, what)
    with site.db.transaction() as tx:
        assert pauses.in_force(tx) == []
    assert "PRV-11" in post(people[Role.OPS], "/staff/controls/let-go", step=step, reason="again")


def test_what_cannot_be_chosen_is_refused_with_its_reason(
    people: dict[Role, Browser], site: Site
) -> None:
    ops = people[Role.OPS]
    assert "CO-12" in post(ops, "/staff/controls/hold", step="all", hours="1", reason="x")
    assert "CO-12" in post(ops, "/staff/controls/hold", step="pay", hours="999", reason="x")
    assert "CO-01" in post(ops, "/staff/controls/hold", step="pay", hours="1", reason=" ")
    assert "CO-12" in post(ops, "/staff/controls/let-go", step=EVIL, reason="x")
    with site.db.transaction() as tx:
        assert pauses.in_force(tx) == []


def test_a_hold_that_ended_by_itself_needs_nobody(people: dict[Role, Browser], site: Site) -> None:
    """A request to end it is void then."""
    post(people[Role.OPS], "/staff/controls/hold", step="ask", hours="1", reason="maintenance")
    number = asked(post(people[Role.OPS], "/staff/controls/let-go", step="ask", reason="over"))
    with site.db.transaction() as tx, databases.owner_of(tx) as owner:
        owner.execute(
            sa.text(
                "UPDATE provider_pause SET paused_at = now() - interval '2 h',"
                " until = now() - interval '1 h'"
            )
        )
    assert "PRV-11" in people[Role.MANAGER].get(f"/staff/approvals/{number}").text
    assert "goes on" in row(people[Role.OPS].get("/staff/controls").text, "questions to M-PESA")
    with site.db.transaction() as tx:
        assert Held.ASK not in {one.step for one in pauses.in_force(tx)}


def test_an_empty_account_at_the_gateway_shows_where_sms_stand(
    people: dict[Role, Browser], site: Site
) -> None:
    with site.db.transaction() as tx:
        tx.execute(sa.text("INSERT INTO sms_pause (reason, probe_at) VALUES ('405', now())"))
    page = people[Role.OPS].get("/staff/controls").text
    assert "The account at the gateway is empty." in row(page, "SMS")
    assert "Ask for SMS to go on" not in page
