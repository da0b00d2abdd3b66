"""Demo people for the console: one click where play money is played with, nowhere else."""

from collections.abc import Iterator

import pytest
import requests

from app.commands import up
from app.db import Database
from app.staff import demo
from app.staff.accounts import Role
from tests.support import staff_site
from tests.support.staff_site import Browser, Site


@pytest.fixture
def site(db: Database, database_url: str) -> Iterator[Site]:
    with db.transaction() as tx:
        demo.hire(tx)
    with staff_site.running(
        db, database_url=database_url, redis_url="redis://127.0.0.1:1/0"
    ) as served:
        yield served


def click(browser: Browser, role: str, **headers: str) -> requests.Response:
    """What the phone page's button sends."""
    given = {demo.HEADER: "1", **headers}
    return browser.http.post(browser.site.url + f"/staff/demo/{role}", headers=given, timeout=10)


def test_one_click_opens_the_console_as_any_role(site: Site) -> None:
    """It is on record like any other signing in."""
    for role in Role:
        browser = site.browser()
        assert click(browser, role).json() == {"signed_in_as": f"{role}@demo.example"}
        page = browser.get("/staff/").text
        assert f'<small class="role">{role}</small>' in page
        assert "signed in" in page


def test_no_foreign_page_can_do_it(site: Site) -> None:
    """Neither a form, which has no such header, nor a name that only resolves to this machine."""
    browser = site.browser()
    assert click(browser, "ops", **{demo.HEADER: "0"}).status_code == 403
    assert click(browser, "ops", Host="evil.example").status_code == 403
    assert click(browser, "owner").status_code == 404
    assert browser.get("/staff/").status_code == 302


def test_it_is_not_there_where_money_is_real(db: Database, database_url: str) -> None:
    """A provider that is not the sandbox is enough to take it away."""
    with staff_site.running(
        db,
        database_url=database_url,
        redis_url="redis://127.0.0.1:1/0",
        daraja_url="http://127.0.0.1:9/",
        at_url="http://127.0.0.1:9/",
    ) as served:
        assert click(served.browser(), "ops").status_code == 404


def test_the_banner_names_them_all() -> None:
    for one in demo.PEOPLE:
        assert one.role in up.DEMO_ROLES
    assert up.DEMO_STAFF_PASSWORD == demo.PASSWORD
    assert {one.role for one in demo.PEOPLE} == set(Role)
