"""`baraza ledger compare`, as an operator types it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app.cli import main
from app.db import Database
from app.operations import alerting
from tests.support.ledger import member_account

Run = Callable[..., Result]


@pytest.fixture
def run(
    db: Database,
    database_url: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Run:
    """Compares with a file of these lines; M1 to M3 have 100, 200 and 300 shillings."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("COLUMNS", "160")
    with db.transaction() as tx:
        for n in (1, 2, 3):
            tx.execute(
                sa.text(
                    "WITH m AS (INSERT INTO member (member_no, name, msisdn)"
                    " VALUES (:no, :no, :phone) RETURNING id)"
                    " INSERT INTO member_account (account_id, member_id)"
                    " SELECT :account, id FROM m"
                ),
                {
                    "no": f"M{n}",
                    "phone": f"+25471234567{n}",
                    "account": member_account(tx, cents=n * 100_00),
                },
            )

    def type_in(*lines: str, options: tuple[str, ...] = ()) -> Result:
        file = tmp_path / "core.csv"
        file.write_text("\n".join(["member_no,balance", *lines]), encoding="utf-8")
        return CliRunner().invoke(main, ["ledger", "compare", str(file), *options])

    return type_in


def alerts(db: Database) -> list[tuple[str, str]]:
    """What the rule of comparisons says."""
    (rule,) = (one for one in alerting.rules() if one.name == "balances_differ")
    with db.transaction() as tx:
        return [(subject, detail) for subject, detail in alerting.findings(tx, rule)]


def test_balances_that_agree_are_counted(run: Run, db: Database) -> None:
    """Exit code 0, and it is on record that somebody looked."""
    done = run("M1,100", "M2,200.00", "M3,300")
    assert (done.exit_code, "3 equal, 0 different" in done.output) == (0, True), done.output
    assert alerts(db) == []


def test_differences_are_listed_worst_first(run: Run, db: Database) -> None:
    """Different, missing here and missing there; exit code 1, and an alert until they agree."""
    lines = ("M1,100.50", "M2,200", "M9,5000")
    done = run(*lines)
    assert done.exit_code == 1
    assert "1 equal, 1 different, 1 missing here, 1 missing there." in done.output
    told = json.loads(run(*lines, options=("--json",)).output)
    assert [one["member_no"] for one in told["differences"]] == ["M9", "M3", "M1"]
    assert told["difference_cents"] == 5_300_50
    assert alerts(db) == [
        (
            "comparison 2",
            "1 different, 1 missing here, 1 missing there, 5300.50 shillings in all",
        )
    ]
    run("M1,100", "M2,200", "M3,300")
    assert alerts(db) == []


def test_a_file_with_faults_is_not_compared(run: Run, db: Database) -> None:
    done = run("M1,1e3", "M2,1", "M2,2")
    assert (done.exit_code, "2 rows have faults" in done.output) == (1, True)
    with db.transaction() as tx:
        assert tx.scalar(sa.text("SELECT count(*) FROM balance_comparison")) == 0
