"""Lists and papers that leave the console: complete, masked, inert, and on record."""

import csv
import io
from collections.abc import Iterator

import pytest
import requests
import sqlalchemy as sa

from app.db import Database
from app.staff.accounts import Role
from app.staff.console import files
from tests.support import databases, staff_site
from tests.support.databases import Logins
from tests.support.staff_site import Browser, Site, csrf_token
from tests.support.stories import Stories

EVIL = '=HYPERLINK("http://evil.example","<script>alert(1)</script>")'
LONG = "x" * 300


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
        for role in sorted(Role):
            served.hire(f"{role}@sacco.example", role)
        yield served
    db.close()


@pytest.fixture(scope="module")
def stories(site: Site, redis_server: str) -> Stories:
    return Stories(site.db, redis_server)


@pytest.fixture(scope="module")
def people(site: Site) -> dict[Role, Browser]:
    found = {}
    for role in sorted(Role):
        found[role] = site.browser()
        assert found[role].sign_in(f"{role}@sacco.example").status_code == 303
    return found


def rows(answer: requests.Response) -> list[dict[str, str]]:
    """The rows of a file, by its header."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=baraza-")
    text = io.StringIO(answer.content.decode("utf-8-sig"), newline="")
    return list(csv.DictReader(text, strict=True))


def rename(site: Site, reference: str, name: str) -> None:
    """Call the member of a payout otherwise."""
    with site.db.transaction() as tx:
        tx.execute(
            sa.text(
                "UPDATE member SET name = :name WHERE id ="
                " (SELECT member_id FROM payout WHERE reference = :reference)"
            ),
            {"name": name, "reference": reference},
        )


def last_act(site: Site, action: str) -> dict[str, object]:
    """What is on record of the newest act of a kind."""
    with site.db.transaction() as tx:
        found = tx.scalar(
            sa.text("SELECT detail FROM staff_action WHERE action = :a ORDER BY id DESC LIMIT 1"),
            {"a": action},
        )
    assert isinstance(found, dict)
    return found


def test_the_list_of_payouts_as_a_file(
    site: Site, stories: Stories, people: dict[Role, Browser]
) -> None:
    """By the page's filters, masked, with amounts that can be summed, and on record."""
    paid, doubt = stories.paid(), stories.in_doubt()
    found = rows(people[Role.FINANCE].get("/staff/payouts.csv"))
    assert {one["reference"] for one in found} == {paid, doubt}
    assert {one["amount_kes"] for one in found} == {"1500.00"}
    assert all("***" in one["phone"] for one in found)
    assert "Kamau" not in str(found)
    only = rows(people[Role.FINANCE].get("/staff/payouts.csv?view=doubt&from=1500"))
    assert [(one["reference"], one["state"]) for one in only] == [(doubt, "in_doubt")]
    assert last_act(site, "payouts_exported") == {
        "by": "Wanjiru Otieno", "rows": 1, "view": "doubt", "of_member": "", "from_cents": 150_000,
    }  # fmt: skip
    assert 'href="/staff/payouts.csv?view=all"' in people[Role.FINANCE].get("/staff/payouts").text
    assert "payouts.csv" not in people[Role.OPS].get("/staff/payouts").text
    assert people[Role.OPS].get("/staff/payouts.csv").status_code == 403


@pytest.mark.parametrize("name", [EVIL, "+1 (2)", "@SUM(A1)", "\t=1", "\uff1d1", LONG, "a\r\nb"])
def test_a_hostile_name_stays_text_in_the_file(
    site: Site, stories: Stories, people: dict[Role, Browser], name: str
) -> None:
    reference = stories.paid()
    rename(site, reference, name)
    (found,) = [
        one
        for one in rows(people[Role.AUDITOR].get("/staff/payouts.csv"))
        if one["reference"] == reference
    ]
    assert found["first_name"][0] in "'xa"
    assert found["state"] == "paid"


def test_what_is_more_than_the_limit_is_said(
    stories: Stories, people: dict[Role, Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the last line of the file, in the reader's language."""
    for _ in range(3):
        stories.paid()
    monkeypatch.setattr(files, "EXPORT_ROWS_MAX", 2)
    for path in ("/staff/payouts.csv", "/staff/record.csv"):
        found = rows(people[Role.AUDITOR].get(path))
        assert len(found) == 3
        assert "Only the newest 2 rows are here" in next(iter(found[-1].values()))
    swahili = people[Role.AUDITOR].get("/staff/payouts.csv", **{"Accept-Language": "sw"})
    assert "Hapa kuna safu 2" in rows(swahili)[-1]["reference"]


def test_the_record_as_a_file(site: Site, stories: Stories, people: dict[Role, Browser]) -> None:
    """A reason that is a formula is text there too; the export is on record itself."""
    reference = stories.in_doubt()
    browser = people[Role.SUPPORT]
    token = csrf_token(browser.get("/staff/").text)
    for reason in (EVIL, "@SUM(1)", LONG + "y"):
        browser.send(f"/staff/payouts/{reference}/reveal", reason=reason, csrf_token=token)
    found = rows(people[Role.SECURITY].get(f"/staff/record.csv?about={reference}"))
    assert [one["reason"] for one in found] == [LONG, "'@SUM(1)", f"'{EVIL}"]
    assert {one["who"] for one in found} == {"support@sacco.example"}
    assert last_act(site, "record_exported")["about"] == reference
    assert last_act(site, "record_exported")["rows"] == 3
    assert people[Role.SUPPORT].get("/staff/record.csv").status_code == 403
