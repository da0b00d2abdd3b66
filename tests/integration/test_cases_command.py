"""`baraza cases` and `baraza dead-letters`, as people type them."""

import json

import pytest

from app.db import Database
from tests.support.stories import Stories
from tests.support.typing_commands import Run, typist

MAKER, CHECKER, SUPPORT = "maker@sacco.example", "checker@sacco.example", "help@sacco.example"
WHY = ("--reason", "statement of 23/11")


@pytest.fixture
def stories(db: Database, redis_url: str) -> Stories:
    return Stories(db, redis_url)


@pytest.fixture
def run(db: Database, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Types a command; three people are on file."""
    given = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    staff = {MAKER: "ops", CHECKER: "manager", SUPPORT: "support"}
    return typist(db, monkeypatch, staff=staff, environment=given)


def test_two_people_end_a_case(run: Run, stories: Stories) -> None:
    """From the list to the end, with the preview on the way; the story tells who did it."""
    assert "No payout needs a person." in run("cases", "list").output
    reference = stories.recovery()
    assert "recovery" in run("cases", "list").output
    done = run("cases", "make-good", reference, "--from", "savings", *WHY, email=MAKER)
    assert done.exit_code == 0, done.output
    for shown in ("recovery -> recovered", "Due from members", "SMS: BRZ", "Proposal 1 is made"):
        assert shown in done.output
    assert "recovery" == stories.state(reference)
    assert "proposal 1" in run("cases", "list").output
    assert "ST-06" in run("cases", "approve", "1", "--yes", email=MAKER).output
    done = run("cases", "approve", "1", "--yes", email=CHECKER)
    assert f"Done: {reference} is recovered." in done.output, done.output
    assert "recovered" == stories.state(reference)
    told = run("payouts", "show", reference).output
    assert f"{MAKER} proposes to make_good" in told
    assert f"executed by {CHECKER}" in told
    listed = json.loads(run("cases", "proposals", "--all", "--json").output)
    assert [("make_good", "executed", MAKER, CHECKER)] == [
        (one["action"], one["outcome"], one["maker"], one["checker"]) for one in listed
    ]


def test_whoever_has_no_part_in_it_is_refused(run: Run, stories: Stories) -> None:
    """Support looks and does not propose; a wrong reference and a missing proof say so."""
    reference = stories.in_doubt()
    assert "ST-06" in run("cases", "release", reference, *WHY, email=SUPPORT).output
    assert "CA-01" in run("cases", "release", "BRZ2222222", *WHY, email=MAKER).output
    assert "CA-11" in run("cases", "release", reference.lower(), *WHY, email=MAKER).output
    assert "CA-21" in run("cases", "approve", "9", "--yes", email=CHECKER).output
    assert 2 == run("cases", "release", reference, email=MAKER).exit_code


def test_a_proposal_is_rejected(run: Run, stories: Stories) -> None:
    """With a reason, which stays on record."""
    reference = stories.recovery()
    run("cases", "give-up", reference, *WHY, email=MAKER)
    done = run("cases", "reject", "1", "--reason", "she will pay", email=CHECKER)
    assert "Nothing of it was done" in done.output, done.output
    assert "rejected" in run("cases", "proposals", "--all").output
    assert "No proposal waits" in run("cases", "proposals").output


def test_m_pesa_is_asked_and_told_again(run: Run, stories: Stories) -> None:
    """The two things that one person may do."""
    reference = stories.in_doubt()
    assert "is asked about" in run("cases", "ask", reference).output
    assert "is sent again within seconds" in run("cases", "resend", reference).output
    assert "CA-03" in run("cases", "resend", stories.submitted()).output
    assert "doubt" in run("cases", "list", "--to-come").output


def test_dead_letters_are_listed(run: Run, stories: Stories) -> None:
    """Open ones; closed ones if they are wanted."""
    assert "There is no dead letter." in run("dead-letters", "list").output
    reference = stories.reserved()
    stories.write(
        "INSERT INTO dead_letter (payout_id, step, reason)"
        " SELECT id, 'pay', 'KeyError' FROM payout WHERE reference = :reference",
        reference,
    )
    (letter,) = json.loads(run("dead-letters", "list", "--json").output)
    assert (reference, "pay", "KeyError", 1) == (
        letter["reference"], letter["step"], letter["reason"], letter["times"]
    )  # fmt: skip
    assert "KeyError" in run("dead-letters", "list", "--all").output
    assert "dead_letter" in run("cases", "list").output
