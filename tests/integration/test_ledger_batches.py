"""`baraza ledger post` and what follows: files of the SACCO's own books, and two people."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app.cli import main
from app.db import Database
from app.ledger import posting, statements
from app.operations import alerting, invariants
from app.staff import accounts
from tests.support.ledger import assert_coherent, member_account

HEADER = "date,member_no,kind,amount,reference,account,narration"
SALARY = "2026-11-20,M1,salary,42000.00,SAL-1,,November"
COUNTER = "2026-11-20,M1,withdrawal,500,CTR-1,,"
LESS = "2026-11-20,M2,correction,-20.50,COR-1,Savings,charged twice"
PASSWORD = "four unrelated words here"
MAKER, CHECKER = "maker@sacco.example", "checker@sacco.example"
Run = Callable[..., Result]
Propose = Callable[..., Result]


@pytest.fixture
def run(db: Database, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Types a command of `baraza ledger`; two members and three people are on file."""
    for name, value in {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "COLUMNS": "160",
    }.items():
        monkeypatch.setenv(name, value)
    with db.transaction() as tx:
        for email, role in ((MAKER, "finance"), (CHECKER, "manager"), ("ops@x.example", "ops")):
            accounts.create(tx, email=email, name=email[:5], role=role, password=PASSWORD)
        for number, cents in ((1, 100_00), (2, 100_00)):
            tx.execute(
                sa.text(
                    "WITH m AS (INSERT INTO member (member_no, name, msisdn)"
                    " VALUES (:no, :no, :phone) RETURNING id)"
                    " INSERT INTO member_account (account_id, member_id)"
                    " SELECT :account, id FROM m"
                ),
                {
                    "no": f"M{number}",
                    "phone": f"+25471234567{number}",
                    "account": member_account(tx, cents=cents),
                },
            )

    def type_in(*arguments: str, email: str = "") -> Result:
        who = ("--as", email, "--password-stdin") if email else ()
        return CliRunner().invoke(main, ["ledger", *arguments, *who], input=f"{PASSWORD}\n")

    return type_in


@pytest.fixture
def propose(run: Run, tmp_path: Path) -> Propose:
    def proposed(*lines: str, email: str = MAKER) -> Result:
        file = tmp_path / "november.csv"
        file.write_text("\n".join([HEADER, *lines]), encoding="utf-8")
        return run("post", str(file), "--yes", email=email)

    return proposed


def account_of(db: Database, member_no: str) -> int:
    with db.transaction() as tx:
        return tx.execute(
            sa.text(
                "SELECT account_id FROM member_account JOIN member m ON m.id = member_id"
                " WHERE member_no = :no"
            ),
            {"no": member_no},
        ).scalar_one()


def balance(db: Database, member_no: str) -> int:
    account = account_of(db, member_no)
    with db.transaction() as tx:
        return statements.available(tx, account)


def test_nothing_is_posted_until_another_person_approves(
    run: Run, propose: Propose, db: Database, owner_db: Database
) -> None:
    """The maker cannot approve; the checker can, once; the books and every rule hold."""
    done = propose(SALARY, COUNTER, LESS)
    assert "Batch 1 is proposed" in done.output, done.output
    assert "KES 42,000.00" in done.output
    assert balance(db, "M1") == 100_00
    own = run("approve", "1", "--yes", email=MAKER)
    assert (own.exit_code, "BK-02" in own.output) == (1, True)
    assert "ST-06" in run("approve", "1", "--yes", email="ops@x.example").output
    done = run("approve", "1", "--yes", email=CHECKER)
    assert "Posted: 3 lines of batch 1." in done.output, done.output
    assert (balance(db, "M1"), balance(db, "M2")) == (41_600_00, 79_50)
    with db.transaction() as tx:
        lines = statements.mini(tx, account_of(db, "M1"), 2)
        assert [f.name for f in invariants.run(tx) if not f.ok] == []
    assert ["withdrawal", "salary"] == [line.kind.value for line in lines]
    assert "BK-01" in run("approve", "1", "--yes", email=CHECKER).output
    assert_coherent(owner_db)


def test_a_file_and_a_row_are_taken_once(run: Run, propose: Propose) -> None:
    """A known file is refused as a whole, a known row by its line; a rejection frees both."""
    propose(SALARY)
    assert "This very file is batch 1" in propose(SALARY).output
    again = propose(SALARY, COUNTER)
    assert again.exit_code == 1
    assert "is in batch 1 already" in again.output
    done = run("reject", "1", "--reason", "October's", email=MAKER)
    assert "is rejected" in done.output, done.output
    assert "Batch 2 is proposed" in propose(SALARY).output
    states = [b["state"] for b in json.loads(run("batches", "--json").output)]
    assert states == ["proposed", "rejected"]
    assert "October's" in run("batches").output


def test_every_bad_row_is_named_and_nothing_is_kept(run: Run, propose: Propose) -> None:
    done = propose(
        SALARY,
        SALARY,
        "2999-01-01,M1,salary,1,A1,,",
        "2026-11-20,M9,salary,1,A2,,",
        "2026-11-20,M1,salary,1,A3,Holiday,",
        "2026-11-20,M1,gift,1,A4,,",
        "2026-11-20,M1,deposit,-1,A5,,",
        "2026-11-20,M1,deposit,0,A6,,",
        "2026-11-20,M1,deposit,5,BRZ234,,",
        "2026-11-20,M1,deposit,5,A7,,\x07",
    )
    assert done.exit_code == 1
    assert "9 rows have faults. Nothing was done." in done.output
    for problem in (
        "is that of line 2 too",
        "is still to come",
        "is nobody's",
        "is not one of this member's",
        "is not one that is known",
        "is negative",
        "is nothing, or too much",
        "looks like a payout's",
        "control codes",
    ):
        assert problem in done.output
    assert "No batch was ever proposed" in run("batches").output


def test_too_little_money_is_a_warning_first_and_then_a_refusal(
    run: Run, propose: Propose, db: Database
) -> None:
    """What is held counts, and earlier lines of the file; all lines are posted or none."""
    with db.transaction() as tx:
        tx.execute(
            sa.text("SELECT ledger.place_lien(:account, 3000, 'guarantee')"),
            {"account": account_of(db, "M2")},
        )
    done = propose(SALARY, "2026-11-20,M2,withdrawal,70.01,CTR-2,,")
    assert "Warning: line 3: the amount is more than there is." in done.output
    refused = run("approve", "1", "--yes", email=CHECKER)
    assert "BK-04: Insufficient funds on lines 3. Nothing was posted." in refused.output
    assert balance(db, "M1") == 100_00
    posted = propose("2026-11-20,M2,deposit,0.01,D-1,,", "2026-11-20,M2,withdrawal,70.01,CTR-3,,")
    assert "Warning" not in posted.output
    assert run("approve", "2", "--yes", email=CHECKER).exit_code == 0
    assert balance(db, "M2") == 0


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        (
            "UPDATE posting_batch SET state = 'posted', checker_id = maker_id, decided_at = now()",
            "posting_batch_is_in_the_books",
        ),
        ("UPDATE posting_batch_line SET cents = 1", "posting_batch_line_kept"),
        ("DELETE FROM posting_batch_line", "append_only"),
        ("UPDATE posting_batch SET in_cents = 1", "posting_batch_decided_once"),
    ],
)
def test_postgresql_refuses_what_python_would(
    propose: Propose, owner_db: Database, statement: str, rule: str
) -> None:
    """Also to the owner of the tables."""
    propose(SALARY)
    with pytest.raises(sa.exc.DBAPIError) as refused, owner_db.transaction() as tx:
        tx.exec_driver_sql(statement)
    assert posting.constraint_of(refused.value) == rule


def test_a_maker_is_never_the_checker_in_postgresql(
    run: Run, propose: Propose, owner_db: Database
) -> None:
    """Even when the lines are in the books and the guards are down."""
    propose(SALARY)
    assert run("approve", "1", "--yes", email=CHECKER).exit_code == 0
    with owner_db.transaction() as tx:
        tx.exec_driver_sql("ALTER TABLE posting_batch DISABLE TRIGGER posting_batch_guard")
    with pytest.raises(sa.exc.DBAPIError) as refused, owner_db.transaction() as tx:
        tx.exec_driver_sql("UPDATE posting_batch SET checker_id = maker_id")
    assert posting.constraint_of(refused.value) == "posting_batch_two_people"


def test_a_batch_that_waits_for_a_day_is_an_alert(
    propose: Propose, db: Database, owner_db: Database
) -> None:
    (rule,) = (one for one in alerting.rules() if one.name == "batch_waits")
    propose(SALARY)
    with db.transaction() as tx:
        assert alerting.findings(tx, rule) == []
    with owner_db.transaction() as tx:
        tx.exec_driver_sql("UPDATE posting_batch SET proposed_at = now() - interval '25 hours'")
    with db.transaction() as tx:
        ((subject, detail),) = alerting.findings(tx, rule)
    assert subject == "batch 1"
    assert "1 lines, proposed by maker" in detail


def test_a_large_file_is_posted_in_parts(run: Run, propose: Propose, db: Database) -> None:
    """More lines than one call of the ledger takes, in one database transaction."""
    lines = [f"2026-11-20,M{1 + n % 2},salary,1,S-{n},," for n in range(2_100)]
    assert propose(*lines).exit_code == 0
    assert "Posted: 2,100 lines" in run("approve", "1", "--yes", email=CHECKER).output
    assert (balance(db, "M1"), balance(db, "M2")) == (1_150_00, 1_150_00)
