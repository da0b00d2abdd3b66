"""Limits on the console: one asks for others, another agrees, and the database sees to it."""

import re
from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.audit import Actor
from app.db import Database
from app.operations import invariants, limits_by_two
from app.payouts import dated, limit_book, limits, public_holidays
from app.payouts.limits import Limits
from app.staff import approvals
from app.staff.accounts import Role
from app.staff.approval_kinds import Asked, Kind
from tests.support import prices, staff_site
from tests.support.staff_site import Browser, Site, post
from tests.support.stories import Stories

EVIL = "<script>alert(1)</script>\"'"


@pytest.fixture
def site(db: Database, database_url: str) -> Iterator[Site]:
    with staff_site.running(
        db, database_url=database_url, redis_url="redis://127.0.0.1:1/0"
    ) as served:
        yield served


@pytest.fixture
def people(site: Site) -> dict[Role, Browser]:
    return site.people()


@pytest.fixture
def stories(site: Site, redis_url: str) -> Stories:
    """Limits of KES 50 to 250,000 hold, KES 500,000 a day."""
    return Stories(site.db, redis_url)


@pytest.fixture
def today(stories: Stories) -> date:
    with stories.db.transaction() as tx:
        return dated.today(tx)


def form(browser: Browser, **others: str) -> dict[str, str]:
    """The fields of the form for other limits, as they are filled in, but for some."""
    page = browser.get("/staff/limits/ask").text.partition("<main")[2]
    fields = {}
    for one in re.findall(r"<input [^>]+>", page):
        name = re.search(r' name="([^"]+)"', one)
        value = re.search(r' value="([^"]*)"', one)
        if name and name[1] != "csrf_token" and ("checkbox" not in one or "checked" in one):
            fields[name[1]] = value[1] if value else ""
    return {**fields, "reason": "board minute 12", **others}


def asked(page: str) -> str:
    """The number of the request that a page is about."""
    found = re.search(r"Request (\d+)", page)
    assert found, page
    return found[1]


def cells(page: str, limit: str) -> list[str]:
    """What stands beside a limit in the table of what changes."""
    row = page.partition(f'<th scope="row">{limit}</th>')[2].partition("</tr>")[0]
    return re.findall(r'<td class="right">([^<]*)</td>', row)


def ask(db: Database, wanted: Limits, *, day: date, by: Actor) -> int:
    request = Asked(Kind.SET_LIMITS, str(day), "seen", limits_by_two.detail(wanted))
    with db.transaction() as tx:
        return approvals.ask(tx, request, by=by)[0]


def in_force(db: Database, day: date) -> Limits:
    with db.transaction() as tx:
        return limits.in_force(tx, day=day)


def lower(db: Database, day: date, **others: Any) -> Limits:
    """The limits of a day, with some of them otherwise."""
    return limits.from_columns({**limits.columns(in_force(db, day)), **others})


def test_two_people_set_limits_as_they_were_shown(
    stories: Stories, people: dict[Role, Browser], today: date
) -> None:
    """Form, preview, request, refusal to the maker, approval: the same before and after."""
    finance, day = people[Role.FINANCE], today + timedelta(days=1)
    fields = form(finance, maximum_cents="70,000", night_from="20:00", night_to="06:00",
                  quiet_maximum_cents="20000", after_change_wait_hours="24", sacco_daily_cents="",
                  quiet_holidays="yes", reason=EVIL)  # fmt: skip
    assert fields["since"] == str(day)
    preview = post(finance, "/staff/limits/preview", **fields)
    assert "Nothing of this is done yet" in preview
    assert "&lt;script&gt;alert" in preview
    assert cells(preview, "one withdrawal, at most") == ["KES 250,000", "KES 70,000"]
    assert cells(preview, "the night begins") == ["no limit", "20:00"]
    assert cells(preview, "one member a day") == []
    assert "The amount screen shows KES 50.00 to KES 70,000.00." in preview
    assert "In quiet hours: KES 50.00 to KES 20,000.00." in preview
    assert in_force(stories.db, day).maximum_cents == 250_000_00
    number = asked(post(finance, "/staff/limits/ask", **fields))
    assert "Not for your role" in post(finance, f"/staff/approvals/{number}/approve")
    shown = people[Role.MANAGER].get(f"/staff/approvals/{number}").text
    for limit in ("one withdrawal, at most", "public holidays are quiet", "the night ends"):
        assert cells(shown, limit) == cells(preview, limit)
    done = post(people[Role.MANAGER], f"/staff/approvals/{number}/approve")
    assert "Done, as it was shown." in done
    assert "agreed by manager@sacco.example" in done
    assert "finance@sacco.example" in done
    assert "<script>alert" not in done + shown + preview
    assert in_force(stories.db, today).maximum_cents == 250_000_00
    now = in_force(stories.db, day)
    assert (now.maximum_cents, now.quiet_maximum_cents) == (70_000_00, 20_000_00)
    assert (now.quiet.holidays, now.after_change_wait_hours) == (True, 24)
    with stories.db.transaction() as tx:
        said = tx.execute(
            sa.text("SELECT detail FROM staff_action WHERE action = 'limits_set'")
        ).scalar_one()
    assert said["before"]["maximum_cents"] == 250_000_00
    assert said["after"]["night_from"] == "20:00"
    assert "AP-02" in post(people[Role.MANAGER], f"/staff/approvals/{number}/approve")


def test_what_the_preview_says_is_what_is_done(stories: Stories, today: date) -> None:
    """Every column, and nothing besides; nothing at all until the second person."""
    maker, checker = stories.someone(1), stories.someone(2)
    wanted = lower(stories.db, today, minimum_cents=100_00, sacco_hourly_cents=900_000_00,
                   sacco_daily_cents=1_000_000_00, quiet_sacco_hourly_cents=300_000_00,
                   before_long_weekend_hours=12, after_change_low_hours=72,
                   night_from=time(20), night_to=time(6, 30),
                   after_change_maximum_cents=1_000_00,
                   after_change_daily_cents=2_000_00)  # fmt: skip
    before = in_force(stories.db, today)
    number = ask(stories.db, wanted, day=today, by=maker)
    with stories.db.transaction() as tx:
        _, shown = approvals.look(tx, number)
    assert in_force(stories.db, today) == before
    with stories.db.transaction() as tx:
        done = approvals.approve(tx, number, by=checker)
    assert done == shown
    assert shown.limits
    assert (shown.limits.before, shown.limits.after) == (before, in_force(stories.db, today))
    with stories.db.transaction() as tx:
        assert len(limit_book.history(tx)) == 2
        assert [one for one in invariants.run(tx) if not one.ok] == []


def test_the_maker_does_not_agree_even_past_the_pages(stories: Stories, today: date) -> None:
    maker = stories.someone(1)
    number = ask(stories.db, lower(stories.db, today, maximum_cents=60_000_00), day=today, by=maker)
    with pytest.raises(approvals.OwnRequest), stories.db.transaction() as tx:
        approvals.approve(tx, number, by=maker)


def test_what_changed_in_between_voids_the_request(stories: Stories, today: date) -> None:
    """Other limits of that day, by a command: the checker saw another before."""
    number = ask(
        stories.db, lower(stories.db, today, maximum_cents=60_000_00), day=today,
        by=stories.someone(1),
    )  # fmt: skip
    with stories.db.transaction() as tx:
        prices.limits(tx, maximum=80_000_00)
    with pytest.raises(approvals.Outdated), stories.db.transaction() as tx:
        approvals.approve(tx, number, by=stories.someone(2))


TWO_NOW = "two people execute now"


def write(db: Database, number: int, *before: str, **facts: Any) -> None:
    """Have the database set what a request says, in one transaction with what goes before it."""
    with db.transaction() as tx:
        for statement in before:
            number = tx.scalar(sa.text(statement), {"number": number, **facts}) or number
        limits_by_two.write(tx, number)


def test_the_applications_login_sets_nothing_by_itself(stories: Stories, today: date) -> None:
    """No row of its own; and of the function nothing without a request that two people execute."""
    refused = (sa.exc.DBAPIError, sa.exc.ProgrammingError)
    maker, checker = stories.someone(1), stories.someone(2)
    row = "INSERT INTO withdrawal_limit (effective_from, minimum_cents, maximum_cents, daily_cents)"
    for statement in (
        f"{row} VALUES (current_date, 1, 2, 3)",
        "SELECT approval_executed_now(1, 'set_limits')",
        "UPDATE approval SET detail = '{}'",
    ):
        with pytest.raises(refused, match="permission denied"), stories.db.transaction() as tx:
            tx.execute(sa.text(statement))
    wanted = lower(stories.db, today, maximum_cents=60_000_00)
    number = ask(stories.db, wanted, day=today, by=maker)
    late = (
        "UPDATE approval SET outcome = 'executed', checker_id = :checker,"
        " decided_at = now() - interval '1 s' WHERE id = :number RETURNING id"
    )
    rejected = (
        "UPDATE approval SET outcome = 'rejected', checker_id = :checker, decided_at = now()"
        " WHERE id = :number RETURNING id"
    )
    for statements in ((), (late,), (rejected,)):
        with pytest.raises(refused, match=TWO_NOW):
            write(stories.db, number, *statements, checker=checker.staff_id)
    with pytest.raises(refused, match=TWO_NOW):
        write(stories.db, 999)
    assert in_force(stories.db, today).maximum_cents == 250_000_00
    with stories.db.transaction() as tx:
        approvals.approve(tx, number, by=checker)
    with pytest.raises(refused, match=TWO_NOW):
        write(stories.db, number)
    assert in_force(stories.db, today).maximum_cents == 60_000_00


def test_one_request_is_written_once(stories: Stories, today: date) -> None:
    """A second time within its own transaction would be a second entry."""
    wanted = lower(stories.db, today, maximum_cents=60_000_00)
    number = ask(stories.db, wanted, day=today, by=stories.someone(1))
    checker = stories.someone(2)
    executed = (
        "UPDATE approval SET outcome = 'executed', checker_id = :checker, decided_at = now()"
        " WHERE id = :number RETURNING id"
    )
    again = "SELECT id FROM (SELECT 1 AS id, set_limits_by_two(:number)) AS once"
    with pytest.raises(sa.exc.IntegrityError, match="approval_id"):
        write(stories.db, number, executed, again, checker=checker.staff_id)
    assert in_force(stories.db, today).maximum_cents == 250_000_00


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"kind": "set_tariff", "ago": "1 h", "days": 0}, TWO_NOW),
        ({"kind": "set_limits", "ago": "0 h", "days": 0}, TWO_NOW),
        ({"kind": "set_limits", "ago": "1 h", "days": -1}, "has passed"),
    ],
)
def test_a_request_of_another_kind_sets_no_limits(
    stories: Stories, today: date, facts: dict[str, Any], why: str
) -> None:
    """Nor does one that was made and executed in one breath, nor one for yesterday."""
    maker, checker = stories.someone(1), stories.someone(2)
    forged = (
        "INSERT INTO approval (kind, subject, detail, seen, reason, maker_id, made_at, expires_at,"
        " outcome, checker_id, decided_at) SELECT :kind, :day, detail, '{}', 'x', :maker,"
        " now() - cast(:ago AS interval), now(), 'executed', :checker, now() FROM approval"
        " WHERE id = :number RETURNING id"
    )
    wanted = lower(stories.db, today, maximum_cents=60_000_00)
    number = ask(stories.db, wanted, day=today, by=maker)
    day = str(today + timedelta(days=facts["days"]))
    people = {"maker": maker.staff_id, "checker": checker.staff_id}
    with pytest.raises(sa.exc.DBAPIError, match=why):
        write(stories.db, number, forged, day=day, **facts, **people)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"maximum_cents": "10"},
         "&#34;one withdrawal, at most&#34; must not be less than &#34;one withdrawal, at least"),
        ({"maximum_cents": "300000"}, "the tariff prices KES 50 to KES 250,000 only"),
        ({"maximum_cents": EVIL}, "needs a whole number from 1 to 1,000,000,000"),
        ({"maximum_cents": "9" * 300}, "needs a whole number from 1 to 1,000,000,000"),
        ({"maximum_cents": ""}, "&#34;one withdrawal, at most&#34; needs a whole number"),
        ({"daily_cents": "-5"}, "needs a whole number"),
        ({"after_change_wait_hours": "721"}, "needs a whole number from 0 to 720"),
        ({"night_from": "25:00"}, "needs a time such as 20:00"),
        ({"since": "soon"}, "Say from which day it holds"),
        ({"since": "2020-01-01"}, "is past"),
        ({"quiet_maximum_cents": "100"}, "need night, holidays or before-long-weekend"),
        ({}, "hold on"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_above_the_form(
    stories: Stories, people: dict[Role, Browser], typed: dict[str, str], why: str
) -> None:
    """What was typed is still there; nothing is kept of it."""
    ops = people[Role.OPS]
    fields = form(ops, **typed)
    page = post(ops, "/staff/limits/preview", **fields)
    assert why in page.partition('role="alert"')[2].partition("</p>")[0]
    assert 'value="board minute 12"' in page
    assert "<script>alert" not in page
    assert "Not done" in post(ops, "/staff/limits/ask", **fields)
    with stories.db.transaction() as tx:
        assert approvals.listed(tx, decided=True, limit=1) == []


def test_a_later_tariff_must_price_it_too(
    stories: Stories, people: dict[Role, Browser], today: date
) -> None:
    """Otherwise members would be shown amounts next week that nothing prices."""
    with stories.db.transaction() as tx:
        prices.tariff(tx, [(50_00, 100_000_00, 20_00)], since=7)
    page = post(
        people[Role.OPS], "/staff/limits/preview", **form(people[Role.OPS], daily_cents="400000")
    )
    assert f"from {today + timedelta(days=7)} members may draw" in page


def test_a_set_of_later_days_ends_what_is_asked_for(
    stories: Stories, people: dict[Role, Browser], today: date
) -> None:
    with stories.db.transaction() as tx:
        prices.limits(tx, maximum=90_000_00, since=5)
    ops = people[Role.OPS]
    page = post(ops, "/staff/limits/preview", **form(ops, maximum_cents="60000"))
    later = today + timedelta(days=5)
    assert f"Until {later} only" in page
    assert "to come" in ops.get("/staff/limits").text


def test_the_calendar_says_when_it_is_quiet(
    stories: Stories, people: dict[Role, Browser], today: date
) -> None:
    """A holiday beside a weekend makes it long; the quiet hours before it are named."""
    monday = today + timedelta(days=14 - today.weekday())
    with stories.db.transaction() as tx:
        tx.execute(sa.text("DELETE FROM public_holiday"))
        public_holidays.add(tx, day=monday, name=EVIL)
        prices.limits(
            tx, before_long_weekend_hours=12, quiet_maximum_cents=5_000_00,
            quiet_sacco_hourly_cents=80_000_00,
        )  # fmt: skip
    page = people[Role.AUDITOR].get("/staff/limits").text
    saturday = monday - timedelta(days=2)
    assert f"3 free days from Sat {saturday}." in page
    assert f"Quiet from {saturday - timedelta(days=1):%d/%m} 12:00." in page
    assert (
        f"The next quiet hours are from {saturday - timedelta(days=1):%d/%m} 12:00"
        f" to {saturday:%d/%m} 00:00."
    ) in page
    assert "One withdrawal may be KES 50.00 to KES 5,000.00 then." in page
    assert "KES 80,000.00 in an hour of them." in page
    assert "<script>alert" not in page


def test_quiet_hours_now_are_named_with_their_end(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    with stories.db.transaction() as tx:
        prices.limits(tx, night_from="00:00", night_to="00:00", quiet_maximum_cents=700_00)
    page = people[Role.SUPPORT].get("/staff/limits").text
    assert "One withdrawal may be KES 50.00 to KES 700.00 now." in page
    assert "These are quiet hours." in page
    assert "Ask for other limits" not in page.partition("<main")[2].partition("<h2>")[0]


def test_without_limits_the_page_says_what_follows(site: Site, people: dict[Role, Browser]) -> None:
    page = people[Role.OPS].get("/staff/limits").text
    assert "No limits are in force, so nobody can withdraw." in page
    assert "No limits were ever set." in page
    assert people[Role.OPS].get("/staff/limits/ask").status_code == 200
