"""Signing in and out, over a real socket on a real database."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.db import Database
from app.staff import accounts
from tests.support import databases, staff_site
from tests.support.databases import Logins
from tests.support.staff_site import PASSWORD, Site


@pytest.fixture(scope="module")
def served(database_server: Logins, database_template: str) -> Iterator[Site]:
    """The pages, once for all tests of this file; none of them needs Redis."""
    with databases.copy(database_server, database_template) as logins:
        db = Database(logins.application, name="tests")
        with staff_site.running(
            db, database_url=logins.application, redis_url="redis://127.0.0.1:1/0"
        ) as site:
            yield site
        db.close()


@pytest.fixture
def site(served: Site, database_server: Logins) -> Site:
    """The pages, with nobody hired and nothing on record."""
    database = sa.make_url(str(served.db.engine.url)).database
    owner = Database(database_server.at(database or "").owner, role=None, name="tests")
    with owner.transaction() as tx:
        tx.execute(sa.text("TRUNCATE staff_action, staff RESTART IDENTITY CASCADE"))
    owner.close()
    return served


def actions(site: Site) -> list[tuple[str, dict[str, str]]]:
    with site.db.transaction() as tx:
        rows = tx.execute(sa.text("SELECT action, detail FROM staff_action ORDER BY id")).all()
    return [(row.action, row.detail) for row in rows if row.action != "created"]


def test_a_right_password_opens_the_start_page(site: Site) -> None:
    """Signing in leads to the start page, which greets by name and leads to the queues."""
    browser = site.browser()
    answer = browser.sign_in(site.hire())
    assert (answer.status_code, answer.headers["Location"]) == (303, "/staff/")
    page = browser.get("/staff/")
    assert page.status_code == 200
    assert "Wanjiru Otieno" in page.text
    assert 'href="/staff/queues"' in page.text
    assert "Nobody has withdrawn anything" in page.text
    assert actions(site) == [("signed_in", {})]


def test_without_a_session_every_page_leads_to_the_sign_in(site: Site) -> None:
    """The address that was asked for is opened after signing in."""
    browser = site.browser()
    asked = browser.get("/staff/rq/")
    assert (asked.status_code, asked.headers["Location"]) == (302, "/staff/login?next=/staff/rq/")
    answer = browser.sign_in(site.hire(), path=asked.headers["Location"])
    assert answer.headers["Location"] == "/staff/rq/"


ELSEWHERE = (
    "https://evil.example/staff",
    "//evil.example/staff",
    "/\\evil.example",
    "/staffer",
    "/ussd/x",
)


def test_signing_in_never_leads_away(site: Site) -> None:
    """A link with a foreign target ends on the start page."""
    email = site.hire()
    targets = {
        path: site.browser().sign_in(email, path=f"/staff/login?next={path}").headers["Location"]
        for path in ELSEWHERE
    }
    assert targets == dict.fromkeys(ELSEWHERE, "/staff/")


def test_wrong_unknown_locked_and_disabled_get_the_same_answer(site: Site) -> None:
    """Nobody learns from an answer which e-mails have accounts."""
    site.hire("locked@sacco.example")
    site.hire("gone@sacco.example")
    with site.db.transaction() as tx:
        accounts.disable(tx, email="gone@sacco.example")
        tx.execute(
            sa.text("UPDATE staff SET locked_until = now() + interval '1 h' WHERE email LIKE 'l%'")
        )
    site.hire("ours@sacco.example")
    tries = {
        "ours@sacco.example": "not her password",
        "nobody@sacco.example": PASSWORD,
        "locked@sacco.example": PASSWORD,
        "gone@sacco.example": PASSWORD,
    }
    answers = {
        (a.status_code, staff_site.csrf_token(a.text) != "", "is not right" in a.text)
        for a in (site.browser().sign_in(email, password) for email, password in tries.items())
    }
    assert {(403, True, True)} == answers
    reasons = [detail["reason"] for action, detail in actions(site) if "refused" in action]
    assert reasons == ["wrong password", "unknown", "locked", "disabled"]


def test_five_wrong_passwords_lock_the_account(site: Site) -> None:
    """The sixth try fails although it is right; another account is not touched."""
    email = site.hire()
    other = site.hire("other@sacco.example")
    statuses = [site.browser().sign_in(email, "wrong words entirely").status_code for _ in range(5)]
    assert statuses == [403] * 5
    assert site.browser().sign_in(email).status_code == 403
    assert site.browser().sign_in(other).status_code == 303
    with site.db.transaction() as tx:
        tx.execute(sa.text("UPDATE staff SET locked_until = now() - interval '1 second'"))
    assert site.browser().sign_in(email).status_code == 303


def test_four_wrong_passwords_do_not_lock_and_a_right_one_forgets_them(site: Site) -> None:
    """Failures are counted in a row, not over a lifetime."""
    email = site.hire()
    for _ in range(2):
        for _ in range(4):
            site.browser().sign_in(email, "wrong words entirely")
        assert site.browser().sign_in(email).status_code == 303


def test_a_flood_of_wrong_sign_ins_from_one_address_is_stopped(site: Site) -> None:
    """Past the limit nothing is checked or written any more."""
    with site.db.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO staff_action (action, source)"
                " SELECT 'sign_in_refused', '127.0.0.1' FROM generate_series(1, 50)"
            )
        )
    answer = site.browser().sign_in(site.hire())
    assert answer.status_code == 429
    assert "Try again in ten minutes" in answer.text
    assert len(actions(site)) == 50


def test_fifteen_idle_minutes_end_the_session(site: Site) -> None:
    """14 minutes are fine, 16 are not, and the sign-in page says why."""
    browser = site.browser()
    browser.sign_in(site.hire())
    browser.age_session(seen_at=14 * 60, began_at=14 * 60)
    assert browser.get("/staff/").status_code == 200
    browser.age_session(seen_at=16 * 60)
    answer = browser.get("/staff/")
    assert answer.status_code == 302
    assert "session has ended" in browser.get(answer.headers["Location"]).text


def test_eight_hours_end_the_session_however_busy(site: Site) -> None:
    """Activity does not lengthen a session past its whole time."""
    browser = site.browser()
    browser.sign_in(site.hire())
    browser.age_session(began_at=8 * 3600 + 1)
    assert browser.get("/staff/").status_code == 302


def test_activity_keeps_a_session_alive(site: Site) -> None:
    """Each page that is opened counts from anew."""
    browser = site.browser()
    browser.sign_in(site.hire())
    for _ in range(3):
        browser.age_session(seen_at=10 * 60)
        assert browser.get("/staff/").status_code == 200


@pytest.mark.parametrize("event", ["disable", "password"])
def test_disabling_or_a_new_password_ends_sessions_at_once(site: Site, event: str) -> None:
    """The very next request of an open session is refused."""
    email = site.hire()
    browser = site.browser()
    browser.sign_in(email)
    with site.db.transaction() as tx:
        if event == "disable":
            accounts.disable(tx, email=email)
        else:
            accounts.set_password(tx, email=email, password="quite another sentence")
    assert browser.get("/staff/").status_code == 302


def test_signing_out_ends_a_stolen_cookie_too(site: Site) -> None:
    """A copy of the cookie in another browser is worthless after signing out."""
    browser, thief = site.browser(), site.browser()
    browser.sign_in(site.hire())
    thief.http.cookies.update(browser.http.cookies)
    assert thief.get("/staff/").status_code == 200
    token = staff_site.csrf_token(browser.get("/staff/").text)
    assert browser.send("/staff/logout", csrf_token=token).status_code == 303
    assert [b.get("/staff/").status_code for b in (browser, thief)] == [302, 302]


def test_forms_without_our_token_are_refused(site: Site) -> None:
    """Another site cannot sign somebody in or out."""
    email = site.hire()
    browser = site.browser()
    assert browser.send("/staff/login", email=email, password=PASSWORD).status_code == 400
    browser.sign_in(email)
    assert browser.send("/staff/logout").status_code == 400
    assert browser.get("/staff/logout").status_code == 405
    assert browser.get("/staff/").status_code == 200


def test_a_forged_or_altered_cookie_is_nobody(site: Site) -> None:
    """The cookie's signature is checked before anything in it."""
    browser = site.browser()
    browser.sign_in(site.hire())
    name = site.app.config["SESSION_COOKIE_NAME"]
    cookie = browser.http.cookies[name]
    browser.http.cookies.clear()
    altered = ("A" if cookie[5] != "A" else "B").join((cookie[:5], cookie[6:]))
    browser.http.cookies.set(name, altered, domain="127.0.0.1", path="/")
    assert browser.get("/staff/").status_code == 302


def test_a_session_does_not_work_from_another_browser_program(site: Site) -> None:
    """A cookie that turns up with another program is not believed."""
    browser = site.browser()
    browser.sign_in(site.hire())
    assert browser.get("/staff/", **{"User-Agent": "somebody else"}).status_code == 302


def test_pages_tell_browsers_to_trust_nothing_else(site: Site) -> None:
    """No foreign script, no frame, no cache, nothing from elsewhere; no script reads the cookie."""
    answer = site.browser().get("/staff/login")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "http" not in answer.text.replace("http-equiv", "")


def test_in_production_the_cookie_is_bound_to_this_host_and_https(
    db: Database, database_url: str, redis_url: str
) -> None:
    """The `__Host-` name makes browsers enforce Secure, Path=/ and no Domain."""
    secret = "a-secret-of-at-least-thirty-two-characters"
    production = {
        "baraza_env": "production", "callback_sources": "196.201.214.0/24", "pin_pepper": secret,
        "daraja_consumer_key": secret, "daraja_consumer_secret": secret, "secret_key": secret,
        "daraja_initiator_password": secret, "at_api_key": secret, "callback_secrets": secret,
        "public_url": "https://a.example", "daraja_url": "https://b.example",
        "at_url": "https://c.example", "daraja_certificate": "/dev/null",
    }  # fmt: skip
    with staff_site.running(
        db, database_url=database_url, redis_url=redis_url, **production
    ) as site:
        answer = site.browser().get("/staff/login")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-baraza-staff=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} == set(cookie.split("; ")[1:])
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_other_roles_see_no_way_to_the_queues(site: Site) -> None:
    """Support sees the start page without the link."""
    browser = site.browser()
    browser.sign_in(site.hire(role="support"))
    page = browser.get("/staff/").text
    assert "/staff/rq/" not in page


def test_with_the_database_away_pages_say_so(redis_url: str) -> None:
    """No stack trace, status 503, and the page tries again."""
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    away = Database(nowhere)
    with staff_site.running(away, database_url=nowhere, redis_url=redis_url) as site:
        browser = site.browser()
        answer = browser.sign_in("ops@sacco.example")
    assert answer.status_code == 503
    assert "The database does not answer" in answer.text
    assert "Traceback" not in answer.text
    assert 'http-equiv="refresh"' in answer.text
