"""`baraza tariffs`, as typed: previewed, confirmed, on record, and never for the past."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app.cli import main
from app.db import Database
from app.payouts import dated
from tests.support import prices
from tests.support.databases import Logins
from tests.support.http_script import closed_port

Run = Callable[..., Result]
OLD = [(50_00, 250_000_00, 18_00)]
NEW = "from,to,fee\n50,1000,10\n1001,250000,30\n"
WHY = ("--reason", "board minute 12")


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
def table(tmp_path: Path) -> Path:
    path = tmp_path / "fees.csv"
    path.write_text(NEW)
    return path


@pytest.fixture
def today(db: Database) -> date:
    """With a tariff, a rate and limits in force since yesterday."""
    with db.transaction() as tx:
        prices.tariff(tx, OLD, since=-1)
        prices.excise(tx, 1500, since=-1)
        prices.limits(tx, since=-1)
        return dated.today(tx)


def acts(db: Database) -> list[tuple[str, dict[str, Any]]]:
    """What is on record."""
    with db.transaction() as tx:
        rows = tx.execute(sa.text("SELECT action, detail FROM staff_action ORDER BY id"))
        return [(row.action, row.detail) for row in rows]


def shown(run: Run) -> dict[str, Any]:
    return dict(json.loads(run("tariffs", "show", "--json").output))


def test_a_tariff_is_previewed_confirmed_and_recorded(
    run: Run, table: Path, db: Database, today: date
) -> None:
    """The preview says what typical withdrawals cost before and after, duty included."""
    done = run("tariffs", "load", str(table), *WHY, answers="y\n")
    assert 0 == done.exit_code, done.output
    lines = [line.split() for line in done.output.splitlines()]
    assert ["KES", "500", "KES", "20.70", "KES", "11.50"] in lines
    assert ["KES", "5,000", "KES", "20.70", "KES", "34.50"] in lines
    assert ["KES", "50,000", "KES", "20.70", "KES", "34.50"] in lines
    assert [5_000, 100_000, 1_000] == list(shown(run)["tariff"]["bands"][0].values())
    ((action, detail),) = acts(db)
    assert "tariff_loaded" == action
    assert ("board minute 12", str(today)) == (detail["reason"], detail["effective_from"])
    assert [list(band) for band in OLD] == detail["before"]
    assert [[5_000, 100_000, 1_000], [100_100, 25_000_000, 3_000]] == detail["after"]
    assert detail["by"]


def test_without_a_yes_nothing_is_written(run: Run, table: Path, db: Database, today: date) -> None:
    for answers in ("n\n", ""):
        assert 1 == run("tariffs", "load", str(table), *WHY, answers=answers).exit_code
        assert 1 == run("tariffs", "excise", "16", *WHY, answers=answers).exit_code
    assert [] == acts(db)
    assert str(today - timedelta(days=1)) == shown(run)["tariff"]["effective_from"]


def test_a_tariff_of_a_later_day_waits_for_it(run: Run, table: Path, today: date) -> None:
    day = today + timedelta(days=40)
    done = run("tariffs", "load", str(table), "--from", str(day), "--yes", *WHY)
    assert 0 == done.exit_code, done.output
    found = shown(run)
    assert ([str(day)], 1) == (found["later"], len(found["tariff"]["bands"]))
    assert f"Changes to come: {day}." in run("tariffs", "show").output
    assert f"{day} (to come)" in run("tariffs", "history").output


@pytest.mark.parametrize("command", ["load", "excise"])
def test_the_past_is_refused(
    run: Run, table: Path, db: Database, today: date, command: str
) -> None:
    """What members paid on days gone by stays what it was."""
    what = str(table) if command == "load" else "16"
    yesterday = str(today - timedelta(days=1))
    done = run("tariffs", command, what, "--from", yesterday, "--yes", *WHY)
    assert (1, []) == (done.exit_code, acts(db))
    assert f"{yesterday} is past" in done.output


def test_a_table_that_prices_less_than_the_limits_allow_is_refused(
    run: Run, table: Path, db: Database, today: date
) -> None:
    """Also where the limits that it would not cover hold only later."""
    day = today + timedelta(days=10)
    with db.transaction() as tx:
        prices.limits(tx, maximum=300_000_00, since=10)
    done = run("tariffs", "load", str(table), "--yes", *WHY)
    assert (1, []) == (done.exit_code, acts(db))
    assert f"on {day} members may draw KES 50 to KES 300,000" in done.output
    assert "prices KES 50 to KES 250,000 only" in done.output


def test_a_table_with_a_gap_is_refused(run: Run, table: Path, db: Database, today: date) -> None:
    del today
    table.write_text("from,to,fee\n50,1000,10\n1002,250000,30\n")
    done = run("tariffs", "load", str(table), "--yes", *WHY)
    assert (1, []) == (done.exit_code, acts(db))
    assert "TF-01: nothing prices the amounts between KES 1,000 and KES 1,002" in done.output


def test_a_file_that_is_no_text_is_refused(run: Run, table: Path, today: date) -> None:
    del today
    table.write_bytes(b"PK\x03\x04\xff\xfe")
    done = run("tariffs", "load", str(table), "--yes", *WHY)
    assert 1 == done.exit_code
    assert "is no text in UTF-8" in done.output


def test_the_duty_is_set_and_recorded(run: Run, db: Database, today: date) -> None:
    done = run("tariffs", "excise", "17.5", "--yes", *WHY)
    assert 0 == done.exit_code, done.output
    assert ["KES", "500", "KES", "20.70", "KES", "21.15"] in [
        line.split() for line in done.output.splitlines()
    ]
    assert 1750 == shown(run)["excise"]["basis_points"]
    assert "Excise duty on the fee: 17.5 %." in run("tariffs", "show").output
    ((action, detail),) = acts(db)
    assert ("excise_set", 1500, 1750) == (action, detail["before"], detail["after"])
    assert str(today) == detail["effective_from"]


@pytest.mark.parametrize("rate", ["101", "fifteen", "15.005", "nan", "1e999"])
def test_what_is_no_rate_is_refused(run: Run, today: date, rate: str) -> None:
    del today
    done = run("tariffs", "excise", rate, "--yes", *WHY)
    assert 2 == done.exit_code
    assert "percentage from 0 to 100" in done.output


def test_a_reason_is_needed(run: Run, table: Path) -> None:
    for reason in ((), ("--reason", "  ")):
        assert 2 == run("tariffs", "load", str(table), "--yes", *reason).exit_code


def test_the_first_tariff_needs_no_limits_yet(run: Run, table: Path) -> None:
    """A new SACCO begins somewhere."""
    assert "No tariff is in force" in run("tariffs", "show").output
    assert "No tariff was ever loaded" in run("tariffs", "history").output
    assert 0 == run("tariffs", "load", str(table), "--yes", *WHY).exit_code
    assert 0 == run("tariffs", "excise", "15", "--yes", *WHY).exit_code
    assert 2 == len(shown(run)["tariff"]["bands"])
    history = json.loads(run("tariffs", "history", "--json").output)
    assert (1, 1) == (len(history["tariffs"]), len(history["excise"]))


def test_somebody_else_was_faster(
    run: Run, table: Path, db: Database, today: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was confirmed is what was previewed, or it is not written."""
    del today

    def meanwhile(*_: object, **__: object) -> None:
        with db.transaction() as tx:
            prices.tariff(tx, OLD)

    monkeypatch.setattr("app.commands.configuring.confirm", meanwhile)
    done = run("tariffs", "load", str(table), *WHY)
    assert (1, []) == (done.exit_code, acts(db))
    assert "DC-02" in done.output


def test_the_applications_login_is_told_what_is_missing(
    run: Run, table: Path, database_logins: Logins, today: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading needs no owner; writing names the setting that it needs."""
    del today
    if database_logins.application == database_logins.owner:
        pytest.skip("this server has one login for both")
    monkeypatch.delenv("DATABASE_OWNER_URL")
    assert 0 == run("tariffs", "show").exit_code
    done = run("tariffs", "load", str(table), "--yes", *WHY)
    assert 2 == done.exit_code
    assert "DATABASE_OWNER_URL" in done.output
