"""`baraza members`, as an operator types it: acts with a reason, on record, told to the phone."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app.cli import main
from app.db import Database
from app.members import directory, pins
from app.members.pins import Pins
from tests.support.ledger import member_account

WANJIRU, OTHER = "+254712345678", "+254722345679"
PEPPER = "a pepper of the tests"
Run = Callable[..., Result]


@pytest.fixture
def run(
    database_url: str, database_owner_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Run:
    for name, value in {
        "DATABASE_URL": database_url,
        "DATABASE_OWNER_URL": database_owner_url,
        "REDIS_URL": redis_url,
        "PIN_PEPPER": PEPPER,
        "COLUMNS": "160",
    }.items():
        monkeypatch.setenv(name, value)

    def type_in(*arguments: str, answers: str = "") -> Result:
        return CliRunner().invoke(main, ["members", *arguments], input=answers)

    return type_in


@pytest.fixture(autouse=True)
def member(db: Database) -> int:
    keeper = Pins(PEPPER)
    with db.transaction() as tx:
        member_id = directory.add(tx, member_no="M1", name="Wanjiru", msisdn=WANJIRU, language="en")
        account = member_account(tx, cents=1_000_00)
        tx.execute(
            sa.text("INSERT INTO member_account (account_id, member_id) VALUES (:a, :m)"),
            {"a": account, "m": member_id},
        )
        keeper.set(tx, member_id, "4071")
        tx.execute(
            sa.text("UPDATE member SET id_check = :proof"),
            {"proof": keeper.id_check(member_id, "3344")},
        )
        directory.add(tx, member_no="M2", name="Juma", msisdn=OTHER, language="sw")
    return member_id


def shown(run: Run, who: str = "M1") -> dict[str, Any]:
    found = run("show", who, "--json")
    assert found.exit_code == 0, found.output
    return dict(json.loads(found.output))


def told(db: Database) -> list[tuple[str, str]]:
    """Kinds and numbers of the SMS that were queued."""
    with db.transaction() as tx:
        rows = tx.execute(sa.text("SELECT kind, msisdn FROM message ORDER BY queued_at, id"))
        return [(row.kind, row.msisdn) for row in rows]


def recorded(db: Database) -> list[tuple[str, dict[str, Any]]]:
    with db.transaction() as tx:
        rows = tx.execute(sa.text("SELECT action, detail FROM staff_action ORDER BY id"))
        return [(row.action, row.detail) for row in rows]


def test_a_lost_phone_is_locked_and_opened_again(run: Run, db: Database) -> None:
    done = run("lock", "0712 345 678", "--reason", "phone stolen", "--yes")
    assert done.exit_code == 0, done.output
    assert shown(run)["phone_lock_reason"] == "phone stolen"
    again = run("lock", "M1", "--reason", "again", "--yes")
    assert again.exit_code == 1
    assert "locked already" in again.output
    assert run("unlock", "M1", "--reason", "ID seen", "--yes").exit_code == 0
    assert shown(run)["phone_locked_at"] is None
    assert sorted(told(db)) == [("phone_locked", WANJIRU), ("phone_unlocked", WANJIRU)]
    assert [action for action, _ in recorded(db)] == ["phone_locked", "phone_unlocked"]
    assert recorded(db)[0][1]["reason"] == "phone stolen"


def test_unlock_opens_every_lock_of_the_pin(run: Run, db: Database, member: int) -> None:
    """Also the one that five wrong PINs in a day close, and the next wrong PIN is a first one."""
    keeper = Pins(PEPPER)

    def types(pin: str, hop: int) -> object:
        with db.transaction() as tx:
            return keeper.check(
                tx, member_id=member, pin=pin, session_id="s", transcript_mac=str(hop).encode()
            )

    for hop in range(3):
        types("9999", hop)
    assert run("unlock", "M1", "--reason", "ID seen", "--yes").exit_code == 0
    assert types("9999", 10) == pins.PinWrong(2)
    assert types("4071", 11) == pins.PinRight()
    nothing = run("unlock", "M1", "--reason", "again", "--yes")
    assert nothing.exit_code == 1
    assert "nothing of M1 is locked" in nothing.output


def test_a_pin_reset_sends_a_start_pin_that_is_readable_nowhere(
    run: Run, db: Database, member: int
) -> None:
    assert run("pin-reset", "M1", "--reason", "forgot it", "--yes").exit_code == 0
    assert sorted(told(db)) == [("pin_reset", WANJIRU), ("start_pin", WANJIRU)]
    assert shown(run)["pin"] == "start"
    with db.transaction() as tx:
        nonce = tx.scalar(
            sa.text("SELECT start_pin_nonce FROM member WHERE id = :m"), {"m": member}
        )
        assert nonce is not None
        start = Pins(PEPPER).start_pin(member, bytes(nonce))
        bodies = list(tx.scalars(sa.text("SELECT body FROM message")))
    assert not any(start in body for body in bodies)
    assert start not in run("show", "M1").output


def test_without_an_id_on_file_a_start_pin_would_open_nothing(run: Run, db: Database) -> None:
    refused = run("pin-reset", "M2", "--reason", "new", "--yes")
    assert refused.exit_code == 1
    assert "baraza members id" in refused.output
    assert run("id", "M2", "--reason", "ID seen", answers="77x8\n").exit_code == 1
    assert run("id", "M2", "--reason", "ID seen", answers="7788\n").exit_code == 0
    assert run("pin-reset", "M2", "--reason", "new", "--yes").exit_code == 0
    assert told(db) == [("start_pin", OTHER)]
    assert [action for action, _ in recorded(db)] == ["id_on_file", "start_pin_issued"]
    assert "7788" not in json.dumps(recorded(db))


def test_a_new_number_is_told_to_both_phones_and_voids_a_start_pin(run: Run, db: Database) -> None:
    run("pin-reset", "M1", "--reason", "forgot it", "--yes")
    assert run("number", "M1", "0733 000 111", "--reason", "new line", "--yes").exit_code == 0
    view = shown(run)
    assert view["phone"] == "0733***111"
    assert view["pin"] == "none"
    assert view["number_changed_at"] is not None
    changed = {msisdn for kind, msisdn in told(db) if kind == "number_changed"}
    assert changed == {WANJIRU, "+254733000111"}
    assert "712345678" not in json.dumps(recorded(db))


@pytest.mark.parametrize(
    ("phone", "says"),
    [
        ("0722345679", "belongs to another member"),
        ("0712345678", "already"),
        ("12", "not a Kenyan mobile number"),
    ],
)
def test_a_number_that_cannot_be_hers(run: Run, db: Database, phone: str, says: str) -> None:
    refused = run("number", "M1", phone, "--reason", "x", "--yes")
    assert refused.exit_code != 0
    assert says in refused.output
    assert told(db) == []


def test_status_and_mandate_are_changed_and_recorded_with_what_was_before(
    run: Run, db: Database
) -> None:
    assert run("status", "M1", "dormant", "--reason", "quiet", "--yes").exit_code == 0
    assert run("mandate", "M1", "joint", "--reason", "form", "--yes").exit_code == 0
    view = shown(run)
    assert (view["status"], view["mandate"]) == ("dormant", "joint")
    before_and_after = [(d["before"], d["after"]) for _, d in recorded(db)]
    assert before_and_after == [("active", "dormant"), ("sole", "joint")]
    assert run("status", "M1", "dormant", "--reason", "x", "--yes").exit_code == 1
    assert run("status", "M1", "asleep", "--reason", "x", "--yes").exit_code == 2


def test_a_question_names_what_would_change_and_a_yes_does_it(run: Run, db: Database) -> None:
    asked = run("status", "M1", "dormant", "--reason", "quiet", answers="y\n")
    assert asked.exit_code == 0
    assert "Change the status of M1 from active to dormant?" in asked.output
    assert [action for action, _ in recorded(db)] == ["status_changed"]


@pytest.mark.parametrize(
    ("before", "cure"),
    [
        (("lock", "M1"), "baraza members unlock"),
        (("status", "M1", "deceased"), "baraza members status"),
    ],
)
def test_no_start_pin_goes_to_a_phone_that_it_would_not_open(
    run: Run, db: Database, before: tuple[str, ...], cure: str
) -> None:
    assert run(*before, "--reason", "the branch", "--yes").exit_code == 0
    refused = run("pin-reset", "M1", "--reason", "forgot it", "--yes")
    assert refused.exit_code == 1
    assert cure in refused.output
    assert "start_pin" not in dict(told(db))
    assert shown(run)["pin"] == "own"


def test_accounts_say_what_can_be_drawn_by_phone(run: Run, db: Database, member: int) -> None:
    with db.transaction() as tx:
        tx.execute(
            sa.text(
                "INSERT INTO member_account (account_id, member_id, name, withdrawable)"
                " VALUES (:account, :member, 'Shares', false)"
            ),
            {"account": member_account(tx, cents=20_00), "member": member},
        )
    held = json.loads(run("accounts", "0712345678", "--json").output)
    assert [(a["name"], a["withdrawable"], a["available_cents"]) for a in held] == [
        ("Savings", True, 1_000_00),
        ("Shares", False, 20_00),
    ]
    page = run("accounts", "M1").output
    assert "Shares" in page
    assert "KES 1,000.00" in page
    assert "No accounts yet." in run("accounts", "M2").output
    assert run("accounts", "M9").exit_code == 1


def test_nothing_happens_without_a_reason_or_a_yes(run: Run, db: Database) -> None:
    assert run("lock", "M1", "--yes").exit_code == 2
    assert run("lock", "M1", "--reason", "  ", "--yes").exit_code == 2
    assert run("lock", "M1", "--reason", "x", answers="n\n").exit_code == 1
    unknown = run("lock", "M9", "--reason", "x", "--yes")
    assert unknown.exit_code == 1
    assert "numbers look like" in unknown.output
    assert recorded(db) == []
    assert told(db) == []


def test_show_tells_a_help_desk_what_is_the_matter(run: Run, db: Database) -> None:
    with db.transaction() as tx:
        tx.execute(sa.text("INSERT INTO sms_block VALUES (:n, 'UserInBlacklist')"), {"n": WANJIRU})
    run("lock", "M1", "--reason", "phone stolen", "--yes")
    page = run("show", "0712345678").output
    for words in ("LOCKED", "phone stolen", "refuses our SMS", "0712***678", "phone_locked"):
        assert words in page
    assert "712345678" not in page
    assert "has no PIN" in run("show", "M2").output
