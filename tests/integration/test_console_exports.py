"""Lists and papers that leave the console: complete, masked, inert, and on record."""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import requests
import sqlalchemy as sa

from app import pdf
from app.db import Database
from app.ledger import statements
from app.operations import member_file, member_statement
from app.staff.accounts import Role
from app.staff.console import files
from tests.support import databases, pdf_text, staff_site
from tests.support.databases import Logins
from tests.support.staff_site import Browser, Site, csrf_token
from tests.support.stories import Stories

EVIL = '=HYPERLINK("http://evil.example","<script>alert(1)</script>")'
LONG = "x" * 300
SOON = timedelta(seconds=1)


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
        yield served
    db.close()


@pytest.fixture(scope="module")
def stories(site: Site, redis_server: str) -> Stories:
    return Stories(site.db, redis_server)


@pytest.fixture(scope="module")
def people(site: Site) -> dict[Role, Browser]:
    return site.people()


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


def send(browser: Browser, path: str, **fields: str) -> requests.Response:
    """Send a form as the page would, and see what comes at once."""
    token = csrf_token(browser.get("/staff/you").text)
    return browser.send(path, csrf_token=token, **fields)


def today(site: Site) -> date:
    """The day in Nairobi."""
    with site.db.transaction() as tx:
        found = tx.scalar(sa.text("SELECT (now() AT TIME ZONE 'Africa/Nairobi')::date"))
    assert isinstance(found, date)
    return found


def member_of(site: Site, reference: str) -> str:
    with site.db.transaction() as tx:
        return str(
            tx.scalar(
                sa.text(
                    "SELECT m.member_no FROM member m JOIN payout p ON p.member_id = m.id"
                    " WHERE p.reference = :reference"
                ),
                {"reference": reference},
            )
        )


def test_a_statement_says_what_the_ledger_says(
    site: Site, stories: Stories, people: dict[Role, Browser]
) -> None:
    """Every movement with its balance, from the opening one to what she has now."""
    reference = stories.reversed()
    number, day = member_of(site, reference), today(site)
    path = f"/staff/members/{number}/statement.pdf"
    period = {"from": day.isoformat(), "until": day.isoformat()}
    assert "CO-01" in send(people[Role.MANAGER], path, **period).text
    made = send(people[Role.MANAGER], path, reason="she asks for it", **period)
    assert made.headers["Content-Type"] == "application/pdf"
    assert made.headers["Content-Disposition"] == (
        f"attachment; filename=baraza-statement-{number}-{day}.pdf"
    )
    found = pdf_text.texts(made.content)
    assert {"Baraza SACCO", "Wanjiku Kamau", number, reference} <= set(found)
    balances = [one for one in found if one.startswith("KES ")]
    assert balances == [
        "KES 0.00",
        "KES 50,000.00", "KES 50,000.00",
        "KES 1,520.70", "KES 48,479.30",
        "KES 1,520.70", "KES 50,000.00",
        "KES 51,520.70", "KES 1,520.70", "KES 50,000.00",
    ]  # fmt: skip
    detail = last_act(site, "statement_made")
    assert (detail["member_no"], detail["reason"]) == (number, "she asks for it")
    assert detail["since"] == detail["until"] == day.isoformat()
    assert "KES" not in str(detail)
    before = (day - timedelta(days=1)).isoformat()
    empty = send(people[Role.AUDITOR], path, reason="x", **{"from": before, "until": before})
    assert "Nothing moved on the account in this period." in pdf_text.texts(empty.content)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "ST-01"),
        ({"from": "2026-11-24", "until": "2026-11-23"}, "ST-01"),
        ({"from": "2024-01-01", "until": "2026-01-01"}, "ST-01"),
        ({"from": "<script>", "until": "2026-01-01"}, "ST-01"),
        ({"from": "9999-12-31", "until": "9999-12-31"}, "ST-01"),
        ({"from": "2026-01-01", "until": "2026-02-01", "account": "9" * 18}, "ST-02"),
        ({"from": "2026-01-01", "until": "2026-02-01", "account": "9" * 300}, "ST-02"),
        ({"from": "2026-01-01", "until": "2026-02-01", "account": "' OR 1=1"}, "ST-02"),
    ],
)
def test_what_is_no_statement_is_refused(
    site: Site, stories: Stories, people: dict[Role, Browser], fields: dict[str, str], code: str
) -> None:
    number = member_of(site, stories.paid())
    answer = send(
        people[Role.MANAGER], f"/staff/members/{number}/statement.pdf", reason="x", **fields
    )
    assert (answer.status_code, code in answer.text) == (409, True)


def test_a_statement_of_another_members_account_is_refused(
    site: Site, stories: Stories, people: dict[Role, Browser]
) -> None:
    number, other = member_of(site, stories.paid()), stories.person()
    path = f"/staff/members/{number}/statement.pdf"
    period = {"from": "2026-01-01", "until": "2026-02-01", "account": str(other.account)}
    assert "ST-02" in send(people[Role.MANAGER], path, reason="x", **period).text


@pytest.mark.parametrize(
    "name", [EVIL, "+1", "@SUM", "\t<b>x</b>", LONG, "\u6c49\u5b57 \U0001f600"]
)
def test_a_hostile_name_stays_text_on_paper(
    site: Site, stories: Stories, people: dict[Role, Browser], name: str
) -> None:
    reference = stories.paid()
    rename(site, reference, name)
    day = today(site).isoformat()
    made = send(
        people[Role.MANAGER], f"/staff/members/{member_of(site, reference)}/statement.pdf",
        reason=EVIL, **{"from": day, "until": day},
    )  # fmt: skip
    found = pdf_text.whole(made.content).replace(" ", "")
    assert pdf.printable(name).replace(" ", "") in found
    assert b"/URI" not in made.content
    page = people[Role.AUDITOR].get("/staff/record?about=statement_made").text
    assert "<script>" not in page.replace("<script defer", "")


def test_a_period_keeps_to_its_days_and_its_limit(
    site: Site, stories: Stories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came before it is the opening balance, with no line lost or told twice."""
    who = stories.person()
    for cents in (100_00, 200_00, 300_00):
        reference = stories.requested(who, cents=cents)
        stories.debit()
        stories.cancel(reference)
    with site.db.transaction() as tx:
        account = who.account
        everything = statements.mini(tx, account, 100)[::-1]
        assert len(everything) == 7
        for cut in range(8):
            begins = everything[cut].posted_at if cut < 7 else everything[-1].posted_at + SOON
            opening, lines = statements.between(
                tx, account, begins=begins, ends=begins + 100 * SOON, limit=100
            )
            assert lines == everything[cut:]
            assert opening == (everything[cut - 1].balance_cents if cut else 0)
            earlier = statements.between(
                tx, account, begins=begins - 100 * SOON, ends=begins, limit=100
            )
            assert earlier == (0, everything[:cut])
        member = member_file.found(tx, who.msisdn)
        period = member_statement.Period(today(site), today(site))
        monkeypatch.setattr(member_statement, "LINES_MAX", 6)
        with pytest.raises(member_statement.TooLong):
            member_statement.read(tx, member, account_id=None, period=period)


def test_a_hostile_receipt_stays_text_in_the_file(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    """What M-PESA writes is no more to be trusted than what a member is called."""
    reference = stories.submitted()
    stories.told(
        reference, "callback", "success", code="0", receipt="=cmd|' /C calc'!A0",
        amount_cents=1_500_00, conversation_id=f"AG_{reference}",
    )  # fmt: skip
    (found,) = [
        one
        for one in rows(people[Role.AUDITOR].get("/staff/payouts.csv"))
        if one["reference"] == reference
    ]
    assert found["mpesa_receipt"] == "'=cmd|' /C calc'!A0"
