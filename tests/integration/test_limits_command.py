"""`baraza limits`, `withdrawals` and `dead-letters`, as an operator types them."""

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app.cli import main
from app.db import Database
from app.doorbell import Step
from app.payouts import dated, overdue, public_holidays
from tests.support import prices
from tests.support.databases import Logins
from tests.support.http_script import closed_port
from tests.support.stories import Stories

Run = Callable[..., Result]
WHY = ("--reason", "board minute 12")
SET = ("limits", "set", "--yes", *WHY)


@pytest.fixture
def run(database_logins: Logins, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Types a command; `answers` are what the operator types when asked."""
    monkeypatch.setenv("DATABASE_URL", database_logins.application)
    monkeypatch.setenv("DATABASE_OWNER_URL", database_logins.owner)
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{closed_port()}/0")
    monkeypatch.setenv("COLUMNS", "160")

    def type_in(*arguments: str, answers: str = "") -> Result:
        return CliRunner().invoke(main, list(arguments), input=answers)

    return type_in


@pytest.fixture
def stories(db: Database, redis_url: str) -> Stories:
    """A tariff up to KES 250,000 and limits as wide are in force."""
    return Stories(db, redis_url)


@pytest.fixture
def today(stories: Stories) -> date:
    with stories.db.transaction() as tx:
        return dated.today(tx)


def acts(db: Database) -> list[tuple[str, dict[str, Any]]]:
    """What is on record."""
    with db.transaction() as tx:
        rows = tx.execute(sa.text("SELECT action, detail FROM staff_action ORDER BY id"))
        return [(row.action, row.detail) for row in rows]


def in_force(run: Run) -> dict[str, Any]:
    return dict(json.loads(run("limits", "show", "--json").output)["in_force"])


# -- limits ----------------------------------------------------------------------------------------


def test_limits_are_previewed_confirmed_and_recorded(run: Run, db: Database, today: date) -> None:
    """What is not named stays; only what changes is shown and kept on record."""
    before = in_force(run)
    options = ("--maximum", "100,000", "--night", "20:00-06:00", "--quiet-maximum", "20000",
               "--sacco-hourly", "500000", "--after-change-wait", "24")  # fmt: skip
    done = run("limits", "set", *options, *WHY, answers="y\n")
    assert 0 == done.exit_code, done.output
    assert re.search(r"one withdrawal, at most +KES 250,000 +KES 100,000\n", done.output)
    assert "one member a day" not in done.output
    assert {
        **before,
        "maximum_cents": 100_000_00,
        "quiet_maximum_cents": 20_000_00,
        "sacco_hourly_cents": 500_000_00,
        "after_change_wait_hours": 24,
        "quiet": {**before["quiet"], "night_from": "20:00:00", "night_to": "06:00:00"},
    } == in_force(run)
    ((action, detail),) = acts(db)
    assert ("limits_set", str(today)) == (action, detail["effective_from"])
    assert {
        "maximum_cents": 250_000_00, "night_from": None, "night_to": None,
        "quiet_maximum_cents": None, "sacco_hourly_cents": None, "after_change_wait_hours": 0,
    } == detail["before"]  # fmt: skip
    assert ("20:00", 100_000_00) == (
        detail["after"]["night_from"],
        detail["after"]["maximum_cents"],
    )


def test_a_limit_is_taken_away(run: Run, today: date) -> None:
    del today
    assert 0 == run(*SET, "--night", "20:00-06:00", "--quiet-maximum", "20000").exit_code
    assert 0 == run(*SET, "--night", "none", "--quiet-maximum", "none").exit_code
    found = in_force(run)
    assert (None, None) == (found["quiet_maximum_cents"], found["quiet"]["night_from"])


def test_without_a_yes_nothing_is_set(run: Run, db: Database, today: date) -> None:
    del today
    assert 1 == run("limits", "set", "--maximum", "1000", *WHY, answers="n\n").exit_code
    assert ([], 250_000_00) == (acts(db), in_force(run)["maximum_cents"])


def test_limits_of_a_later_day_wait_for_it(run: Run, today: date) -> None:
    """And what is set before that day says how long it will hold."""
    day = str(today + timedelta(days=30))
    assert 0 == run(*SET, "--maximum", "5000", "--from", day).exit_code
    assert 250_000_00 == in_force(run)["maximum_cents"]
    assert f"Changes to come: {day}." in run("limits", "show").output
    assert f"{day} (to come)" in run("limits", "history").output
    assert f"Until {day}" in run(*SET, "--maximum", "7000").output
    assert 3 == len(json.loads(run("limits", "history", "--json").output))


def test_the_past_is_refused(run: Run, db: Database, today: date) -> None:
    done = run(*SET, "--maximum", "5000", "--from", str(today - timedelta(days=1)))
    assert (1, []) == (done.exit_code, acts(db))
    assert "is past" in done.output


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--maximum", "10"), "maximum must not be less than minimum"),
        (("--daily", "60"), "daily must not be less than maximum"),
        (("--sacco-hourly", "60"), "sacco-hourly must not be less than maximum"),
        (("--sacco-hourly", "900000", "--sacco-daily", "800000"),
         "sacco-daily must not be less than sacco-hourly"),
        (("--quiet-maximum", "20000"), "need night, holidays or before-long-weekend"),
        (("--quiet-maximum", "900000", "--quiet-holidays"),
         "maximum must not be less than quiet-maximum"),
        (("--after-change-maximum", "500"), "need after-change-low hours"),
        (("--after-change-low", "5", "--after-change-wait", "9"),
         "after-change-low must not be less than after-change-wait"),
        (("--maximum", "400000"), "the tariff prices KES 50 to KES 250,000 only"),
        (("--minimum", "20", "--daily", "30"), "daily must not be less than maximum; members may"),
    ],
)  # fmt: skip
def test_limits_that_contradict_each_other_are_refused_by_name(
    run: Run, db: Database, today: date, options: tuple[str, ...], told: str
) -> None:
    """All that is wrong is named at once."""
    del today
    done = run(*SET, *options)
    assert (1, []) == (done.exit_code, acts(db)), done.output
    assert told in done.output


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--maximum", "none"), "whole shillings, such as 100000"),
        (("--sacco-daily", "nothing"), "or none"),
        (("--maximum", "100.50"), "no amount"),
        (("--maximum", "0"), "no amount"),
        (("--night", "20-6 o'clock"), "type 20:00-06:00, or none"),
        ((), "name at least one limit"),
        (("--maximum", "5", "--from", "tomorrow"), "does not match the format"),
    ],
)
def test_what_is_no_limit_is_refused(
    run: Run, today: date, options: tuple[str, ...], told: str
) -> None:
    del today
    done = run(*SET, *options)
    assert 2 == done.exit_code
    assert told in done.output


def test_the_first_limits_must_say_the_least_and_the_most(run: Run, db: Database) -> None:
    assert "No limits are in force" in run("limits", "show").output
    assert "No limits were ever set" in run("limits", "history").output
    done = run(*SET, "--maximum", "5000")
    assert 2 == done.exit_code
    assert "need --minimum, --daily too" in done.output
    first = run(*SET, "--minimum", "50", "--maximum", "5000", "--daily", "10000")
    assert (0, 1) == (first.exit_code, len(acts(db))), first.output
    assert (5_000_00, None) == (
        in_force(run)["maximum_cents"],
        in_force(run)["sacco_hourly_cents"],
    )


def test_what_holds_already_is_not_written_again(run: Run, db: Database, today: date) -> None:
    del today
    assert "already" in run(*SET, "--maximum", "250000").output
    assert [] == acts(db)


def test_somebody_else_was_faster(
    run: Run, db: Database, today: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was confirmed is what was previewed, or it is not written."""
    del today

    def meanwhile(*_: object, **__: object) -> None:
        with db.transaction() as tx:
            prices.limits(tx, maximum=9_000_00)

    monkeypatch.setattr("app.commands.configuring.confirm", meanwhile)
    done = run("limits", "set", "--maximum", "5000", *WHY)
    assert (1, []) == (done.exit_code, acts(db))
    assert "DC-02" in done.output


def test_show_says_what_the_amount_screen_says_now(run: Run, today: date) -> None:
    del today
    assert "Ordinary hours now: one withdrawal may be KES 50 to KES 250,000." in (
        run("limits", "show").output
    )
    assert 0 == run(*SET, "--night", "00:00-00:00", "--quiet-maximum", "700").exit_code
    assert "Quiet hours now: one withdrawal may be KES 50 to KES 700." in (
        run("limits", "show").output
    )


# -- holidays --------------------------------------------------------------------------------------


def test_a_holiday_is_added_and_taken_away(run: Run, db: Database, today: date) -> None:
    """Both on record; a day twice, or one that is not there, is refused."""
    day = str(today + timedelta(days=7))
    add = ("limits", "holidays", "add", day, "Election", *WHY)
    assert 1 == run(*add, answers="n\n").exit_code
    assert 0 == run(*add, "--yes").exit_code
    assert 1 == run(*add, "--yes").exit_code
    listed = json.loads(run("limits", "holidays", "--json").output)
    assert [{"day": day, "name": "Election", "source": "added"}] == listed
    assert "Election" in run("limits", "holidays").output
    remove = ("limits", "holidays", "remove", day, "--yes", *WHY)
    assert [0, 1] == [run(*remove).exit_code, run(*remove).exit_code]
    assert "None is known" in run("limits", "holidays").output
    assert ["holiday_added", "holiday_removed"] == [action for action, _ in acts(db)]


def test_a_holiday_of_the_past_is_refused(run: Run, db: Database, today: date) -> None:
    yesterday = str(today - timedelta(days=1))
    done = run("limits", "holidays", "add", yesterday, "Late", "--yes", *WHY)
    assert (1, []) == (done.exit_code, acts(db))


def test_the_calendar_is_fetched_on_request(run: Run, db: Database, today: date) -> None:
    del today
    assert "days changed" in run("limits", "holidays", "refresh").output
    assert "Nothing changed" in run("limits", "holidays", "refresh").output
    with db.transaction() as tx:
        assert "Christmas Day" in {h.name for h in public_holidays.listed(tx, since=date.min)}


# -- withdrawals -----------------------------------------------------------------------------------


def test_withdrawals_are_stopped_and_resumed(run: Run, stories: Stories) -> None:
    """Each says how many wait; the status says who stopped them, since when and why."""
    assert "not stopped. None waits" in run("withdrawals", "status").output
    stories.requested()
    stopped = run("withdrawals", "stop", "--reason", "unusual volume")
    assert 0 == stopped.exit_code, stopped.output
    assert "1 withdrawal waits to be sent, KES 1,500.00 together." in stopped.output
    assert 1 == run("withdrawals", "stop", "--reason", "again").exit_code
    told = run("withdrawals", "status").output
    assert "(command line)" in told
    assert "Reason: unusual volume" in told
    status = json.loads(run("withdrawals", "status", "--json").output)
    assert "unusual volume" == status["stopped"]["reason"]
    assert {"payouts": 1, "amount_cents": 1_500_00} == status["waiting"]
    assert "go on" in run("withdrawals", "resume", "--reason", "checked").output
    assert 1 == run("withdrawals", "resume", "--reason", "again").exit_code
    assert None is json.loads(run("withdrawals", "status", "--json").output)["stopped"]
    assert ["withdrawals_stopped", "withdrawals_resumed"] == [a for a, _ in acts(stories.db)]


@pytest.mark.parametrize("command", ["stop", "resume"])
def test_the_switch_needs_a_reason(run: Run, db: Database, command: str) -> None:
    for reason in ((), ("--reason", " ")):
        assert 2 == run("withdrawals", command, *reason).exit_code
    assert [] == acts(db)


# -- dead letters ----------------------------------------------------------------------------------


def dead_letter(stories: Stories) -> str:
    """A payout that failed in its pay step as often as it may."""
    reference = stories.reserved()
    stories.write(
        "UPDATE payout SET failures = 5, failed_step = 'pay' WHERE reference = :reference",
        reference,
    )
    stories.write(
        "INSERT INTO dead_letter (payout_id, step, reason)"
        " SELECT id, 'pay', 'KeyError' FROM payout WHERE reference = :reference",
        reference,
    )
    return reference


def test_a_dead_letter_is_revived(run: Run, stories: Stories) -> None:
    """For a job of its own, never for a batch; it stays open until it was worked."""
    reference = dead_letter(stories)
    done = run("dead-letters", "retry", reference.lower(), *WHY)
    assert 0 == done.exit_code, done.output
    assert f"{reference} is tried again within seconds, in its step pay." in done.output
    ((action, detail),) = acts(stories.db)
    assert ("payout_retried", reference, "pay") == (action, detail["reference"], detail["step"])
    with stories.db.transaction() as tx:
        assert set() == overdue.steps(tx)
        assert [(Step.PAY, reference)] == overdue.alone(tx)
        assert 1 == tx.scalar(sa.text("SELECT count(*) FROM dead_letter WHERE closed_at IS NULL"))


def test_what_waits_for_nobody_is_not_revived(run: Run, stories: Stories) -> None:
    """Nor what does not exist, nor one that is tried again by itself."""
    healthy = stories.reserved()
    failing = dead_letter(stories)
    stories.write("UPDATE payout SET retry_at = now() WHERE reference = :reference", failing)
    for reference in (healthy, failing, "BRZ2222222"):
        done = run("dead-letters", "retry", reference, *WHY)
        assert 1 == done.exit_code
        assert "PO-91" in done.output
    assert [] == acts(stories.db)
