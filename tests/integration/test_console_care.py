"""Who is at what needs a person, on the console: taken, handed over, put off, noted."""

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.audit import Actor
from app.db import Database
from app.payouts import cases, owners
from app.payouts.owners import TooLong
from app.staff import accounts
from app.staff.accounts import Role
from tests.support import databases, staff_site
from tests.support.databases import Logins
from tests.support.staff_site import Browser, Site, send
from tests.support.stories import Stories

HOSTILE = "<script>alert('x')</script>\"" + "x" * 400


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
        for role in (Role.OPS, Role.SUPPORT, Role.AUDITOR):
            served.hire(f"{role}@sacco.example", role)
        yield served
    db.close()


@pytest.fixture(scope="module")
def ops(site: Site) -> Browser:
    browser = site.browser()
    browser.sign_in("ops@sacco.example")
    return browser


@pytest.fixture(scope="module")
def stories(site: Site, redis_server: str) -> Stories:
    return Stories(site.db, redis_server)


@pytest.fixture
def owed(stories: Stories) -> str:
    """A payout that was paid after its money had gone back."""
    return stories.recovery()


def test_a_case_is_taken_handed_over_and_put_off(ops: Browser, owed: str) -> None:
    """Each is on record, and the list says who is at it."""
    page = f"/staff/payouts/{owed}"
    assert "Nobody is at it yet." in ops.get(page).text
    listed = ops.get("/staff/attention").text
    assert f'value="{owed}"' in listed
    status, told = send(ops, "/staff/attention/take", reference=owed.lower())
    assert (status, "It is yours." in told) == (200, True)
    assert f'value="{owed}"' not in told
    assert "Wanjiru Otieno is at it." in ops.get(page).text
    told = send(ops, f"{page}/hand-over", to="Support@sacco.example", reason="knows her")[1]
    assert "It is your colleague&#39;s now." in told
    assert "support@sacco.example" in ops.get("/staff/attention").text
    told = send(ops, f"{page}/put-off", hours="4", reason="the branch calls at noon")[1]
    assert re.search("Put off for [34] h: the branch calls at noon", told)
    assert "put off for" in ops.get("/staff/attention").text
    for act in ("case taken", "case handed over", "case put off"):
        assert f">{act}<" in told


def test_what_is_put_off_comes_back_and_comes_last(
    site: Site, ops: Browser, owed: str, logins: Logins, stories: Stories
) -> None:
    later = stories.recovery()
    send(ops, f"/staff/payouts/{owed}/put-off", hours="1", reason="lunch")

    def order() -> list[str]:
        with site.db.transaction() as tx:
            return [one.reference for one in cases.listed(tx, limit=100)]

    assert order().index(later) < order().index(owed)
    owner = Database(logins.owner, role=None, name="tests")
    with owner.transaction() as tx:
        tx.execute(sa.text("UPDATE payout_owner SET put_off_until = now()"))
    owner.close()
    assert order().index(owed) < order().index(later)
    with site.db.transaction() as tx:
        found = owners.of(tx, owed)
    assert found is not None
    assert (found.email, found.put_off_until) == ("ops@sacco.example", None)


@pytest.mark.parametrize("hours", ["0", "5", "-1", "many", ""])
def test_nothing_is_put_off_for_long(ops: Browser, owed: str, hours: str) -> None:
    status, told = send(ops, f"/staff/payouts/{owed}/put-off", hours=hours, reason="x")
    assert (status, "CA-05" in told) == (409, True)


def test_only_a_colleague_takes_over(site: Site, ops: Browser, owed: str) -> None:
    """Nobody unknown, and nobody who has left."""
    gone = site.hire("left@sacco.example", "ops")
    with site.db.transaction() as tx:
        accounts.disable(tx, email=gone)
    for to in ("nobody@sacco.example", gone, HOSTILE):
        status, told = send(ops, f"/staff/payouts/{owed}/hand-over", to=to, reason="x")
        assert (status, "CA-04" in told, "<script>alert" in told) == (409, True, False)


def test_a_note_stays_with_the_payout(ops: Browser, owed: str) -> None:
    """As text, however hostile; cut to what a note may hold."""
    status, told = send(ops, f"/staff/payouts/{owed}/note", reason=HOSTILE)
    assert (status, "The note is kept." in told) == (200, True)
    assert "&lt;script&gt;alert" in told
    assert "<script>alert" not in told
    assert "x" * 301 not in told
    assert send(ops, f"/staff/payouts/{owed}/note", reason="  ")[0] == 409
    assert send(ops, "/staff/payouts/BRZ2222222/note", reason="x")[0] == 409
    assert owed in ops.get("/staff/payouts?view=touched").text


def test_cases_of_one_cause_are_counted_together(
    site: Site, ops: Browser, stories: Stories
) -> None:
    stories.recovery()
    with site.db.transaction() as tx:
        found = cases.causes(tx, limit=10)
        everything = cases.listed(tx, limit=1000)
    assert sum(one.cases for one in found) <= len(everything)
    assert max(one.cases for one in found) >= 2
    assert f"{found[0].cases} payouts" in ops.get("/staff/attention").text


def test_an_alert_says_who_is_at_it(site: Site, ops: Browser, logins: Logins) -> None:
    with site.db.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO alert (rule, subject, severity, detail)"
                " VALUES ('workers_silent', 'all', 'page', :detail)"
            ),
            {"detail": HOSTILE},
        )
    assert "I am at an alert" in ops.get("/staff/attention").text
    told = send(
        ops,
        "/staff/attention/acknowledge",
        rule="workers_silent",
        subject="all",
        reason="restarting",
    )[1]
    assert "It is known that you are at it." in told
    assert "restarting" in told
    assert "<script>alert" not in told
    status, _ = send(ops, "/staff/attention/acknowledge", rule="none", subject="x", reason="x")
    assert status == 409


def test_a_case_is_put_off_by_hours_only(site: Site, owed: str) -> None:
    """Also for code that asks for longer."""
    with pytest.raises(TooLong), site.db.transaction() as tx:
        owners.put_off(tx, owed, hours=24, reason="x", by=Actor("tests"))
