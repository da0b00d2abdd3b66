"""Colleagues join, change and leave by two people, and nobody ever knows another's password."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from app.audit import Actor
from app.db import Database
from app.staff import accounts, joining, staffing
from app.staff.accounts import EmailTaken, NoSuchAccount
from app.staff.staffing import BadAccount, LastOne
from tests.support import databases, staff_site
from tests.support.databases import Logins
from tests.support.staff_site import PASSWORD, Browser, Site, csrf_token, send

SECURITY, MANAGER, OTHER = "security@sacco.example", "boss@sacco.example", "other@sacco.example"
AMINA = "amina@sacco.example"
BY = Actor("tests", name="tests")
OWN = "seven green bicycles sing"


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
        served.hire(SECURITY, "security")
        served.hire(MANAGER, "manager")
        served.hire(OTHER, "support")
        yield served
    db.close()


@pytest.fixture(scope="module")
def security(site: Site) -> Browser:
    return signed_in(site, SECURITY)


@pytest.fixture(scope="module")
def manager(site: Site) -> Browser:
    return signed_in(site, MANAGER)


def signed_in(site: Site, email: str, password: str = PASSWORD) -> Browser:
    browser = site.browser()
    assert browser.sign_in(email, password).status_code == 303
    return browser


def number_of(site: Site, email: str) -> int:
    with site.db.transaction() as tx:
        found = [one.id for one in accounts.everyone(tx) if one.email == email]
    return found[0]


def waiting(manager: Browser) -> str:
    """The address of the newest request."""
    found = re.findall(r'href="(/staff/approvals/\d+)"', manager.get("/staff/proposals").text)
    assert found
    return str(max(found, key=lambda path: int(path.rpartition("/")[2])))


def code_in(page: str) -> str:
    found = re.search(r"<b><code>(\d{4} \d{4})</code>", page)
    assert found, page
    return found[1]


def link_in(page: str) -> str:
    found = re.search(r"(/staff/join/[\w-]+)</code>", page)
    assert found, page
    return found[1]


def join(browser: Browser, link: str, code: str, password: str = OWN, again: str = "") -> int:
    page = browser.get(link).text
    answer = browser.send(
        link,
        csrf_token=csrf_token(page),
        code=code,
        password=password,
        again=again or password,
    )
    return answer.status_code


def asked(security: Browser, email: str, role: str = "support", name: str = "Amina <b>N.") -> str:
    """Ask for an account; the page that follows."""
    return send(
        security, "/staff/people/ask", email=email, name=name, role=role, reason="a joiner"
    )[1]


def hired(security: Browser, manager: Browser, site: Site, email: str) -> tuple[str, str]:
    """The link and the code of a new colleague."""
    asked(security, email)
    page = send(manager, f"{waiting(manager)}/approve")[1]
    made = send(security, f"/staff/people/{number_of(site, email)}/link")[1]
    return link_in(made), code_in(page)


def test_somebody_joins(site: Site, security: Browser, manager: Browser) -> None:
    """Asked for, agreed to, joined with a code from one and a link from the other."""
    page = asked(security, " Amina@Sacco.Example ")
    assert "Somebody else must agree" in page
    assert "Amina <b>" not in page
    assert AMINA in page
    with site.db.transaction() as tx:
        assert AMINA not in [one.email for one in accounts.everyone(tx)]
    request = waiting(manager)
    assert "gets an account as amina@sacco.example, in the role support." in (
        manager.get(request).text.replace("\n", " ")
    )
    told = send(manager, f"{request}/approve")[1]
    code = code_in(told)
    number = number_of(site, AMINA)
    assert "invited" in security.get(f"/staff/people/{number}").text
    link = link_in(send(security, f"/staff/people/{number}/link")[1])
    newcomer = site.browser()
    assert newcomer.sign_in(AMINA, OWN).status_code == 403
    assert join(newcomer, link, "0000 0000") == 403
    assert join(newcomer, link, code, "short") == 403
    assert join(newcomer, link, code, again="another one entirely") == 403
    assert join(newcomer, link, code.replace(" ", "")) == 303
    assert "Second factor" in newcomer.get("/staff/you").text
    assert site.browser().get(link).status_code == 404
    assert signed_in(site, AMINA, OWN).get("/staff/payouts").status_code == 200
    listed = manager.get(f"/staff/record?about={AMINA}").text
    for act in ("hired", "joining link made", "joined"):
        assert f">{act}<" in listed


def test_nobody_takes_the_account_alone(site: Site, security: Browser, manager: Browser) -> None:
    """Security has the link and no code; five guesses void it, and the right code after them."""
    link, code = hired(security, manager, site, "guessed@sacco.example")
    browser = site.browser()
    answers = [join(browser, link, f"{guess:08d}") for guess in range(joining.TRIES_MAX)]
    assert answers == [403, 403, 403, 403, 404]
    assert site.browser().get(link).status_code == 404
    assert (
        "This account waits for nobody"
        in send(security, f"/staff/people/{number_of(site, 'guessed@sacco.example')}/link")[1]
    )
    with site.db.transaction() as tx, pytest.raises(joining.NotInvited):
        joining.join(tx, link.rpartition("/")[2], code=code, password=OWN, source="tests")


def test_a_code_opens_once_however_many_try_at_once(
    site: Site, security: Browser, manager: Browser
) -> None:
    link, code = hired(security, manager, site, "twice@sacco.example")
    secret = link.rpartition("/")[2]

    def one(_: int) -> bool:
        try:
            with site.db.transaction() as tx:
                return joining.join(tx, secret, code=code, password=OWN, source="t") is not None
        except joining.NotInvited:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one, range(4))) == 1


def test_a_newer_link_voids_the_older_and_time_voids_both(
    site: Site, security: Browser, manager: Browser, logins: Logins
) -> None:
    link, _ = hired(security, manager, site, "late@sacco.example")
    number = number_of(site, "late@sacco.example")
    newer = link_in(send(security, f"/staff/people/{number}/link")[1])
    assert site.browser().get(link).status_code == 404
    assert site.browser().get(newer).status_code == 200
    owner = Database(logins.owner, role=None, name="tests")
    with owner.transaction() as tx:
        tx.execute(sa.text("UPDATE staff_invitation SET expires_at = now()"))
    owner.close()
    assert site.browser().get(newer).status_code == 404
    assert site.browser().get("/staff/join/nonsense").status_code == 404


def test_the_maker_does_not_agree(site: Site, security: Browser) -> None:
    """By role and by person: security may not open the page where one agrees."""
    asked(security, "alone@sacco.example")
    status, page = send(security, "/staff/approvals/1/approve")
    assert status == 403
    assert "Not for your role" in page


def test_a_role_is_changed_and_the_old_sessions_end(
    site: Site, security: Browser, manager: Browser
) -> None:
    site.hire("mover@sacco.example", "support")
    mover = signed_in(site, "mover@sacco.example")
    path = f"/staff/people/{number_of(site, 'mover@sacco.example')}"
    send(security, f"{path}/ask/change-role", role="finance", reason="moves")
    request = waiting(manager)
    assert "becomes finance" in manager.get(request).text
    send(manager, f"{request}/approve")
    assert mover.get("/staff/payouts").status_code == 302
    assert signed_in(site, "mover@sacco.example").get("/staff/reconciliation").status_code == 200


def test_a_request_is_void_when_the_account_has_changed(
    site: Site, security: Browser, manager: Browser
) -> None:
    email = site.hire("stale@sacco.example", "support")
    path = f"/staff/people/{number_of(site, email)}"
    send(security, f"{path}/ask/dismiss", reason="to Mombasa")
    request = waiting(manager)
    assert "to Mombasa" in security.get(path).text
    with site.db.transaction() as tx:
        staffing.change_role(tx, email, role="ops", reason="meanwhile", by=BY)
    status, page = send(manager, f"{request}/approve")
    assert (status, "Things have changed" in page) == (409, True)
    send(security, f"/staff/people/requests/{request.rpartition('/')[2]}/let-go", reason="anew")
    assert "to Mombasa" not in security.get(path).text.partition("Last on record")[0]


def test_somebody_leaves_and_comes_back(site: Site, security: Browser, manager: Browser) -> None:
    """The sessions end at once; the old password and factor never come back."""
    email = site.hire("leaver@sacco.example", "ops")
    leaver = signed_in(site, email)
    path = f"/staff/people/{number_of(site, email)}"
    send(security, f"{path}/ask/dismiss", reason="leaves")
    send(manager, f"{waiting(manager)}/approve")
    assert leaver.get("/staff/").status_code == 302
    assert site.browser().sign_in(email).status_code == 403
    link, code = hired(security, manager, site, email)
    assert site.browser().sign_in(email).status_code == 403
    back = site.browser()
    assert join(back, link, code) == 303
    assert back.get("/staff/queues").status_code == 403, "the role is the new one"


def test_lost_access_is_renewed_by_two(site: Site, security: Browser, manager: Browser) -> None:
    email = site.hire("lost@sacco.example", "finance")
    there = signed_in(site, email)
    number = number_of(site, email)
    send(security, f"/staff/people/{number}/ask/renew-access", reason="lost her phone")
    told = send(manager, f"{waiting(manager)}/approve")[1]
    assert there.get("/staff/").status_code == 302
    link = link_in(send(security, f"/staff/people/{number}/link")[1])
    assert join(site.browser(), link, code_in(told)) == 303
    assert site.browser().sign_in(email).status_code == 403


def test_sessions_are_ended_by_one(site: Site, security: Browser) -> None:
    """A brake must not wait."""
    email = site.hire("stolen@sacco.example", "finance")
    there = signed_in(site, email)
    path = f"/staff/people/{number_of(site, email)}/end-sessions"
    assert "have ended" in send(security, path, reason="laptop stolen")[1]
    assert there.get("/staff/").status_code == 302


@pytest.mark.parametrize(
    ("email", "name", "error"),
    [
        ("nobody", "N", BadAccount),
        ("a b@c.d", "N", BadAccount),
        (f"{'x' * 251}@c.d", "N", BadAccount),
        ("x@demo.example", "N", BadAccount),
        ("x@sacco.example", "   ", BadAccount),
        ("x@sacco.example", "n" * 81, BadAccount),
        (OTHER, "N", EmailTaken),
    ],
)
def test_what_cannot_be_an_account_is_refused(
    site: Site, email: str, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error), site.db.transaction() as tx:
        staffing.hire(tx, email, name=name, role="ops", reason="x", by=BY)


def test_the_last_manager_and_the_last_security_stay(site: Site) -> None:
    """Without them nobody could make an account, or agree to one."""
    for email in (MANAGER, SECURITY):
        with pytest.raises(LastOne), site.db.transaction() as tx:
            staffing.dismiss(tx, email, reason="x", by=BY)
        with pytest.raises(LastOne), site.db.transaction() as tx:
            staffing.change_role(tx, email, role="support", reason="x", by=BY)
    with pytest.raises(BadAccount), site.db.transaction() as tx:
        staffing.change_role(tx, OTHER, role="support", reason="x", by=BY)
    with pytest.raises(NoSuchAccount), site.db.transaction() as tx:
        staffing.dismiss(tx, "nobody@sacco.example", reason="x", by=BY)


def test_two_keepers_cannot_leave_at_once(site: Site) -> None:
    """The second sees that the first has gone."""
    both = [site.hire(f"keeper{n}@sacco.example", "security") for n in (1, 2)]
    with site.db.transaction() as tx:
        assert staffing.dismiss(tx, SECURITY, reason="x", by=BY).after is None

    def leave(email: str) -> bool:
        try:
            with site.db.transaction() as tx:
                staffing.dismiss(tx, email, reason="x", by=BY)
        except LastOne:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(leave, both)) == [False, True]


def test_the_access_review_is_signed_and_comes_due(
    site: Site, manager: Browser, logins: Logins
) -> None:
    assert ">due<" in manager.get("/staff/people").text
    assert "Signed, and on record." in send(manager, "/staff/people/review", reason="all")[1]
    assert ">due<" not in manager.get("/staff/people").text
    owner = Database(logins.owner, role=None, name="tests")
    with owner.transaction() as tx:
        tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
        tx.execute(sa.text("UPDATE staff_action SET at = at - interval '91 days'"))
    owner.close()
    assert ">due<" in manager.get("/staff/people").text
