"""`baraza members import`, as an operator types it: all of a file or nothing, and repeatable."""

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app.cli import main
from app.csv_rows import Record
from app.db import Database
from app.ledger import statements
from app.members import directory, import_plan, importing, pins, row_checks
from app.members.pins import Pins

PEPPER = "a pepper of the tests"
HEADER = "member_no,name,phone,id_number,opening_balance,account,language,status"
WANJIRU = "M1,Wanjiru Kamau,0712345678,12343344,50000.50,Savings,en,active"
HOLIDAY = "M1,Wanjiru Kamau,0712345678,12343344,12500,Holiday,en,active"
JUMA = "M2,Juma Hassan,0722345679,98767788,0,Savings,sw,active"
DORMANT = "M3,Mercy Were,0733000111,11112222,10,Savings,en,dormant"
Run = Callable[..., Result]


@pytest.fixture
def run(
    database_url: str,
    database_owner_url: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Run:
    for name, value in {
        "DATABASE_URL": database_url,
        "DATABASE_OWNER_URL": database_owner_url,
        "REDIS_URL": redis_url,
        "PIN_PEPPER": PEPPER,
        "COLUMNS": "160",
    }.items():
        monkeypatch.setenv(name, value)

    def type_in(*lines: str, options: tuple[str, ...] = ("--yes",), answers: str = "") -> Result:
        file = tmp_path / "members.csv"
        file.write_text("\n".join([HEADER, *lines]), encoding="utf-8")
        return CliRunner().invoke(main, ["members", "import", str(file), *options], input=answers)

    return type_in


def on_file(db: Database) -> dict[str, int]:
    """How much of everything there is."""
    tables = (
        "member",
        "member_account",
        "ledger.account",
        "ledger.journal_entry",
        "message",
        "staff_action",
    )
    with db.transaction() as tx:
        return {
            name: tx.scalar(sa.text(f"SELECT count(*) FROM {name}")) or 0  # noqa: S608 - constants
            for name in tables
        }


def faults(path: Path) -> list[tuple[str, str, str]]:
    with path.open(encoding="utf-8", newline="") as opened:
        return [(row["line"], row["column"], row["problem"]) for row in csv.DictReader(opened)]


def recorded(db: Database) -> list[dict[str, Any]]:
    with db.transaction() as tx:
        rows = tx.execute(
            sa.text("SELECT detail FROM staff_action WHERE action = 'members_imported' ORDER BY id")
        )
        return [row.detail for row in rows]


def test_members_accounts_and_opening_balances_come_in(run: Run, db: Database) -> None:
    done = run(WANJIRU, HOLIDAY, JUMA, DORMANT)
    assert done.exit_code == 0, done.output
    assert "Imported 3 members, 4 accounts and KES 62,510.50" in done.output
    with db.transaction() as tx:
        wanjiru = directory.by_number(tx, "M1")
        juma = directory.by_msisdn(tx, "+254722345679")
        assert wanjiru is not None
        assert juma is not None
        assert (wanjiru.name, wanjiru.msisdn, wanjiru.pin) == (
            "Wanjiru Kamau",
            "+254712345678",
            "start",
        )
        assert (juma.language, juma.status) == ("sw", "active")
        accounts = directory.accounts(tx, wanjiru.id)
        assert [account.name for account in accounts] == ["Savings", "Holiday"]
        assert [statements.available(tx, a.account_id) for a in accounts] == [50_000_50, 12_500_00]
        line = statements.mini(tx, accounts[0].account_id, 1)[0]
        assert (line.kind, line.reference) == ("opening", "opening M1/Savings")
        assert sum(line.cents for line in statements.trial_balance(tx)) == 0


def test_active_members_get_a_start_pin_that_opens_with_their_id(run: Run, db: Database) -> None:
    run(WANJIRU, JUMA, DORMANT)
    with db.transaction() as tx:
        rows = tx.execute(
            sa.text("SELECT kind, msisdn, language, body, bulk FROM message ORDER BY msisdn")
        ).all()
        assert [(row.kind, row.msisdn, row.language) for row in rows] == [
            ("start_pin", "+254712345678", "en"),
            ("start_pin", "+254722345679", "sw"),
        ]
        assert all("****" in row.body and row.bulk for row in rows)
        dormant = directory.by_number(tx, "M3")
        assert dormant is not None
        assert dormant.pin == "none"
        found = tx.execute(
            sa.text("SELECT id, start_pin_nonce FROM member WHERE member_no = 'M1'")
        ).one()
        keeper = Pins(PEPPER)
        start = keeper.start_pin(found.id, bytes(found.start_pin_nonce))
        assert keeper.check_start(
            tx,
            member_id=found.id,
            pin=start,
            id_digits="3344",
            session_id="s",
            transcript_mac=b"hop",
        ) == (pins.PinRight())


def test_start_pins_may_be_left_out(run: Run, db: Database) -> None:
    assert run(WANJIRU, options=("--yes", "--no-start-pins")).exit_code == 0
    assert on_file(db)["message"] == 0
    with db.transaction() as tx:
        wanjiru = directory.by_number(tx, "M1")
    assert wanjiru is not None
    assert wanjiru.pin == "none"


def test_the_same_file_again_changes_nothing(run: Run, db: Database) -> None:
    run(WANJIRU, HOLIDAY, JUMA, DORMANT)
    before = on_file(db)
    again = run(WANJIRU, HOLIDAY, JUMA, DORMANT)
    assert again.exit_code == 0, again.output
    assert "Nothing to do" in again.output
    assert on_file(db) == before


def test_a_longer_file_adds_what_is_new(run: Run, db: Database) -> None:
    """Also an account of a member on file, who gets no second start PIN for it."""
    run(WANJIRU)
    more = run(WANJIRU, HOLIDAY, JUMA)
    assert more.exit_code == 0, more.output
    assert "Imported 1 members, 2 accounts and KES 12,500.00" in more.output
    assert on_file(db)["message"] == 2
    with db.transaction() as tx:
        wanjiru = directory.by_number(tx, "M1")
        assert wanjiru is not None
        accounts = directory.accounts(tx, wanjiru.id)
        assert [statements.available(tx, a.account_id) for a in accounts] == [50_000_50, 12_500_00]


def test_what_differs_from_what_is_on_file_is_a_fault_with_a_cure(
    run: Run, db: Database, tmp_path: Path
) -> None:
    run(WANJIRU)
    before = on_file(db)
    errors = tmp_path / "errors.csv"
    changed = "M1,W. Kamau,0733999888,12340000,50000.51,savings,en,dormant"
    refused = run(changed, JUMA, options=("--yes", "--errors", str(errors)))
    assert refused.exit_code == 1
    assert faults(errors) == [
        ("2", column, "differs from what is on file")
        for column in ("account", "id_number", "name", "opening_balance", "phone", "status")
    ]
    assert on_file(db) == before


def test_each_difference_names_the_command_that_mends_it(run: Run) -> None:
    run(WANJIRU)
    refused = run("M1,Wanjiru Kamau,0733999888,12340000,50000.50,Savings,en,dormant")
    for command in ("members number", "members id", "members status"):
        assert command in refused.output
    assert "733999888" not in refused.output


def test_a_language_that_she_chose_by_phone_stands(run: Run, db: Database) -> None:
    run(WANJIRU)
    with db.transaction() as tx:
        wanjiru = directory.by_number(tx, "M1")
        assert wanjiru is not None
        directory.set_language(tx, wanjiru.id, "sw")
        directory.set_receipt_balance(tx, wanjiru.id, on=False)
    assert run(WANJIRU, HOLIDAY).exit_code == 0
    with db.transaction() as tx:
        wanjiru = directory.by_number(tx, "M1")
    assert wanjiru is not None
    assert (wanjiru.language, wanjiru.receipt_balance) == ("sw", False)


def test_a_phone_of_a_member_on_file_is_refused(run: Run, db: Database) -> None:
    run(WANJIRU)
    before = on_file(db)
    refused = run("M9,Somebody Else,+254712345678,12341111,5,Savings,en,active")
    assert refused.exit_code == 1
    assert "the phone of member M1 on file" in refused.output
    assert on_file(db) == before


def test_one_bad_row_keeps_the_whole_file_out(run: Run, db: Database, tmp_path: Path) -> None:
    """The screen shows the first fifty faults, the file all of them, without anybody's data."""
    before = on_file(db)
    errors = tmp_path / "errors.csv"
    bad = [f'B{n},"=cmd|{n}",07123{n:05d},x{n},1,Savings,en,active' for n in range(60)]
    refused = run(WANJIRU, *bad, options=("--yes", "--errors", str(errors)))
    assert refused.exit_code == 1
    assert "60 rows have faults. Nothing was written." in refused.output
    assert refused.output.count("begins like a formula") == 25
    written = faults(errors)
    assert len(written) == 120
    assert written[0] == ("3", "id_number", "is no ID number")
    assert "cmd" not in errors.read_text(encoding="utf-8")
    assert on_file(db) == before
    assert run(WANJIRU, options=("--yes", "--errors", str(errors))).exit_code == 0
    assert faults(errors) == []


def test_the_list_of_faults_never_overwrites_the_members(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "members.csv"
    refused = run("M1,,,,,,,", options=("--yes", "--errors", str(file)))
    assert refused.exit_code == 2
    assert file.read_text(encoding="utf-8").startswith(HEADER)


def test_a_dry_run_tries_everything_and_keeps_nothing(run: Run, db: Database) -> None:
    before = on_file(db)
    tried = run(WANJIRU, HOLIDAY, JUMA, options=("--dry-run",))
    assert tried.exit_code == 0, tried.output
    assert "2 members, 3 accounts and KES 62,500.50" in tried.output
    assert "nothing was kept" in tried.output
    assert on_file(db) == before
    assert run(WANJIRU, HOLIDAY, JUMA).exit_code == 0


def test_control_totals_are_shown_before_the_question(run: Run, db: Database) -> None:
    before = on_file(db)
    no = run(WANJIRU, HOLIDAY, JUMA, options=(), answers="n\n")
    assert no.exit_code == 1
    assert no.output.index("KES 62,500.50") < no.output.index("agree with your books")
    assert on_file(db) == before


def test_an_import_is_kept_on_record_without_anybodys_data(run: Run, db: Database) -> None:
    run(WANJIRU, HOLIDAY, JUMA)
    detail = recorded(db)[0]
    assert (detail["file"], len(detail["sha256"])) == ("members.csv", 64)
    assert (detail["rows"], detail["members"], detail["accounts"]) == (3, 2, 3)
    assert (detail["opening_cents"], detail["start_pins"]) == (62_500_50, 2)
    assert "712345678" not in json.dumps(detail)


def test_a_file_may_have_any_name(run: Run, db: Database, tmp_path: Path) -> None:
    """Also one from a machine with another encoding, which no record could hold as it is."""
    odd = tmp_path / os.fsdecode(b"mem\xffbers.csv")
    odd.write_text(f"{HEADER}\n{WANJIRU}\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["members", "import", str(odd), "--yes"])
    assert done.exit_code == 0, done.output
    assert recorded(db)[0]["file"] == "mem\ufffdbers.csv"


def test_an_empty_file_is_one_sentence(run: Run, tmp_path: Path) -> None:
    refused = run()
    assert refused.exit_code == 1
    assert "no rows" in refused.output


def test_a_member_who_was_registered_meanwhile_undoes_everything(db: Database) -> None:
    """Between a plan and its writing, by somebody who does not import."""
    cells = {
        "member_no": "M1",
        "name": "Wanjiru",
        "phone": "0712345678",
        "id_number": "12343344",
        "opening_balance": "5",
        "account": "Savings",
        "language": "en",
        "status": "active",
        "mandate": "sole",
        "withdrawable": "yes",
        "receipts": "plain",
    }
    rows, _ = row_checks.check(
        [Record(2, cells), Record(3, cells | {"member_no": "M2", "phone": "0722345679"})]
    )
    keeper = Pins(PEPPER)
    with db.transaction() as tx:
        plan = import_plan.make(tx, keeper, rows)
    with db.transaction() as tx:
        directory.add(tx, member_no="M7", name="J", msisdn="+254722345679", language="en")
    before = on_file(db)

    def write() -> None:
        with db.transaction() as tx:
            importing.write(tx, keeper, plan, advance=lambda _: None)

    with pytest.raises(directory.NumberTaken, match="changed meanwhile"):
        write()
    assert on_file(db) == before
