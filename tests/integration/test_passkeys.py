"""Passkeys: made, shown, refused where anything does not fit; over a real socket."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from app.audit import Actor
from app.db import Database, Tx
from app.staff import accounts, passkeys, second_factor, staffing
from app.staff.passkeys import PASSKEYS_MAX
from app.staff.second_factor import Seeds
from tests.integration.test_second_factor import KEY, Phone
from tests.support import databases, staff_site
from tests.support.authenticator import Authenticator, text
from tests.support.databases import Logins
from tests.support.production import PRODUCTION
from tests.support.staff_site import PASSWORD, Browser, Site, csrf_token


@pytest.fixture(scope="module")
def logins(database_server: Logins, database_template: str) -> Iterator[Logins]:
    with databases.copy(database_server, database_template) as made:
        yield made


@pytest.fixture(scope="module")
def site(logins: Logins) -> Iterator[Site]:
    db = Database(logins.application, name="tests")
    with staff_site.running(
        db, database_url=logins.application, redis_url="redis://127.0.0.1:1/0", secret_key=KEY
    ) as served:
        yield served
    db.close()


@dataclass
class Person:
    """Somebody with a phone, in front of a browser."""

    site: Site
    email: str
    browser: Browser
    phone: Phone

    @property
    def origin(self) -> str:
        """What the browser would put into what is signed."""
        return self.site.url

    def send(self, path: str, **fields: str) -> Any:
        """Send a form with its token."""
        token = csrf_token(self.browser.get("/staff/you").text)
        return self.browser.send(path, csrf_token=token, **fields)

    def question(self, path: str) -> dict[str, Any]:
        """What the page's script would be given."""
        answer = self.send(path)
        assert answer.status_code == 200, answer.text
        asked: dict[str, Any] = answer.json()
        return asked

    def makes(self, device: Authenticator, *, origin: str = "", password: str = PASSWORD) -> Any:
        """Make a passkey on the own page."""
        asked = self.question("/staff/you/passkey/question")
        made = device.make(asked, origin=origin or self.origin)
        return self.send("/staff/you/passkey", passkey=made, title="<b>Key</b>", password=password)

    def knocks(self) -> Browser:
        """Another browser, in which only the password was right."""
        browser = self.site.browser()
        assert "/staff/code" in browser.sign_in(self.email).headers["Location"]
        return browser


def person(site: Site, email: str, role: str = "manager") -> Person:
    site.hire(email, role)
    phone = Phone()
    with site.db.transaction() as tx:
        staff_id = accounts.by_email(tx, email).id
        second_factor.set_up(
            tx, staff_id, phone.seed, phone.code(), seeds=Seeds(KEY), source="tests"
        )
    browser = site.browser()
    browser.sign_in(email)
    page = browser.get("/staff/code").text
    shown = browser.send("/staff/code", csrf_token=csrf_token(page), code=phone.code())
    assert shown.status_code == 303
    return Person(site, email, browser, phone)


def asked(browser: Browser) -> dict[str, Any]:
    token = csrf_token(browser.get("/staff/code").text)
    answer = browser.send("/staff/passkey/question", csrf_token=token)
    question: dict[str, Any] = answer.json()
    return question


def signs_in(browser: Browser, answer: str) -> int:
    token = csrf_token(browser.get("/staff/code").text)
    return browser.send("/staff/passkey/", csrf_token=token, passkey=answer).status_code


def test_a_passkey_signs_in_after_the_password(site: Site) -> None:
    """Made on the own page; then it stands in for the code, and for nothing else."""
    amina, key = person(site, "k1@sacco.example"), Authenticator()
    assert "Use a passkey" not in amina.knocks().get("/staff/code").text
    assert amina.makes(key).status_code == 303
    assert "&lt;b&gt;Key&lt;/b&gt;" in amina.browser.get("/staff/you").text
    there = amina.knocks()
    assert "Use a passkey" in there.get("/staff/code").text
    assert there.get("/staff/payouts").status_code == 302
    assert signs_in(there, key.show(asked(there), origin=site.url)) == 303
    assert there.get("/staff/payouts").status_code == 200


def test_without_the_password_no_question_is_asked(site: Site) -> None:
    person(site, "k2@sacco.example").makes(Authenticator())
    nobody = site.browser()
    token = csrf_token(nobody.get("/staff/login").text)
    assert nobody.send("/staff/passkey/question", csrf_token=token).status_code == 404
    there = nobody.send("/staff/passkey/", csrf_token=token, passkey="{}")
    assert there.headers["Location"].startswith("/staff/login")


def test_what_does_not_fit_is_refused_and_on_record(site: Site) -> None:
    """A look-alike page, another host, an old answer, another's key, no finger, a copied device."""
    amina, key, lazy = (
        person(site, "k3@sacco.example"),
        Authenticator(),
        Authenticator(verifies=False),
    )
    other, others = person(site, "k3b@sacco.example"), Authenticator()
    amina.makes(key)
    other.makes(others)
    there = amina.knocks()
    good = key.show(asked(there), origin=site.url)
    question = asked(there)
    bad = {
        "an answer to an earlier question": good,
        "a look-alike page": key.show(asked(there), origin="http://127.0.0.1.evil.example"),
        "another host": key.show(asked(there) | {"rpId": "evil.example"}, origin=site.url),
        "somebody else's key": others.show(asked(there), origin=site.url),
        "no JSON": "{",
        "nothing": "",
        "no answer": json.dumps({"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}),
    }
    assert question["userVerification"] == "required"
    for what, answer in bad.items():
        asked(there)
        assert signs_in(there, answer) == 403, what
    assert there.get("/staff/payouts").status_code == 302
    assert amina.makes(lazy).status_code == 422
    assert amina.makes(Authenticator(), origin="http://evil.example").status_code == 422
    with site.db.transaction() as tx:
        refused = tx.scalar(
            sa.text("SELECT count(*) FROM staff_action WHERE action = 'passkey_refused'")
        )
    assert refused >= len(bad)
    device_copied = key.signatures
    assert signs_in(there, key.show(asked(there), origin=site.url)) == 303
    key.signatures = device_copied - 3
    again = amina.knocks()
    assert signs_in(again, key.show(asked(again), origin=site.url)) == 403


def test_an_answer_is_taken_once_and_soon(site: Site, logins: Logins) -> None:
    amina, key = person(site, "k4@sacco.example"), Authenticator(counts=False)
    amina.makes(key)
    there = amina.knocks()
    answer = key.show(asked(there), origin=site.url)
    assert signs_in(there, answer) == 303
    again = amina.knocks()
    assert signs_in(again, answer) == 403
    answer = key.show(asked(again), origin=site.url)
    owner = Database(logins.owner, role=None, name="tests")
    with owner.transaction() as tx:
        tx.execute(sa.text("UPDATE staff SET passkey_asked_at = now() - interval '121 seconds'"))
    owner.close()
    assert signs_in(again, answer) == 403


def test_a_passkey_needs_the_app_the_password_and_room(site: Site) -> None:
    site.hire("k5@sacco.example", "ops")
    bare = site.browser()
    bare.sign_in("k5@sacco.example")
    assert "Set up the authenticator app first" in bare.get("/staff/you/passkey").text
    amina = person(site, "k5b@sacco.example")
    assert amina.makes(Authenticator(), password="wrong wrong wrong").status_code == 422
    for _ in range(PASSKEYS_MAX):
        assert amina.makes(Authenticator()).status_code == 303
    assert amina.send("/staff/you/passkey/question").status_code == 409


def test_a_lost_device_is_forgotten(site: Site) -> None:
    amina, key = person(site, "k6@sacco.example"), Authenticator()
    amina.makes(key)
    assert amina.send("/staff/you/passkey/remove", passkey_id="AAAA").status_code == 409
    assert amina.send("/staff/you/passkey/remove", passkey_id=text(key.id)).status_code == 303
    there = amina.knocks()
    assert "Use a passkey" not in there.get("/staff/code").text


def test_passkeys_go_with_lost_access(site: Site) -> None:
    """By two people of the console, and at a shell: the lost bag held the laptop too."""
    by = Actor("tests", name="tests")
    for number, lose in enumerate((renew, take_away)):
        amina, key = person(site, f"k10{number}@sacco.example", "support"), Authenticator()
        amina.makes(key)
        with site.db.transaction() as tx:
            staff_id = accounts.by_email(tx, amina.email).id
            assert len(passkeys.of(tx, staff_id)) == 1
            lose(tx, amina.email, staff_id, by)
            assert passkeys.of(tx, staff_id) == []


def renew(tx: Tx, email: str, _staff_id: int, by: Actor) -> None:
    staffing.renew_access(tx, email, reason="lost", by=by)


def take_away(tx: Tx, _email: str, staff_id: int, by: Actor) -> None:
    second_factor.take_away(tx, staff_id, reason="lost", by=by)


def test_a_second_persons_yes_takes_a_passkey_too(site: Site) -> None:
    """Once more, where the last proof is older than ten minutes."""
    amina, key = person(site, "k7@sacco.example"), Authenticator()
    amina.makes(key)
    amina.browser.age_session(strong_at=601)
    assert "Show a passkey" in amina.browser.get("/staff/people").text
    assert amina.send("/staff/people/review", reason="x").status_code == 409
    answer = key.show(amina.question("/staff/you/passkey/show"), origin=site.url)
    assert amina.send("/staff/people/review", reason="x", passkey=answer).status_code == 303


def test_another_password_ends_the_other_sessions(site: Site) -> None:
    site.hire("k8@sacco.example", "support")
    here, there = site.browser(), site.browser()
    for browser in (here, there):
        browser.sign_in("k8@sacco.example")
    token = csrf_token(here.get("/staff/you/password").text)

    def change(old: str, new: str, again: str) -> int:
        return here.send(
            "/staff/you/password", csrf_token=token, password=old, new_password=new, again=again
        ).status_code

    new = "seven green bicycles sing"
    assert change("not it at all", new, new) == 422
    assert change(PASSWORD, new, "other") == 422
    assert change(PASSWORD, "short", "short") == 422
    assert change(PASSWORD, new, new) == 303
    assert here.get("/staff/you").status_code == 200
    assert there.get("/staff/you").status_code == 302
    assert site.browser().sign_in("k8@sacco.example").status_code == 403


def test_in_production_a_manager_agrees_with_a_passkey(logins: Logins) -> None:
    """A code is not enough, unless the installation says that there are no passkeys."""
    settings = {name.lower(): value for name, value in PRODUCTION.items()} | {
        "database_url": logins.application,
        "redis_url": "redis://127.0.0.1:1/0",
        "secret_key": KEY * 3,
    }
    https = {"base_url": "https://baraza.example.co.ke"}
    headers = {"Referer": "https://baraza.example.co.ke/staff/login"}
    db = Database(logins.application, name="tests")
    for required, told in (("true", "agrees with a passkey"), ("false", "Signed")):
        with staff_site.running(db, **settings, staff_passkeys_required=required) as served:
            email = served.hire(f"k9{required}@sacco.example", "manager")
            phone = Phone()
            with served.db.transaction() as tx:
                staff_id = accounts.by_email(tx, email).id
                second_factor.set_up(
                    tx, staff_id, phone.seed, phone.code(), seeds=Seeds(KEY * 3), source="tests"
                )
            browser = served.app.test_client()

            def post(path: str, client: Any = browser, **fields: str) -> Any:
                page = client.get("/staff/login", follow_redirects=True, **https).text
                form = {"csrf_token": csrf_token(page), **fields}
                return client.post(
                    path, data=form, headers=headers, follow_redirects=True, **https
                ).text

            post("/staff/login", email=email, password=PASSWORD)
            page = browser.get("/staff/code", **https).text
            form = {"csrf_token": csrf_token(page), "code": phone.code()}
            browser.post("/staff/code", data=form, headers=headers, **https)
            assert told in post("/staff/people/review", reason="looked")
    db.close()
