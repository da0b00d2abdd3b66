"""Fees on the console: one asks for another tariff, another agrees, and the database sees to it."""

import html
import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from app.audit import Actor
from app.db import Database
from app.operations import invariants, tariff_by_two
from app.payouts import dated, tariffs
from app.payouts.tariffs import Band
from app.staff import approvals
from app.staff.accounts import Role
from app.staff.approval_kinds import Asked, Kind
from tests.support import prices, staff_site
from tests.support.staff_site import Browser, Site, post
from tests.support.stories import Stories

EVIL = "<script>alert(1)</script>\"'"
TABLE = "from,to,fee\r\n50,1000,10\r\n1001,250000,30"
BANDS = (Band(50_00, 1_000_00, 10_00), Band(1_001_00, 250_000_00, 30_00))
TODAYS = (Band(50_00, 250_000_00, 18_00),)
TWO_NOW = "two people execute now"


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
    """KES 18 for all that members may draw, KES 50 to 250,000."""
    return Stories(site.db, redis_url)


@pytest.fixture
def today(stories: Stories) -> date:
    with stories.db.transaction() as tx:
        return dated.today(tx)


def rows(page: str) -> list[list[str]]:
    """Every row of figures that a page shows, without its tags."""
    found = re.findall(r"<tr>(.*?)</tr>", page.partition("<main")[2], re.DOTALL)
    texts = [
        [re.sub(r"<[^>]+>", "", c).strip() for c in re.split("</t[hd]>", one)] for one in found
    ]
    return [one[:-1] for one in texts if one[0].startswith("KES")]


def in_force(db: Database, day: date) -> tuple[Band, ...]:
    with db.transaction() as tx:
        found = tariffs.in_force(tx, day)
    assert found
    return found.bands


def ask(db: Database, bands: tuple[Band, ...], *, day: date, by: Actor) -> int:
    request = Asked(Kind.SET_TARIFF, str(day), "seen", tariff_by_two.detail(bands))
    with db.transaction() as tx:
        return approvals.ask(tx, request, by=by)[0]


def test_two_people_set_a_tariff_as_it_was_shown(
    stories: Stories, people: dict[Role, Browser], today: date
) -> None:
    """Form, preview, request, refusal to the maker, approval: the same before and after."""
    ops, day = people[Role.OPS], today + timedelta(days=1)
    form = ops.get("/staff/tariffs/ask").text
    assert "from,to,fee\n50,250000,18</textarea>" in form
    fields = {"table": TABLE, "since": str(day), "reason": EVIL}
    preview = post(ops, "/staff/tariffs/preview", **fields)
    shown = rows(preview)
    assert shown[:2] == [
        ["KES 50.00", "KES 1,000.00", "KES 18.00", "KES 10.00", "changes"],
        ["KES 1,001.00", "KES 250,000.00", "KES 18.00", "KES 30.00", "changes"],
    ]
    assert ["KES 5,000.00", "KES 20.70", "KES 34.50"] in shown
    kept = html.unescape(re.findall(r'name="table" value="([^"]*)"', preview)[0])
    page = post(ops, "/staff/tariffs/ask", **{**fields, "table": kept})
    number = re.findall(r"Request (\d+)", page)[0]
    assert "Not for your role" in post(ops, f"/staff/approvals/{number}/approve")
    seen = people[Role.MANAGER].get(f"/staff/approvals/{number}").text
    assert rows(seen) == shown
    assert in_force(stories.db, day) == TODAYS
    done = post(people[Role.MANAGER], f"/staff/approvals/{number}/approve")
    assert "agreed by manager@sacco.example" in done
    assert "to come" in done
    assert "<script>alert" not in done + seen + preview + page
    assert (in_force(stories.db, today), in_force(stories.db, day)) == (TODAYS, BANDS)
    with stories.db.transaction() as tx:
        said = tx.execute(
            sa.text("SELECT detail FROM staff_action WHERE action = 'tariff_loaded'")
        ).scalar_one()
    assert (said["before"], said["reason"]) == ([[50_00, 250_000_00, 18_00]], EVIL)


def test_what_the_preview_says_is_what_is_done(stories: Stories, today: date) -> None:
    number = ask(stories.db, BANDS, day=today, by=stories.someone(1))
    with stories.db.transaction() as tx:
        _, shown = approvals.look(tx, number)
    assert in_force(stories.db, today) == TODAYS
    with stories.db.transaction() as tx:
        assert approvals.approve(tx, number, by=stories.someone(2)) == shown
    assert shown.tariff
    assert (shown.tariff.before, shown.tariff.after) == (TODAYS, in_force(stories.db, today))
    with stories.db.transaction() as tx:
        assert [one for one in invariants.run(tx) if not one.ok] == []


def test_another_tariff_in_between_voids_the_request(stories: Stories, today: date) -> None:
    """And so does another duty: the costs that were shown are others then."""
    maker, checker = stories.someone(1), stories.someone(2)
    number = ask(stories.db, BANDS, day=today, by=maker)
    with stories.db.transaction() as tx:
        prices.excise(tx, 2000)
    with pytest.raises(approvals.Outdated), stories.db.transaction() as tx:
        approvals.approve(tx, number, by=checker)
    number = ask(stories.db, BANDS, day=today + timedelta(days=1), by=maker)
    with stories.db.transaction() as tx:
        prices.tariff(tx, [(50_00, 250_000_00, 19_00)])
    with pytest.raises(approvals.Outdated), stories.db.transaction() as tx:
        approvals.approve(tx, number, by=checker)


def test_the_applications_login_sets_no_fees_by_itself(stories: Stories, today: date) -> None:
    """No row of its own; and of the function nothing without a request that two people execute."""
    maker, checker = stories.someone(1), stories.someone(2)
    for statement in (
        "INSERT INTO tariff (effective_from) VALUES (current_date)",
        "INSERT INTO tariff_band (tariff_id, from_cents, to_cents, fee_cents) VALUES (1, 1, 2, 0)",
    ):
        with (
            pytest.raises(sa.exc.DBAPIError, match="permission denied"),
            stories.db.transaction() as tx,
        ):
            tx.execute(sa.text(statement))
    number = ask(stories.db, BANDS, day=today, by=maker)
    with pytest.raises(sa.exc.DBAPIError, match=TWO_NOW), stories.db.transaction() as tx:
        tariff_by_two.write(tx, number)
    with stories.db.transaction() as tx:
        approvals.approve(tx, number, by=checker)
    with pytest.raises(sa.exc.DBAPIError, match=TWO_NOW), stories.db.transaction() as tx:
        tariff_by_two.write(tx, number)
    with stories.db.transaction() as tx:
        assert len(tariffs.history(tx)) == 2


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"table": "from,to,fee\n50,1000,10"}, "the tariff prices KES 50 to KES 1,000 only"),
        ({"table": "from,to,fee\n50,100,1\n200,250000,2"}, "nothing prices the amounts between"),
        ({"table": "from,to,fee\n50,100,1\n90,250000,2"}, "overlap"),
        ({"table": EVIL}, "the first line must be"),
        ({"table": ""}, "the first line must be"),
        ({"table": "from,to,fee\n50,x,1"}, "line 2: three numbers of whole shillings"),
        ({"table": "from,to,fee\n" + "9" * 300 + ",1,1"}, "line 2: three numbers"),
        ({"table": "x" * 20_000}, "at most 10,000 characters"),
        ({"since": "soon"}, "Say from which day it holds"),
        ({"since": "2020-01-01"}, "is past"),
        ({"table": "from,to,fee\n50,250000,18"}, "holds on"),
    ],
)
def test_what_does_not_fit_is_said_above_the_form(
    stories: Stories, people: dict[Role, Browser], typed: dict[str, str], why: str
) -> None:
    """Every fault by its line; what was typed is still there, and nothing is kept of it."""
    fields = {"table": TABLE, "since": "2099-01-01", "reason": "board minute 12", **typed}
    page = post(people[Role.FINANCE], "/staff/tariffs/preview", **fields)
    assert why in page.partition('role="alert"')[2].partition("</p>")[0]
    assert 'value="board minute 12"' in page
    assert "<script>alert" not in page
    assert "Not done" in post(people[Role.FINANCE], "/staff/tariffs/ask", **fields)
    with stories.db.transaction() as tx:
        assert approvals.listed(tx, decided=True, limit=1) == []


def test_fees_are_there_for_all_who_see_payouts(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    page = people[Role.SUPPORT].get("/staff/tariffs").text
    assert ["KES 50.00", "KES 250,000.00", "KES 18.00"] in rows(page)
    assert "Excise duty is 15 % of the fee." in page
    assert "/staff/tariffs/ask" not in page
    assert people[Role.SECURITY].get("/staff/tariffs").status_code == 403


def test_without_a_tariff_the_page_says_what_follows(people: dict[Role, Browser]) -> None:
    page = people[Role.OPS].get("/staff/tariffs").text
    assert "No tariff is in force, so nobody can withdraw." in page
    assert "No tariff was ever set." in page
    assert "from,to,fee</textarea>" in people[Role.OPS].get("/staff/tariffs/ask").text


def test_a_tariff_that_was_set_by_a_command_says_by_whom(
    stories: Stories, people: dict[Role, Browser]
) -> None:
    """By the record of the same moment."""
    with stories.db.transaction() as tx, prices.owner_of(tx) as owner:
        prices.tariff(owner, [(50_00, 250_000_00, 19_00)])
        owner.execute(
            sa.text(
                "INSERT INTO staff_action (action, source, detail) VALUES ('tariff_loaded',"
                """ 'command line', '{"by": "wairimu", "reason": "board minute 11"}')"""
            )
        )
    page = people[Role.AUDITOR].get("/staff/tariffs").text
    assert "wairimu" in page
    assert "by a command" in page
    assert "board minute 11" in page
