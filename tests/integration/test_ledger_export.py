"""`baraza ledger export`, as an operator types it."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.clock import NAIROBI
from app.db import Database
from app.ledger import chart
from tests.support.ledger import TODAY, member_account

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)

    def type_in(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["ledger", "export", *arguments])

    return type_in


def test_the_journal_of_a_day_is_a_file_with_control_totals(
    run: Run, db: Database, tmp_path: Path
) -> None:
    """One line a posting, debits first; the same again is the same file."""
    with db.transaction() as tx:
        members = [member_account(tx, cents=cents) for cents in (100_50, 7)]
    day = str(datetime.now(UTC).astimezone(NAIROBI).date())
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    for file in (one, two):
        done = run("--from", day, "--to", day, "--output", str(file))
        assert done.exit_code == 0, done.output
        assert "4 lines, debit KES 100.57, credit KES 100.57." in done.stderr
        assert "Not all of it is sealed yet" in done.stderr
        assert done.stdout == ""
    assert one.read_bytes() == two.read_bytes()
    lines = list(csv.DictReader(one.read_text("utf-8").splitlines()))
    told = [(int(line["account"]), line["debit"], line["credit"]) for line in lines]
    assert told == [
        (chart.OPENING_BALANCES, "100.50", ""),
        (members[0], "", "100.50"),
        (chart.OPENING_BALANCES, "0.07", ""),
        (members[1], "", "0.07"),
    ]
    assert {(line["kind"], line["effective_on"]) for line in lines} == {("opening", str(TODAY))}


def test_days_without_entries_say_so(run: Run) -> None:
    """The header alone, and a sentence beside it."""
    done = run("--from", "2026-01-01", "--to", "2026-01-31")
    assert (done.exit_code, done.stdout.count("\n")) == (0, 1)
    assert done.stderr == "Nothing was posted on these days.\n"
    wrong = run("--from", "2026-02-01", "--to", str(TODAY - timedelta(days=400)))
    assert "is before --from" in wrong.output
