"""The second factor of staff: set up, asked for, taken once, locked, lost; over a real socket."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pyotp
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from cryptography.fernet import InvalidToken

from app.audit import operator
from app.cli import main
from app.db import Database
from app.staff import accounts, second_factor, signing_in
from app.staff.second_factor import STEP_S, NoSecondFactor, Seeds, WrongCode
from app.staff.signing_in import Attempt
from tests.support import databases, staff_site
from tests.support.databases import Logins
from tests.support.production import PRODUCTION
from tests.support.staff_site import PASSWORD, Browser, Site, csrf_token

KEY = "a key for the tests"
SEEDS = Seeds(KEY)
MANAGER = "manager@sacco.example"


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


class Phone:
    """An authenticator app. It shows the next code whenever the last one was used."""

    def __init__(self) -> None:
        self.seed = second_factor.new_seed()
        self._used = 0

    def code(self) -> str:
        """A code that it has not shown before."""
        step = max(int(time.time()) // STEP_S - 1, self._used + 1)
        self._used = step
        return pyotp.TOTP(self.seed).at(step * STEP_S)


def hired(site: Site, email: str, role: str = "manager") -> tuple[int, Phone, list[str]]:
    """A person with a second factor: id, phone, recovery codes."""
    site.hire(email, role)
    phone = Phone()
    with site.db.transaction() as tx:
        staff_id = accounts.by_email(tx, email).id
        codes = second_factor.set_up(
            tx, staff_id, phone.seed, phone.code(), seeds=SEEDS, source="tests"
        )
    return staff_id, phone, codes


def show(browser: Browser, code: str) -> int:
    """Type a code where one is asked for. The status of the answer."""
    page = browser.get("/staff/code").text
    return browser.send("/staff/code", csrf_token=csrf_token(page), code=code).status_code


def test_a_password_alone_opens_nothing_any_more(site: Site) -> None:
    """The page for the code comes next, and no page before it."""
    _, phone, _ = hired(site, "p1@sacco.example")
    browser = site.browser()
    asked = browser.sign_in("p1@sacco.example")
    assert asked.headers["Location"].startswith("/staff/code")
    assert browser.get("/staff/payouts").status_code == 302
    assert show(browser, "000000") == 403
    assert show(browser, phone.code()) == 303
    assert browser.get("/staff/payouts").status_code == 200


def test_a_code_is_taken_once_however_many_try_at_once(site: Site) -> None:
    staff_id, phone, _ = hired(site, "p2@sacco.example")
    code = phone.code()

    def one(_: int) -> bool:
        with site.db.transaction() as tx:
            return second_factor.matches(tx, staff_id, code, seeds=SEEDS, source="tests")

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one, range(4))) == 1


def test_a_recovery_code_opens_once(site: Site) -> None:
    """As written or without its dashes, in capitals or not."""
    _, _, codes = hired(site, "p3@sacco.example")
    assert len(set(codes)) == 10
    for typed, status in (
        (codes[0].upper(), 303),
        (codes[0], 403),
        (codes[1].replace("-", ""), 303),
    ):
        browser = site.browser()
        browser.sign_in("p3@sacco.example")
        assert show(browser, typed) == status
    assert "8 recovery codes are left." in browser.get("/staff/you").text


def test_five_wrong_tries_lock_whatever_they_were_of(site: Site) -> None:
    """Passwords and codes count together; then even the right ones are refused."""
    _, phone, _ = hired(site, "p4@sacco.example")
    for _ in range(3):
        assert site.browser().sign_in("p4@sacco.example", "wrong words here").status_code == 403
    browser = site.browser()
    browser.sign_in("p4@sacco.example")
    assert [show(browser, "000000") for _ in range(2)] == [403, 403]
    assert show(browser, phone.code()) == 403
    assert site.browser().sign_in("p4@sacco.example").status_code == 403


def test_the_seed_is_not_in_the_database(site: Site) -> None:
    """Under another key it cannot be read either."""
    staff_id, phone, codes = hired(site, "p5@sacco.example")
    with site.db.transaction() as tx:
        kept = tx.scalar(sa.text("SELECT totp_secret FROM staff WHERE id = :id"), {"id": staff_id})
        hashes = tx.scalars(sa.text("SELECT sha256 FROM staff_recovery_code")).all()
    assert phone.seed.encode() not in kept
    assert SEEDS.shown(kept) == phone.seed
    with pytest.raises(InvalidToken):
        Seeds("another key").shown(kept)
    assert not any(code.encode() in bytes(one) for code in codes for one in hashes)


def test_it_is_set_up_on_the_page_with_password_and_code(site: Site) -> None:
    """What does not fit sets up nothing; what fits shows the codes for the drawer once."""
    site.hire("p6@sacco.example", "finance")
    browser = site.browser()
    browser.sign_in("p6@sacco.example")
    page = browser.get("/staff/you/second-factor").text
    assert "<svg" in page
    seed = re.search(r'name="seed" value="([A-Z2-7]{32})"', page)
    assert seed
    phone = Phone()
    phone.seed = seed[1]
    form = {"csrf_token": csrf_token(page), "seed": seed[1]}
    path = "/staff/you/second-factor"
    wrong = browser.send(path, **form, password=PASSWORD, new_code="000000")
    assert (wrong.status_code, "does not fit" in wrong.text) == (403, True)
    wrong = browser.send(path, **form, password="not hers", new_code=phone.code())
    assert (wrong.status_code, "password is not right" in wrong.text) == (403, True)
    shown = browser.send(path, **form, password=PASSWORD, new_code=phone.code())
    assert len(re.findall(r"<li><code>[0-9a-f-]{19}</code></li>", shown.text)) == 10
    assert site.browser().sign_in("p6@sacco.example").headers["Location"].startswith("/staff/code")


def test_agreeing_needs_a_code_of_the_last_minutes(site: Site) -> None:
    """Signed in long ago: the form asks for one, and nothing is done without it."""
    _, phone, codes = hired(site, MANAGER)
    browser = site.browser()
    browser.sign_in(MANAGER)
    assert show(browser, phone.code()) == 303
    token = csrf_token(browser.get("/staff/").text)
    fresh = browser.send("/staff/reconciliation/days", csrf_token=token, day="2026-01-01")
    assert "RC-20" in fresh.text
    browser.age_session(strong_at=3600)
    stale = browser.send("/staff/reconciliation/days", csrf_token=token, day="2026-01-01")
    assert "ST-10" in stale.text
    assert 'name="code"' in browser.get("/staff/reconciliation").text
    shown = browser.send(
        "/staff/reconciliation/days", csrf_token=token, day="2026-01-01", code=codes[0]
    )
    assert "RC-20" in shown.text


def test_in_production_nothing_opens_without_one(logins: Logins) -> None:
    """The person is led to set it up, and to nothing else."""
    db = Database(logins.application, name="tests")
    settings = {name.lower(): value for name, value in PRODUCTION.items()}
    settings |= {"database_url": logins.application, "redis_url": "redis://127.0.0.1:1/0"}
    with staff_site.running(db, **settings) as served:
        served.hire("p7@sacco.example", "ops")
        # Its cookies are for HTTPS only, which a plain socket is not.
        browser = served.app.test_client()
        https = {"base_url": "https://baraza.example.co.ke"}
        page = browser.get("/staff/login", **https).text
        form = {"csrf_token": csrf_token(page), "email": "p7@sacco.example", "password": PASSWORD}
        headers = {"Referer": "https://baraza.example.co.ke/staff/login"}
        assert browser.post("/staff/login", data=form, headers=headers, **https).status_code == 303
        for path in ("/staff/", "/staff/payouts", "/staff/queues"):
            assert browser.get(path, **https).headers["Location"] == "/staff/you?first=1"
        assert "Set up a second factor first" in browser.get("/staff/you?first=1", **https).text
        assert browser.get("/staff/rq/", **https).status_code == 403
    db.close()


def test_a_lost_phone_is_forgotten_on_record(site: Site) -> None:
    staff_id, phone, _ = hired(site, "p8@sacco.example")
    with site.db.transaction() as tx:
        second_factor.take_away(tx, staff_id, reason="phone stolen", by=operator())
    with site.db.transaction() as tx:
        assert not second_factor.matches(tx, staff_id, phone.code(), seeds=SEEDS, source="tests")
        with pytest.raises(NoSecondFactor):
            second_factor.take_away(tx, staff_id, reason="again", by=operator())
        with pytest.raises(WrongCode):
            second_factor.set_up(tx, staff_id, phone.seed, "000000", seeds=SEEDS, source="tests")
    assert site.browser().sign_in("p8@sacco.example").headers["Location"] == "/staff/"


SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def test_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B: SHA-1, the last six digits of the eight that it lists."""
    for at, eight in ((59, "94287082"), (1111111109, "07081804"), (2000000000, "69279037")):
        now = datetime.fromtimestamp(at, UTC)
        typed = f" {eight[-6:-3]} {eight[-3:]}"
        assert second_factor.step_of(SEED, typed, after=0, now=now) == at // STEP_S


def test_a_clock_may_be_off_by_one_step_and_no_more() -> None:
    """And no code is older than the last one that was taken."""
    now = datetime.fromtimestamp(2000000000, UTC)
    step = 2000000000 // STEP_S
    codes = {off: pyotp.TOTP(SEED).at((step + off) * STEP_S) for off in range(-2, 3)}
    found = {
        off: second_factor.step_of(SEED, code, after=0, now=now) for off, code in codes.items()
    }
    assert found == {-2: None, -1: step - 1, 0: step, 1: step + 1, 2: None}
    assert second_factor.step_of(SEED, codes[0], after=step, now=now) is None


def test_setting_it_up_ends_what_only_a_password_began(site: Site) -> None:
    """A thief who was signed in before is out; the person goes on."""
    site.hire("p9@sacco.example", "manager")
    thief, person = site.browser(), site.browser()
    for browser in (thief, person):
        browser.sign_in("p9@sacco.example")
    page = person.get("/staff/you/second-factor").text
    seed = re.search(r'name="seed" value="([A-Z2-7]{32})"', page)
    assert seed
    phone = Phone()
    phone.seed = seed[1]
    form = {"csrf_token": csrf_token(page), "seed": seed[1], "password": PASSWORD}
    done = person.send("/staff/you/second-factor", **form, new_code=phone.code())
    assert done.status_code == 200
    assert person.get("/staff/payouts").status_code == 200
    assert thief.get("/staff/payouts").status_code == 302


def test_another_secret_key_leaves_the_recovery_codes(site: Site) -> None:
    """The app is of no use then; who has a code from the drawer still comes in."""
    staff_id, phone, codes = hired(site, "p10@sacco.example")
    other = Seeds("another key")
    with site.db.transaction() as tx:
        assert not second_factor.matches(tx, staff_id, phone.code(), seeds=other, source="tests")
        assert second_factor.matches(tx, staff_id, codes[0], seeds=other, source="tests")


def test_demo_people_stay_out_where_money_is_real(site: Site) -> None:
    """Their password is in the source; the second factor would be anybody's."""
    site.hire("manager@demo.example", "manager")
    for in_production, is_in in ((True, False), (False, True)):
        attempt = Attempt("manager@demo.example", PASSWORD, "tests", in_production=in_production)
        with site.db.transaction() as tx:
            assert (signing_in.sign_in(tx, attempt) is not None) is is_in


def test_commands_ask_for_the_code_too(
    site: Site, logins: Logins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the password; and in production nobody without one gives a second person's yes."""
    _, phone, _ = hired(site, "p11@sacco.example")
    site.hire("p12@sacco.example", "manager")

    def approve(email: str, typed: str, **environment: str) -> str:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("DATABASE_URL", logins.application)
        given = ["cases", "approve", "1", "--yes", "--as", email, "--password-stdin"]
        return CliRunner().invoke(main, given, input=typed).output

    secret = {"SECRET_KEY": KEY}
    assert "ST-10" in approve("p11@sacco.example", f"{PASSWORD}\n000000\n", **secret)
    assert "CA-21" in approve("p11@sacco.example", f"{PASSWORD}\n{phone.code()}\n", **secret)
    assert "CA-21" in approve("p12@sacco.example", f"{PASSWORD}\n", **secret)
    assert "ST-13" in approve("p12@sacco.example", f"{PASSWORD}\n", **PRODUCTION)
