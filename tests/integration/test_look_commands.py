"""The looking commands, as programs on a real database, for people and for programs."""

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app import cli
from app.db import Database
from tests.support import databases
from tests.support.databases import Logins
from tests.support.http_script import closed_port
from tests.support.stories import Stories

BARAZA = Path(sys.executable).parent / "baraza"
FULL_PHONE = re.compile(r"(?:\+?254|0)7[0-9]{8}")


@dataclass(frozen=True)
class Look:
    """A database with a payout in every state, and the command to look into it."""

    logins: Logins
    references: dict[str, str]

    def run(self, *arguments: str, code: int = 0) -> str:
        """What the command prints, when it ends with this exit code."""
        ran = run(self.logins.application, *arguments)
        assert code == ran.exit_code, ran.output
        return ran.output if code else ran.stdout

    def json(self, *arguments: str, code: int = 0) -> Any:
        """The same, for programs."""
        return json.loads(self.run(*arguments, "--json", code=code))


def environment(database_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "REDIS_URL": f"redis://127.0.0.1:{closed_port()}/0"}


def run(database_url: str, *arguments: str) -> Result:
    """The command inside this process, because each process of its own costs a second."""
    return CliRunner().invoke(cli.main, list(arguments), env=environment(database_url))


def run_process(given: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command as an operator's shell runs it."""
    return subprocess.run(
        [str(BARAZA), *arguments],
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def logins(database_server: Logins, database_template: str) -> Iterator[Logins]:
    with databases.copy(database_server, database_template) as made:
        yield made


@pytest.fixture(scope="module")
def stories(logins: Logins) -> Iterator[Stories]:
    db = Database(logins.application, name="tests")
    yield Stories(db, f"redis://127.0.0.1:{closed_port()}/0")
    db.close()


@pytest.fixture(scope="module")
def references(stories: Stories) -> dict[str, str]:
    return stories.one_of_each()


@pytest.fixture
def look(logins: Logins, references: dict[str, str]) -> Look:
    return Look(logins, references)


def test_the_audit_of_a_healthy_database_ends_well(look: Look) -> None:
    findings = look.json("audit")
    assert {True} == {finding["ok"] for finding in findings}
    assert f"All {len(findings)} rules hold." in look.run("audit")


def test_the_audit_of_a_broken_database_names_the_rule_and_ends_with_one(
    database_logins: Logins, owner_db: Database
) -> None:
    with owner_db.transaction() as tx:
        tx.exec_driver_sql("ALTER TABLE payout DISABLE TRIGGER payout_guard")
    ran = run_process(environment(database_logins.application), "audit", "--json")
    broken = [finding for finding in json.loads(ran.stdout) if not finding["ok"]]
    rule = "the guards of payouts and their history are switched on"
    finding = {"name": rule, "ok": False, "detail": "payout_guard on payout", "answered": True}
    assert [finding] == broken
    assert ran.returncode == 1
    said = run(database_logins.application, "audit")
    assert (said.exit_code, rule in said.stdout) == (1, True)


def test_the_trial_balance_is_zero(look: Look) -> None:
    books = look.json("ledger", "trial-balance")
    assert books["trial_balance_cents"] == 0
    by_code = {account["gl_code"]: account["cents"] for account in books["accounts"]}
    # Four reserves wait; one payout and three that were paid after a reversal left the float.
    assert (by_code[2020], by_code[1010]) == (-4 * 152_070, -4 * 150_000)
    assert "The books balance." in look.run("ledger", "trial-balance")


def test_the_list_shows_every_payout_newest_first(look: Look) -> None:
    listed = look.json("payouts", "list")
    assert look.references == {one["state"]: one["reference"] for one in listed}
    times = [one["requested_at"] for one in listed]
    assert times == sorted(times, reverse=True)


def test_the_list_narrows_by_state_and_member(look: Look) -> None:
    def states(*arguments: str) -> list[str]:
        return sorted(one["state"] for one in look.json("payouts", "list", *arguments))

    assert states("--state", "paid", "--state", "in_doubt") == ["in_doubt", "paid"]
    assert states("--state", "open") == [
        "in_doubt",
        "requested",
        "reserved",
        "submitted",
        "submitting",
    ]
    assert len(states("--member", "0712000001")) == 1
    assert len(states("--limit", "3")) == 3


def test_a_payouts_story_begins_with_the_money(look: Look) -> None:
    """And goes on with what happened, the entries, the SMS."""
    reference = look.references["paid"]
    told = look.run("payouts", "show", reference.lower())
    receipt = f"S{reference[1:]}"
    assert told.startswith(f"M-PESA paid KES 1,500.00 to the member under {receipt}.")
    for part in ("submitting: call committed", "call 1", "success (callback)", "M-PESA float",
                 "KES 1,520.70", f"{reference} Confirmed."):  # fmt: skip
        assert part in told


def test_a_payouts_story_for_programs(look: Look) -> None:
    """Events in their order, entries that net to zero, texts as they were sent."""
    told = look.json("payouts", "show", look.references["reversed"])
    states = [one["detail"] for one in told["timeline"] if one["what"] == "state"]
    assert [detail.partition(":")[0] for detail in states] == [
        "requested",
        "reserved",
        "submitting",
        "submitted",
        "reversed",
    ]
    assert sum(line["cents"] for line in told["ledger"]) == 0
    assert [line["kind"] for line in told["ledger"]] == [
        "reserve",
        "reserve",
        "compensate",
        "compensate",
    ]
    assert [sms["kind"] for sms in told["sms"]] == ["failed"]
    assert told["money"] == "M-PESA did not pay; KES 1,520.70 is back in the member's savings."


@pytest.mark.parametrize(
    "state",
    ["requested", "declined", "reserved", "submitting", "submitted", "in_doubt", "recovery"],
)
def test_every_state_has_a_sentence_about_the_money(look: Look, state: str) -> None:
    told = look.json("payouts", "show", look.references[state])
    assert "KES 1,5" in told["money"]


def test_a_recovery_shows_what_the_member_owes(look: Look) -> None:
    """Its entry's id is not in the payout; it is found all the same."""
    told = look.json("payouts", "show", look.references["recovery"])
    assert "recovery" in {line["kind"] for line in told["ledger"]}


def test_the_sms_list_shows_texts_and_narrows(look: Look) -> None:
    reference = look.references["paid"]
    (one,) = look.json("sms", "list", "--payout", reference)
    assert ("sent", "queued", reference) == (one["kind"], one["state"], one["reference"])
    assert one["text"].startswith(f"{reference} Confirmed.")
    assert len(look.json("sms", "list", "--state", "queued")) == 11
    assert f"{reference} Confirmed." in " ".join(look.run("sms", "list").split())


def test_a_member_is_found_by_phone_and_by_number(look: Look) -> None:
    by_phone = look.json("members", "show", "0712000001")
    assert by_phone == look.json("members", "show", "M001")
    assert by_phone["phone"] == "0712***001"
    assert len(by_phone["payouts"]) == 1
    shown = look.run("members", "show", "+254 712 000 001")
    assert "has no PIN" in shown
    assert "Available" in shown


def test_no_command_shows_a_whole_phone_number(look: Look) -> None:
    """What staff copy into a chat must not let anybody call a member."""
    seen = [
        look.run("payouts", "list"),
        look.run("payouts", "list", "--json"),
        look.run("payouts", "show", look.references["paid"]),
        look.run("sms", "list", "--json"),
        look.run("members", "show", "M001", "--json"),
    ]
    for text in seen:
        # The SACCO's own help line is in the texts.
        assert not FULL_PHONE.search(text.replace("0700000111", ""))


def test_a_providers_words_can_neither_name_a_phone_nor_write_on_the_screen(
    look: Look, stories: Stories
) -> None:
    """Masked, and without control codes or the markup of our own tables."""
    reference = look.references["submitting"]
    stories.write(
        "INSERT INTO evidence (payout_id, source, class, detail) SELECT id, 'callback', 'doubt',"
        " chr(27) || '[2J[red]0712345678 is full' FROM payout WHERE reference = :reference",
        reference,
    )
    shown = look.run("payouts", "show", reference)
    assert "[2J[red]0712***678 is full" in shown
    assert "\x1b" not in shown
    told = look.json("payouts", "show", reference)
    assert "0712345678" not in json.dumps(told)


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (("payouts", "show", "BRZ2222222"), "baraza payouts list"),
        (("members", "show", "0799999999"), "numbers look like"),
    ],
)
def test_what_is_not_there_is_said_with_a_cure(
    look: Look, arguments: tuple[str, ...], cure: str
) -> None:
    assert cure in look.run(*arguments, code=1)


def test_an_empty_database_has_helpful_words(database_logins: Logins) -> None:
    for arguments, words in (
        (("payouts", "list"), "baraza dial"),
        (("sms", "list"), "No SMS fits"),
        (("ledger", "trial-balance"), "The books balance."),
    ):
        assert words in run(database_logins.application, *arguments).stdout


def test_a_filter_that_nothing_fits_is_told_from_an_empty_database(
    database_logins: Logins,
) -> None:
    said = run(database_logins.application, "payouts", "list", "--state", "in_doubt").stdout
    assert said == "No payout fits.\n"


@pytest.mark.parametrize("arguments", [("audit",), ("payouts", "list"), ("migrate",)])
def test_a_database_that_is_not_there_is_said_in_one_sentence(
    database_server: Logins, arguments: tuple[str, ...]
) -> None:
    """Whatever looks or migrates: no traceback, but what PostgreSQL said and what to check."""
    ran = run(database_server.at("baraza_no_such").owner, *arguments)
    assert (ran.exit_code, ran.output.count("\n")) == (2, 1)
    assert "is DATABASE_URL right?" in ran.output
    assert 'database "baraza_no_such" does not exist' in ran.output


def test_a_database_without_tables_is_to_be_migrated(database_server: Logins) -> None:
    ran = run(database_server.at("postgres").owner, "audit")
    assert ran.exit_code == 2
    assert "Run `baraza migrate`" in ran.output


def test_a_login_that_may_not_migrate_is_told_of_the_other_setting(
    database_logins: Logins, owner_db: Database
) -> None:
    name, password = f"baraza_test_{secrets.token_hex(4)}", secrets.token_hex(8)
    with owner_db.transaction() as tx:
        tx.exec_driver_sql(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    weak = sa.make_url(database_logins.owner).set(username=name, password=password)
    try:
        ran = run(weak.render_as_string(hide_password=False), "migrate")
    finally:
        with owner_db.transaction() as tx:
            tx.exec_driver_sql(f"DROP ROLE {name}")
    assert ran.exit_code == 2
    assert "set DATABASE_OWNER_URL" in ran.output


def test_the_sandbox_refuses_a_port_with_no_two_after_it() -> None:
    ran = CliRunner().invoke(
        cli.main, ["up"], env={**environment("postgresql://x/y"), "PORT": "65534"}
    )
    assert ran.exit_code == 2
    assert "PORT: at most 65533" in ran.output


def test_config_tells_the_deadlines_that_the_sandbox_shortens() -> None:
    """Those that are set by hand are not among them, nor is any without the sandbox."""
    shown = run_process({"PAYOUT_DOUBT_AFTER_S": "60"}, "config").stdout
    assert "\n  PAYOUT_NOTICE_AFTER_S=20\n" in shown
    assert "  PAYOUT_DOUBT_AFTER_S=" not in shown.split("Shorter under")[1]
    real = {"DARAJA_URL": "https://daraja.example", "AT_URL": "https://sms.example"}
    assert "Shorter under" not in run_process(real, "config").stdout


def test_config_hides_secrets_and_tells_what_to_register() -> None:
    """The addresses carry door tokens; the keys they are made from stay hidden."""
    url = "postgresql://baraza:open-sesame@db.sacco.example:5432/baraza"
    given = {
        "DATABASE_URL": url,
        "AT_API_KEY": "atsk_very_secret",
        "CALLBACK_SECRETS": "first-key,second-key",
        "PUBLIC_URL": "https://pay.sacco.example",
    }
    ran = run_process(given, "config")
    for secret in ("open-sesame", "atsk_very_secret", "first-key", "second-key"):
        assert secret not in ran.stdout
    assert re.search(r"^  https://pay\.sacco\.example/ussd/[0-9a-f]{40}$", ran.stdout, re.MULTILINE)
    assert re.search(
        r"^  https://pay\.sacco\.example/sms/[0-9a-f]{40}/delivery$", ran.stdout, re.MULTILINE
    )
    assert "db.sacco.example" in ran.stdout
