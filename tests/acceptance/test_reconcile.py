"""A silent M-PESA, and its own statement: the whole way, with every process real."""

from pathlib import Path

import requests
from click.testing import CliRunner

from app.cli import main
from app.db import Database
from app.staff import accounts
from tests.acceptance.test_withdrawals import AMINA, SECOND, reaches
from tests.support.stack import Stack, wait_for

PASSWORD = "four unrelated words here"
EMAIL = "amina@sacco.example"


def test_the_statement_says_what_m_pesa_did_not(
    baraza: Stack, db: Database, tmp_path: Path
) -> None:
    """Paid, the result lost, status queries find nothing: the statement settles it in seconds.

    Then M-PESA takes another payment back: the next statement shows it, and nothing moves.
    """
    baraza.fault({"api": "status"}, "status_not_found", times=10_000)
    baraza.fault({"api": "b2c", "amount": 1500}, "hang_then_pay", times=10)
    silent = baraza.withdraw(AMINA, 1500)
    reaches(db, silent, "in_doubt")
    paid = baraza.withdraw(SECOND, 700, pin="5193")
    reaches(db, paid, "paid")
    statement = _statement(baraza, tmp_path / "first.csv")
    with db.transaction() as tx:
        accounts.create(tx, email=EMAIL, name="Amina", role="finance", password=PASSWORD)
    done = _baraza(baraza, "reconcile", str(statement), "--yes", "--as", EMAIL)
    assert "telling something new 1" in done, done
    reaches(db, silent, "paid")
    wait_for("all to agree", lambda: "Everything agrees." in _baraza(baraza, "breaks", "list"))

    ocid = next(one for one, of in baraza.paid()["by_ocid"].items() if of["cents"] == 700_00)
    requests.post(f"{baraza.safaricom}/portal/take-back/{ocid}", timeout=5).raise_for_status()
    statement = _statement(baraza, tmp_path / "second.csv")
    done = _baraza(baraza, "reconcile", str(statement), "--yes", "--as", EMAIL)
    assert "M-PESA took a payment back" in done, done
    assert "taken_back" in _baraza(baraza, "cases", "list")


def _statement(baraza: Stack, file: Path) -> Path:
    """Today's, as the portal exports it."""
    answer = requests.get(f"{baraza.safaricom}/portal/statement.csv", timeout=5)
    answer.raise_for_status()
    file.write_bytes(answer.content)
    return file


def _baraza(baraza: Stack, *arguments: str) -> str:
    """Types a command beside the running processes."""
    given = {**baraza.environment, "COLUMNS": "220"}
    who = ("--password-stdin",) if "--as" in arguments else ()
    done = CliRunner().invoke(main, [*arguments, *who], input=f"{PASSWORD}\n", env=given)
    return done.output
