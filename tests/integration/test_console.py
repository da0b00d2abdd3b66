"""The operations console, over a real socket on a real database."""

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from app.audit import operator
from app.db import Database, DatabaseAway
from app.operations import record_seals
from app.payouts import switch
from app.staff.accounts import Role
from app.staff.audit import Action as Done
from app.staff.console import routes, words
from app.staff.permissions import ROLES, Permission
from tests.support import console_texts, databases, staff_site
from tests.support.databases import Logins
from tests.support.staff_site import Browser, Site, csrf_token, post
from tests.support.stories import AMOUNT_CENTS, Stories

OPEN_TO_ALL = {
    "staff.login", "staff.sign_in", "staff.code", "staff.sign_in_with_code", "staff.sign_out",
    "staff.static", "passkey.question", "passkey.sign_in",
    "language.choose", "demo_staff.be", "joining.join", "joining.set_password",
}  # fmt: skip
"""What needs nobody signed in."""
ANY = {
    "reference": "BRZ2222222",
    "action": "release",
    "number": "999",
    "digest": "00",
    "day": "2026-01-01",
    "message": "00000000-0000-4000-8000-000000000000",
    "member_no": "M999",
    "act": "dismiss",
    "session_id": "none",
}
ALL_ROLES = sorted(Role)


@pytest.fixture(scope="module")
def logins(database_server: Logins, database_template: str) -> Iterator[Logins]:
    with databases.copy(database_server, database_template) as made:
        yield made


@pytest.fixture(scope="module")
def site(logins: Logins) -> Iterator[Site]:
    """The pages, with a person for each role."""
    db = Database(logins.application, name="tests")
    with staff_site.running(
        db, database_url=logins.application, redis_url="redis://127.0.0.1:1/0"
    ) as served:
        yield served
    db.close()


@pytest.fixture(scope="module")
def stories(site: Site, redis_server: str) -> Stories:
    return Stories(site.db, redis_server)


@pytest.fixture(scope="module")
def people(site: Site) -> dict[Role, Browser]:
    return site.people()


def ways(app: Flask) -> list[tuple[str, str, str]]:
    """Every staff address: method, path, endpoint."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/staff") and not rule.endpoint.startswith("rq_dashboard."):
            path = (
                re.sub(r"<(?:[^:>]+:)?(\w+)>", lambda m: ANY[m[1]], rule.rule)
                if (rule.endpoint not in OPEN_TO_ALL)
                else rule.rule
            )
            found += [
                (m, path, rule.endpoint) for m in (rule.methods or set()) - {"HEAD", "OPTIONS"}
            ]
    return sorted(found)


def test_every_address_says_who_may_open_it(site: Site) -> None:
    """A page without an entry in the table does not exist."""
    endpoints = {endpoint for _, _, endpoint in ways(site.app)}
    assert endpoints - OPEN_TO_ALL == set(routes.NEEDS)
    assert set(ROLES) == set(Permission)


def test_every_page_opens_for_those_who_may_and_for_nobody_else(
    site: Site, people: dict[Role, Browser]
) -> None:
    """Each address for each role: shown or done, or refused with who may."""
    nobody = site.browser()
    tokens = {role: csrf_token(browser.get("/staff/").text) for role, browser in people.items()}
    for method, path, endpoint in ways(site.app):
        if endpoint in OPEN_TO_ALL:
            continue
        if method == "GET":
            asked = nobody.get(path)
            assert (asked.status_code, "/staff/login" in asked.headers["Location"]) == (302, True)
        if endpoint == "console.end_sessions":
            continue  # it would end the walk; the next test does it
        for role, browser in people.items():
            fields = {"csrf_token": tokens[role], "reason": "a test", "wanted": "nothing"}
            answer = browser.get(path) if method == "GET" else browser.send(path, **fields)
            allowed = role in ROLES[routes.NEEDS[endpoint]]
            assert (answer.status_code != 403) is allowed, (method, path, role)
            assert answer.status_code < 500, (method, path, role, answer.text)
            if not allowed:
                assert "Not for your role" in answer.text
    with site.db.transaction() as tx:  # one of the addresses is the brake
        switch.resume(tx, reason="the walk is over", by=operator())


def test_a_number_that_no_row_can_have_is_not_found(
    site: Site, people: dict[Role, Browser]
) -> None:
    huge = str(2**63)
    for path in ("approvals", "proposals", "inbound", "people", "incidents"):
        assert people[Role.MANAGER].get(f"/staff/{path}/{huge}").status_code == 404, path
    for path in ("record", "inbound"):
        assert people[Role.MANAGER].get(f"/staff/{path}?before={huge}").status_code == 200, path


def test_everybody_may_end_their_own_sessions(site: Site) -> None:
    """Wherever they were begun."""
    email = site.hire("away@sacco.example", "support")
    here, there = site.browser(), site.browser()
    for browser in (here, there):
        browser.sign_in(email)
    token = csrf_token(here.get("/staff/you").text)
    assert here.send("/staff/you/end-sessions", csrf_token=token).status_code == 303
    assert there.get("/staff/you").status_code == 302


def test_a_form_without_its_token_does_nothing(site: Site, people: dict[Role, Browser]) -> None:
    for method, path, endpoint in ways(site.app):
        if method == "POST" and endpoint not in OPEN_TO_ALL:
            assert people[Role.OPS].send(path, reason="forged").status_code == 400, path


def test_what_was_refused_is_on_record(site: Site, people: dict[Role, Browser]) -> None:
    people[Role.AUDITOR].get("/staff/controls")
    with site.db.transaction() as tx:
        row = tx.execute(
            sa.text("SELECT action, detail FROM staff_action ORDER BY id DESC LIMIT 1")
        ).one()
    assert row.action == Done.PAGE_REFUSED
    assert row.detail["needs"] == Permission.STOP


def test_a_number_that_no_act_can_have_leaves_the_record_whole(people: dict[Role, Browser]) -> None:
    for before in ("9" * 19, "9" * 5000):
        assert people[Role.AUDITOR].get(f"/staff/record?before={before}").status_code == 200


def test_a_page_that_reads_cannot_write(site: Site) -> None:
    """PostgreSQL refuses it, whatever the code does."""
    with (
        site.app.test_request_context("/staff/"),
        pytest.raises((sa.exc.DBAPIError, DatabaseAway), match="read-only"),
        routes.reading() as tx,
    ):
        tx.execute(sa.text("INSERT INTO staff_action (action, source) VALUES ('x', 'x')"))


def test_a_payout_is_explained_from_the_search_box(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    """By its reference, the member's phone in any form, the receipt or M-PESA's ids: one step."""
    reference = stories.in_doubt()
    with stories.db.transaction() as tx:
        row = tx.execute(
            sa.text("SELECT id, msisdn FROM payout WHERE reference = :r"), {"r": reference}
        ).one()
    for wanted in (reference.lower(), f" {row.id} ", row.msisdn, "0" + row.msisdn[4:]):
        page = post(people[Role.SUPPORT], "/staff/find", wanted=wanted)
        assert reference in page, wanted
        assert "nobody knows yet whether M-PESA paid KES 1,500.00" in page
        assert "Do not send it again." in page
        assert row.msisdn not in page
        assert "Kamau" not in page
    assert "Nothing found" in post(people[Role.SUPPORT], "/staff/find", wanted="BRZ<b>")


def test_another_payee_than_the_member_is_said(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    reference = stories.paid()
    page = f"/staff/payouts/{reference}"
    assert "another name for this number" not in people[Role.SUPPORT].get(page).text
    stories.write(
        "INSERT INTO evidence (payout_id, source, class, payee)"
        " SELECT id, 'status', 'doubt', 'other' FROM payout WHERE reference = :reference",
        reference,
    )
    assert "another name for this number" in people[Role.SUPPORT].get(page).text


def test_a_phone_number_never_stands_in_an_address(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    """It is sent in a form, and leads to the member's page by her number at the SACCO."""
    who = stories.person()
    for cents in (AMOUNT_CENTS, 2 * AMOUNT_CENTS):
        reference = stories.requested(who, cents=cents)
        stories.debit()
        stories.cancel(reference)
    browser = people[Role.SUPPORT]
    token = csrf_token(browser.get("/staff/").text)
    leads_to = browser.send("/staff/find", csrf_token=token, wanted=who.msisdn).headers["Location"]
    assert re.fullmatch(r"/staff/members/M[0-9]+", leads_to)
    page = browser.get(leads_to).text
    assert page.count('<th scope="row"><a href="/staff/payouts/BRZ') == 2
    assert who.msisdn not in page
    number = leads_to.rpartition("/")[2]
    assert browser.get(f"/staff/payouts?member={number}").text.count('scope="row"') == 2


def test_two_people_end_a_payout_as_it_was_shown(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    """Preview, proposal, refusal to the maker, approval, effect: the same entries throughout."""
    reference = stories.reserved()
    path = f"/staff/payouts/{reference}"
    assert "no call was ever made" not in people[Role.FINANCE].get(path).text
    preview = post(
        people[Role.FINANCE], f"{path}/preview/release", reason="the member <b>asked</b>"
    )
    assert "Nothing of this is done yet" in preview
    assert "the member &lt;b&gt;asked&lt;/b&gt;" in preview
    assert f'<h1>{reference} <span class="state waits">Reserved' in people[Role.OPS].get(path).text
    made = post(people[Role.FINANCE], f"{path}/propose/release", reason="the member asked")
    assert "You proposed this; somebody else must agree." in made
    number = re.search(r"Proposal (\d+)", made)
    assert number
    again = post(people[Role.OPS], f"{path}/propose/release", reason="me too")
    assert "waits already" in again
    shown = people[Role.MANAGER].get(f"/staff/proposals/{number[1]}").text
    entries = re.findall(r'class="right">(KES [0-9.,]+)<', shown)
    done = post(people[Role.MANAGER], f"/staff/proposals/{number[1]}/approve")
    assert "Done, as it was shown." in done
    assert 'class="state no">Cancelled' in done
    assert entries
    assert set(entries) <= set(re.findall(r'class="right">(KES [0-9.,]+)<', done))
    assert "No proposal" in post(people[Role.MANAGER], f"/staff/proposals/{number[1]}/approve")


def test_what_lacks_its_proof_says_so_instead_of_opening(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    """A doubt of today cannot be released by anybody; the page names why."""
    reference = stories.in_doubt()
    page = people[Role.FINANCE].get(f"/staff/payouts/{reference}").text
    assert "less than 1 day, 0:00:00 ago" in page
    refused = post(
        people[Role.FINANCE], f"/staff/payouts/{reference}/propose/release", reason="she waits"
    )
    assert "CA-11" in refused
    assert "Nothing was changed." in refused


def test_asking_and_sending_a_text_again(stories: Stories, people: dict[Role, Browser]) -> None:
    """Asking makes the query due at once; a text goes again three times a day at most."""
    reference = stories.in_doubt()
    asked = post(people[Role.SUPPORT], f"/staff/payouts/{reference}/ask")
    assert "M-PESA is asked" in asked
    with stories.db.transaction() as tx:
        due = "SELECT ask_due_at <= now() FROM payout WHERE reference = :r"
        assert tx.scalar(sa.text(due), {"r": reference})
    paid = stories.paid()
    stories.resolve()
    page = people[Role.SUPPORT].get(f"/staff/payouts/{paid}").text
    with stories.db.transaction() as tx:
        row = tx.execute(
            sa.text(
                "SELECT m.id FROM message m JOIN payout p ON p.id = m.payout_id"
                " WHERE p.reference = :r"
            ),
            {"r": paid},
        ).one()
    assert "Ask M-PESA now" in page
    answers = []
    for _ in range(4):
        with stories.db.transaction() as tx:
            tx.execute(
                sa.text("UPDATE message SET state = 'accepted', due_at = NULL WHERE id = :id"),
                {"id": row.id},
            )
        answers.append(
            post(people[Role.SUPPORT], f"/staff/payouts/{paid}/sms/{row.id}", reason="phone off")
        )
    assert ["again." in one for one in answers] == [True, True, True, False]
    assert "went out 3 times today" in answers[-1]


def test_name_and_number_show_for_a_reason_and_for_a_while(
    stories: Stories, people: dict[Role, Browser], site: Site
) -> None:
    reference = stories.requested()
    browser = people[Role.SUPPORT]
    assert "CO-01" in post(browser, f"/staff/payouts/{reference}/reveal", reason="  ")
    shown = post(browser, f"/staff/payouts/{reference}/reveal", reason="she is on the phone")
    assert "Wanjiku Kamau" in shown
    assert "+254712" in shown
    other = stories.requested()
    assert "Wanjiku Kamau" not in browser.get(f"/staff/payouts/{other}").text
    with site.db.transaction() as tx:
        detail = tx.scalar(
            sa.text("SELECT detail FROM staff_action WHERE action = 'personal_data_revealed'")
        )
    assert detail == {
        "by": "Wanjiru Otieno",
        "reason": "she is on the phone",
        "reference": reference,
    }


def test_a_page_that_has_seen_everything_gets_one_line(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    """Until something happens."""
    reference = stories.submitted()
    page = people[Role.OPS].get(f"/staff/payouts/{reference}").text
    seen = re.search(r'hx-get="([^"]+)"', page)
    assert seen
    assert people[Role.OPS].get(seen[1]).status_code == 204
    stories.pay(reference)
    stories.resolve()
    assert people[Role.OPS].get(seen[1]).status_code == 200


def test_hostile_names_and_remarks_are_text(stories: Stories, people: dict[Role, Browser]) -> None:
    """Whatever a member is called and M-PESA remarks."""
    evil = "<script>alert(1)</script>\"'"
    reference = stories.in_doubt()
    with stories.db.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO evidence (payout_id, source, class, code, detail) SELECT id, 'status',"
                " 'about_query', :evil, :evil FROM payout WHERE reference = :r"
            ),
            {"evil": evil, "r": reference},
        )
        tx.execute(
            sa.text(
                "UPDATE member SET name = :evil WHERE id ="
                " (SELECT member_id FROM payout WHERE reference = :r)"
            ),
            {"evil": evil, "r": reference},
        )
    for path in (f"/staff/payouts/{reference}", "/staff/payouts", "/staff/attention"):
        page = people[Role.OPS].get(path).text
        assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in people[Role.OPS].get(f"/staff/payouts/{reference}").text


def test_every_text_is_there_in_both_languages() -> None:
    """The same gaps in both; nothing translated that no page shows."""
    known = words.kiswahili()
    assert set(known) == console_texts.texts()
    for english, kiswahili in known.items():
        assert sorted(re.findall(r"{\w+}", english)) == sorted(re.findall(r"{\w+}", kiswahili))


def test_a_person_chooses_the_language(stories: Stories, people: dict[Role, Browser]) -> None:
    """It is remembered in the browser, and leads back to where she was."""
    reference = stories.in_doubt()
    browser = people[Role.AUDITOR]
    page = post(browser, "/staff/language", language="sw", here=f"/staff/payouts/{reference}")
    assert '<html lang="sw">' in page
    assert f"<h1>{reference}" in page
    assert "haijulikani bado kama M-PESA ililipa KES 1,500.00" in page
    token = csrf_token(browser.get("/staff/").text)
    away = browser.send("/staff/language", csrf_token=token, language="en", here="//evil.example")
    assert away.headers["Location"] == "/staff/"
    assert '<html lang="en">' in browser.get("/staff/").text


def test_one_person_stops_and_two_let_go_on(stories: Stories, people: dict[Role, Browser]) -> None:
    """Every page says so meanwhile; the manager sees how much goes on."""
    stories.requested()
    stopped = post(people[Role.SUPPORT], "/staff/controls/stop", reason="odd volume <b>")
    assert "Since" in stopped
    assert "odd volume &lt;b&gt;" in people[Role.AUDITOR].get("/staff/payouts").text
    assert "SW-01" in post(people[Role.OPS], "/staff/controls/stop", reason="again")
    asked = post(people[Role.OPS], "/staff/controls/resume", reason="looked into it")
    assert "withdrawals go on at once" in asked
    number = re.search(r"Request (\d+)", asked)
    assert number
    assert "AP-01" in post(people[Role.FINANCE], "/staff/controls/resume", reason="me too")
    done = post(people[Role.MANAGER], f"/staff/approvals/{number[1]}/approve")
    assert "Withdrawals go on." in done
    assert "AP-02" in post(people[Role.MANAGER], f"/staff/approvals/{number[1]}/approve")
    assert "SW-02" in post(people[Role.OPS], "/staff/controls/resume", reason="once more")


def test_a_member_is_locked_by_one_and_opened_by_two(
    stories: Stories, people: dict[Role, Browser], site: Site
) -> None:
    """The texts that her phone gets are shown before; a change in between voids the request."""
    who = stories.person()
    with site.db.transaction() as tx:
        number = tx.scalar(sa.text("SELECT member_no FROM member WHERE id = :id"), {"id": who.id})
    page = f"/staff/members/{number}"
    locked = post(people[Role.OPS], f"{page}/lock", reason="phone stolen")
    assert "phone stolen" in locked
    asked = post(people[Role.SUPPORT], f"{page}/unlock", reason="ID seen at the branch")
    request = re.search(r"Request (\d+)", asked)
    assert request
    assert 'class="sms"' in asked
    assert "KES" not in people[Role.SUPPORT].get(page).text
    assert "KES 50,000.00" in people[Role.MANAGER].get(page).text
    done = post(people[Role.MANAGER], f"/staff/approvals/{request[1]}/approve")
    assert "Done, as it was shown." in done
    assert "phone unlocked" in done
    asked = post(people[Role.SUPPORT], f"{page}/number", number="0722 000 111", reason="lost SIM")
    request = re.search(r"Request (\d+)", asked)
    assert request
    post(people[Role.OPS], f"{page}/lock", reason="wait, she called again")
    assert "AP-04" in post(people[Role.MANAGER], f"/staff/approvals/{request[1]}/approve")
    assert "CO-03" in post(people[Role.SUPPORT], f"{page}/number", number="12", reason="a slip")
    let_go = post(people[Role.SUPPORT], f"/staff/approvals/{request[1]}/reject", reason="void")
    assert "Nothing of it was done." in let_go


def test_nobody_agrees_alone_even_past_the_pages(site: Site, stories: Stories) -> None:
    """PostgreSQL holds it too: one person in both columns is refused."""
    with site.db.transaction() as tx:
        ids = tx.scalars(sa.text("SELECT id FROM staff ORDER BY id LIMIT 2")).all()
    made = (
        "INSERT INTO approval (kind, subject, detail, seen, reason, maker_id, expires_at, outcome,"
        " checker_id, decided_at) VALUES ('reset_pin', 'M1', '{}', '{}', 'x', :maker, now(),"
        " 'executed', :checker, now())"
    )
    for checker in (ids[0], None):
        with (
            pytest.raises(sa.exc.DBAPIError, match="approval_two_people"),
            stories.db.transaction() as tx,
        ):
            tx.execute(sa.text(made), {"maker": ids[0], "checker": checker})


def test_what_waits_and_what_failed_every_time(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    """By PostgreSQL's own word; ops tries a dead letter once more, for a reason."""
    reference = stories.reserved()
    stories.write(
        "INSERT INTO dead_letter (payout_id, step, reason)"
        " SELECT id, 'pay', 'KeyError' FROM payout WHERE reference = :reference",
        reference,
    )
    stories.write(
        "UPDATE payout SET failures = 5, failed_step = 'pay', failure = 'KeyError'"
        " WHERE reference = :reference",
        reference,
    )
    page = people[Role.MANAGER].get("/staff/queues").text
    assert "KeyError (1)" in page
    assert "Call M-PESA" in page
    assert "Try it once more" not in page
    assert "CO-01" in post(people[Role.OPS], f"/staff/payouts/{reference}/retry")
    tried = post(people[Role.OPS], f"/staff/payouts/{reference}/retry", reason="mended it")
    assert "It is tried again within seconds." in tried
    again = post(people[Role.OPS], f"/staff/payouts/{reference}/retry", reason="twice")
    assert "Nothing was changed." in again


def test_the_record_says_who_did_what(stories: Stories, people: dict[Role, Browser]) -> None:
    """By payout, by member, by colleague; the reason is text whatever it holds."""
    reference = stories.in_doubt()
    post(people[Role.SUPPORT], f"/staff/payouts/{reference}/reveal", reason="<b>she called</b>")
    auditor = people[Role.AUDITOR]
    page = auditor.get(f"/staff/record?about={reference}").text
    assert "personal data revealed" in page
    assert "&lt;b&gt;she called&lt;/b&gt;" in page
    assert "support@sacco.example" in page
    assert "Nothing on record fits." in auditor.get("/staff/record?about=M99999").text
    newest = re.findall(r"before=(\d+)", auditor.get("/staff/record").text)
    assert newest == [] or auditor.get(f"/staff/record?before={newest[0]}").status_code == 200


def test_texts_are_found_by_what_became_of_them(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    """With the balance for those alone who may see balances."""
    paid = stories.paid()
    stories.resolve()
    stories.write(
        "UPDATE message SET state = 'failed', due_at = NULL, failure = 'AbsentSubscriber'"
        " WHERE payout_id = (SELECT id FROM payout WHERE reference = :reference)",
        paid,
    )
    failed = people[Role.SUPPORT].get("/staff/messages?state=failed").text
    assert paid in failed
    assert "AbsentSubscriber" in failed
    assert "Balance ••••" in failed
    assert "Balance KES" in people[Role.MANAGER].get("/staff/messages?state=failed").text
    assert paid not in people[Role.SUPPORT].get("/staff/messages?state=delivered").text
    assert people[Role.OPS].get("/staff/messages?state=odd&before=x").status_code == 200


def test_what_goes_wrong_is_said_in_a_sentence(people: dict[Role, Browser]) -> None:
    """A wrong address, an old form, a refusal that was led to from elsewhere."""
    browser = people[Role.OPS]
    assert "There is no payout of this reference." in browser.get("/staff/payouts/BRZ9").text
    assert "This form is too old" in browser.send("/staff/payouts/BRZ9/ask").text
    refused = browser.get("/staff/proposals/999", Referer="https://evil.example/")
    assert (refused.status_code, "CA-21" in refused.text) == (409, True)
    assert "evil.example" not in refused.text


def test_the_day_in_pictures_has_the_figures_beside_it(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    """What the tables say is what is in the database; the float is for those who may see it."""
    stories.in_doubt()
    page = people[Role.MANAGER].get("/staff/pictures").text
    with stories.db.transaction() as tx:
        paid = tx.scalar(sa.text("SELECT count(*) FROM payout WHERE state = 'paid'"))
        doubts = tx.scalar(sa.text("SELECT count(*) FROM payout WHERE state = 'in_doubt'"))
    tables = [re.findall(r'<td class="right">([0-9]+)</td>', t) for t in page.split("<table>")[1:]]
    assert sum(map(int, tables[0][::3])) == paid
    assert sum(map(int, tables[2])) == doubts
    assert page.count("<svg") == 3
    assert "Float" in page
    assert "Float" not in people[Role.SUPPORT].get("/staff/pictures").text


def test_who_may_do_what_is_on_a_page(people: dict[Role, Browser]) -> None:
    """The auditor sees the very table that decides."""
    page = people[Role.AUDITOR].get("/staff/people").text
    for permission, roles in ROLES.items():
        row = page.partition(f'<th scope="row">{permission}</th>'.replace("'", "&#39;"))[2]
        assert row.partition("</tr>")[0].count("✓") == len(roles), permission
    assert "support@sacco.example" in page


def test_the_auditor_checks_the_seals_of_the_record(
    site: Site, people: dict[Role, Browser]
) -> None:
    """By a button; the page names the newest hash, to be kept outside."""
    with site.db.transaction() as tx:
        record_seals.seal(tx)
        head = record_seals.read(tx).head
    assert "/staff/record/seals" in people[Role.AUDITOR].get("/staff/record").text
    page = people[Role.AUDITOR].get("/staff/record/seals").text
    assert "The record holds what it held" in page
    assert str(head) in page


def test_older_payouts_are_a_page_further(stories: Stories, people: dict[Role, Browser]) -> None:
    """Fifty to a page, none twice, none left out."""
    for _ in range(55):
        stories.requested()
    seen: list[str] = []
    path: str | None = "/staff/payouts"
    while path:
        page = people[Role.OPS].get(path).text
        seen += re.findall(r'scope="row"><a href="/staff/payouts/(BRZ\w{7})"', page)
        more = re.search(r'class="older" href="([^"]+)"', page)
        path = more[1].replace("&amp;", "&") if more else None
    with stories.db.transaction() as tx:
        everything = tx.scalars(sa.text("SELECT reference FROM payout")).all()
    assert sorted(seen) == sorted(everything)
