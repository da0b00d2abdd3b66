"""Reports and incidents on the console, on a real database."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.clock import NAIROBI
from app.db import Database
from app.operations import payout_report
from app.staff.accounts import Role
from tests.support import databases, pdf_text, staff_site
from tests.support.databases import Logins
from tests.support.staff_site import Browser, Site, post
from tests.support.stories import Stories

EVIL = "=1+<script>alert(1)</script>\"'"
LATE_NOTE = (
    "INSERT INTO incident_entry (incident_id, kind, at, said, made_by)"
    " VALUES (:n, 'note', now(), 'x', 1)"
)
MINUTE = "%Y-%m-%dT%H:%M"


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


def present(site: Site) -> datetime:
    """Now in Nairobi, by the database."""
    with site.db.transaction() as tx:
        found = tx.scalar(sa.text("SELECT now()"))
    assert isinstance(found, datetime)
    return found.astimezone(NAIROBI)


def test_every_payout_stands_in_one_column(
    site: Site, stories: Stories, people: dict[Role, Browser]
) -> None:
    """One of each state: what became of them adds up to what was asked for."""
    made = stories.one_of_each()
    today = present(site).date()
    with site.db.transaction() as tx:
        days = payout_report.by_day(tx, today, today=today)
        months = payout_report.by_month(tx, today=today)
    assert len(months) == 12
    assert [one.begins.day for one in days] == list(range(1, today.day + 1))
    total = payout_report.total(days)
    assert total == payout_report.total(months) == days[-1].figures == months[-1].figures
    assert total.asked == len(made)
    assert (total.paid, total.given_back, total.declined) == (1, 3, 1)
    assert (total.paid_after_all, total.in_doubt, total.on_the_way) == (3, 1, 4)
    assert (total.paid_cents, total.fee_cents, total.duty_cents) == (1_500_00, 18_00, 2_70)
    page = people[Role.FINANCE].get("/staff/reports").text
    row = page.partition("<tfoot>")[2].partition("</tfoot>")[0]
    assert re.findall(r'class="right">([^<]+)<', row) == [
        "13", "1", "KES 1,500.00", "3", "1", "3", "1", "4", "KES 18.00", "KES 2.70",
    ]  # fmt: skip
    assert people[Role.SUPPORT].get("/staff/reports").status_code == 403


def test_the_report_as_a_file(site: Site, people: dict[Role, Browser]) -> None:
    """With the sum as its last line; by day and by month."""
    for path in ("/staff/reports.csv", "/staff/reports.csv?by=month"):
        answer = people[Role.AUDITOR].get(path)
        text = io.StringIO(answer.content.decode("utf-8-sig"), newline="")
        found = list(csv.DictReader(text, strict=True))
        assert found[-1]["from"] == "total"
        for column in ("asked", "paid", "in_doubt"):
            assert sum(int(one[column]) for one in found[:-1]) == int(found[-1][column])
        assert found[-1]["paid_kes"] == "1500.00"


def test_other_months_are_reached_and_odd_ones_are_none(
    site: Site, people: dict[Role, Browser]
) -> None:
    """A payout counts in its own month in Nairobi; whatever is no month is the present one."""
    today = present(site).date()
    before = payout_report.month_before(today)
    browser = people[Role.MANAGER]
    past = browser.get(f"/staff/reports?month={before:%Y-%m}").text
    assert "Nobody asked for a withdrawal in this time" in past
    assert "The month after" in past
    for odd in ("", "2026-13", "<script>", "9999-01", f"{today:%Y-%m}", "0" * 300):
        page = browser.get(f"/staff/reports?month={odd}").text
        assert f"The days of {today:%m/%Y}" in page
        assert "The month after" not in page
    assert payout_report.next_month(date(2026, 12, 31)) == date(2027, 1, 1)
    assert payout_report.month_before(date(2026, 1, 31)) == date(2025, 12, 1)


def test_midnight_is_nairobis(site: Site, stories: Stories, owner: Database) -> None:
    """What was asked for at 23:30 in Nairobi is of that day, one hour later of the next."""
    reference = stories.requested()
    at = datetime(2026, 3, 31, 23, 30, tzinfo=NAIROBI)
    with owner.transaction() as tx:
        for moved, day in ((at, date(2026, 3, 31)), (at + timedelta(hours=1), date(2026, 4, 1))):
            tx.execute(sa.text("SET LOCAL session_replication_role = replica"))
            tx.execute(
                sa.text("UPDATE payout SET requested_at = :at WHERE reference = :reference"),
                {"at": moved, "reference": reference},
            )
            lines = payout_report.by_day(tx, day, today=date(2026, 5, 1))
            assert [one.begins for one in lines if one.figures.asked] == [day]


@pytest.fixture
def owner(logins: Logins) -> Iterator[Database]:
    db = Database(logins.owner, role=None, name="tests, owner")
    yield db
    db.close()


def facts(site: Site, *, aware_h: float = 1, **changed: str) -> dict[str, str]:
    """An incident that began an hour before we became aware of it."""
    aware = present(site) - timedelta(hours=aware_h)
    return {
        "title": "Somebody tried PINs in bulk",
        "began": (aware - timedelta(hours=1)).strftime(MINUTE),
        "aware": aware.strftime(MINUTE),
        "happened": "From one address.\nThe gateway closed it.",
        "personal": "yes",
        "members": "1,200",
        "shillings": "30,000",
    } | changed


def opened(browser: Browser, fields: dict[str, str]) -> tuple[int, str]:
    """Open an incident: its number and its page."""
    page = post(browser, "/staff/incidents", **fields)
    number = re.search(r"Incident (\d+)", page)
    assert number, page
    return int(number[1]), page


def test_clocks_run_from_when_we_became_aware(site: Site, people: dict[Role, Browser]) -> None:
    """12 hours for SASRA are over after 13; 48 and 72 are not; the Central Bank's does not run."""
    number, page = opened(people[Role.MANAGER], facts(site, aware_h=13.5))
    assert "KES 30,000.00" in page
    assert "1200" in page
    rows = dict(re.findall(r'<tr><th scope="row">([^<]+)</th>(.*?)</tr>', page, re.DOTALL))
    assert set(rows) == {
        "SASRA",
        "The SACCO, by whoever runs Baraza for it",
        "Data Commissioner (ODPC), by the SACCO",
    }
    assert "late by 1 h" in rows["SASRA"]
    assert "1 d left" in rows["The SACCO, by whoever runs Baraza for it"]
    assert "2 d left" in rows["Data Commissioner (ODPC), by the SACCO"]
    sent = present(site).strftime(MINUTE)
    page = post(
        people[Role.MANAGER], f"/staff/incidents/{number}/notices",
        told="odpc", sent=sent, reference="portal no. 77",
    )  # fmt: skip
    assert "told in time" in page
    assert "portal no. 77" in page
    page = post(
        people[Role.MANAGER], f"/staff/incidents/{number}/notices",
        told="sasra", sent=sent, reference="mail",
    )  # fmt: skip
    assert "told, late" in page
    assert "portal no. 77" in people[Role.AUDITOR].get(f"/staff/incidents/{number}").text
    _, quiet = opened(people[Role.MANAGER], facts(site, personal="no", cbk="yes"))
    assert (
        "Central Bank of Kenya" in quiet.partition("Who must be told")[2].partition("</table>")[0]
    )
    assert "Data Commissioner" not in quiet.partition("</table>")[0]


def test_who_may_keep_incidents(site: Site, people: dict[Role, Browser]) -> None:
    """A manager opens them, finance and the auditor read, nobody else sees them."""
    number, _ = opened(people[Role.MANAGER], facts(site))
    for role in (Role.FINANCE, Role.AUDITOR):
        page = people[role].get(f"/staff/incidents/{number}").text
        assert "From one address." in page
        assert "Close the incident" not in page
        assert "Open an incident" not in people[role].get("/staff/incidents").text
    assert people[Role.SUPPORT].get(f"/staff/incidents/{number}").status_code == 403


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"title": " "}, "IN-01"),
        ({"personal": "perhaps"}, "IN-01"),
        ({"began": "yesterday"}, "IN-01"),
        ({"began": "0001-01-01T00:00"}, "IN-01"),
        ({"aware": "9999-12-31T23:59"}, "IN-01"),
        ({"began": "2026-01-02T00:00", "aware": "2026-01-01T00:00"}, "IN-01"),
        ({"members": "-1"}, "IN-01"),
        ({"members": "9" * 300}, "IN-01"),
        ({"shillings": "1.5"}, "IN-01"),
    ],
)
def test_what_is_no_incident_is_refused(
    site: Site, people: dict[Role, Browser], changed: dict[str, str], code: str
) -> None:
    assert code in post(people[Role.MANAGER], "/staff/incidents", **facts(site, **changed))


def test_a_closed_incident_takes_nothing_more(
    site: Site, stories: Stories, people: dict[Role, Browser]
) -> None:
    """Not by the page, and not past it: PostgreSQL refuses it as well."""
    manager = people[Role.MANAGER]
    number, _ = opened(manager, facts(site))
    path = f"/staff/incidents/{number}"
    assert "the gateway&#39;s log" in post(manager, f"{path}/notes", note="the gateway's log")
    early = facts(site, aware_h=2)["aware"]
    for sent in (early, "9999-12-31T23:59"):
        assert "IN-04" in post(manager, f"{path}/notices", told="odpc", sent=sent, reference="x")
    assert "IN-01" in post(manager, f"{path}/notices", told="pope", sent=early, reference="x")
    assert "CO-01" in post(manager, f"{path}/close")
    assert "no risk of harm" in post(manager, f"{path}/close", reason="no risk of harm")
    assert "IN-03" in post(manager, f"{path}/close", reason="again")
    assert "IN-03" in post(manager, f"{path}/notes", note="more")
    assert "IN-02" in post(manager, "/staff/incidents/999/notes", note="more")
    assert manager.get(f"/staff/incidents/{'9' * 40}").status_code == 404
    for statement in (
        "UPDATE incident SET title = 'x' WHERE id = :n",
        "UPDATE incident SET closed_why = 'x' WHERE id = :n",
        "DELETE FROM incident WHERE id = :n",
        "UPDATE incident_entry SET said = 'x' WHERE incident_id = :n",
        "DELETE FROM incident_entry WHERE incident_id = :n",
        LATE_NOTE,
    ):
        with pytest.raises(sa.exc.DBAPIError), stories.db.transaction() as tx:
            tx.execute(sa.text(statement), {"n": number})
    with site.db.transaction() as tx:
        acts = tx.scalars(
            sa.text("SELECT action FROM staff_action WHERE detail ->> 'incident' = :n ORDER BY id"),
            {"n": str(number)},
        ).all()
    assert acts == ["incident_opened", "incident_noted", "incident_closed"]


def test_the_owner_cannot_change_it_either(
    site: Site, people: dict[Role, Browser], owner: Database
) -> None:
    """Triggers hold what the rights of the application do not."""
    number, _ = opened(people[Role.MANAGER], facts(site))
    post(people[Role.MANAGER], f"/staff/incidents/{number}/notes", note="seen")
    for statement in (
        "UPDATE incident SET aware_at = now() WHERE id = :n",
        "DELETE FROM incident WHERE id = :n",
        "UPDATE incident_entry SET said = 'x' WHERE incident_id = :n",
        "DELETE FROM incident_entry WHERE incident_id = :n",
    ):
        with pytest.raises(sa.exc.DBAPIError), owner.transaction() as tx:
            tx.execute(sa.text(statement), {"n": number})


def test_the_draft_tells_what_happened_and_names_nobody(
    site: Site, stories: Stories, people: dict[Role, Browser]
) -> None:
    """What people typed without numbers and e-mails; what Baraza recorded as moments and counts."""
    manager = people[Role.MANAGER]
    stories.in_doubt()
    post(people[Role.OPS], "/staff/controls/stop", reason="Wanjiku Kamau called from 0712 345 678")
    with site.db.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO alert (rule, subject, severity, detail) VALUES"
                " ('float_low', 'Wanjiku', 'page', 'Wanjiku'), ('float_low', 'x', 'page', 'x')"
            )
        )
    number, _ = opened(
        manager,
        facts(
            site,
            title=f"Told by wanjiku@example.com {EVIL}",
            happened="She rang: 0712345678,\r\n+254 712 345 678, 254-712-345-678. " + "x" * 300,
        ),
    )
    post(manager, f"/staff/incidents/{number}/notes", note=f"0722000111 again {EVIL}")
    answer = people[Role.AUDITOR].get(f"/staff/incidents/{number}/draft.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    paper = people[Role.AUDITOR].get(f"/staff/incidents/{number}/draft.pdf")
    assert paper.headers["Content-Type"] == "application/pdf"
    for text in (answer.text, pdf_text.whole(paper.content)):
        flat = re.sub(r"\s+", "", text)
        for said in (
            "Withdrawals were stopped.",
            "Alert opened: float_low (page), 2 of it.",
            "(e-mail left out)",
            "not told yet, due by",
            "x" * 300,
            EVIL,
        ):
            assert said.replace(" ", "") in flat, said
        assert flat.count("(numberleftout)") == 4
        for secret in ("Wanjiku", "712345678", "722000111", "example.com", "sacco.example"):
            assert secret not in flat, secret
    assert re.search(r"Came into doubt in that time: [1-9]\d*, KES", answer.text)
    assert "Incident opened: " in answer.text
    page = people[Role.AUDITOR].get(f"/staff/incidents/{number}").text
    assert "<script>alert" not in page
    assert "<script>alert" not in people[Role.AUDITOR].get("/staff/incidents").text
    post(people[Role.OPS], "/staff/controls/resume", reason="over")


def test_months_that_are_over_are_counted_beforehand(
    db: Database, owner_db: Database, redis_url: str
) -> None:
    """As they were counted last; the present month is always as it is now."""
    stories = Stories(db, redis_url)
    with db.transaction() as tx:
        today = tx.execute(sa.text("SELECT now()")).scalar_one().astimezone(NAIROBI).date()
    past = stories.paid()
    with owner_db.transaction() as tx:
        tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
        tx.execute(
            sa.text("UPDATE payout SET requested_at = :at WHERE reference = :r"),
            {"at": datetime(today.year, today.month, 1, tzinfo=NAIROBI) - timedelta(days=3),
             "r": past},
        )  # fmt: skip

    def months() -> list[payout_report.Line]:
        with db.transaction() as tx:
            return payout_report.by_month(tx, today=today)

    uncounted = months()
    assert uncounted[-2].figures.paid == 1
    with db.transaction() as tx:
        payout_report.keep_months(tx)
    assert months() == uncounted
    with owner_db.transaction() as tx:
        tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
        tx.execute(
            sa.text("UPDATE payout SET state = 'returned' WHERE reference = :r"), {"r": past}
        )
    stories.paid()
    assert months()[-2] == uncounted[-2]
    assert months()[-1].figures.paid == uncounted[-1].figures.paid + 1
    with db.transaction() as tx:
        assert payout_report.counted_at(tx) is not None
    with db.transaction() as tx:
        payout_report.keep_months(tx)
    assert (months()[-2].figures.paid, months()[-2].figures.given_back) == (0, 1)
