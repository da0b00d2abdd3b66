"""`baraza staff`, as an operator types it."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app.cli import main
from app.db import Database
from app.staff import signing_in
from app.staff.signing_in import Attempt

Run = Callable[..., Result]
GOOD = "four unrelated words here"


@pytest.fixture
def run(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("COLUMNS", "120")

    def type_in(*arguments: str, answers: str = "") -> Result:
        return CliRunner().invoke(main, ["staff", *arguments], input=answers)

    return type_in


def may_sign_in(db: Database, password: str) -> bool:
    with db.transaction() as tx:
        attempt = Attempt("amina@sacco.example", password, "test", in_production=False)
        return signing_in.sign_in(tx, attempt) is not None


def test_create_asks_until_the_password_is_good(run: Run, db: Database) -> None:
    """Short and common passwords are refused with advice; the account then works."""
    typed = "".join(f"{p}\n{p}\n" for p in ("short", "Password2026!", "aaaaaaaaaaaa", GOOD))
    done = run("create", "Amina@SACCO.example", "--name", "Amina", "--role", "ops", answers=typed)
    assert done.exit_code == 0, done.output
    assert "12 to 128 characters" in done.output
    assert "first that are tried" in done.output
    assert "Too few different characters" in done.output
    assert "amina@sacco.example may sign in" in done.output
    assert GOOD not in done.output
    assert may_sign_in(db, GOOD)


def test_the_whole_life_of_an_account(run: Run, db: Database) -> None:
    """Created by a script, listed, given a new password, disabled; each step is on record."""
    assert "Nobody has an account yet" in run("list").output
    create = ("create", "amina@sacco.example", "--name", "Amina", "--password-stdin")
    assert run(*create, answers=f"{GOOD}\n").exit_code == 0
    assert "never" in run("list").output
    new = "another four plain words"
    changed = run("password", "amina@sacco.example", "--password-stdin", answers=f"{new}\n")
    assert changed.exit_code == 0
    assert (may_sign_in(db, GOOD), may_sign_in(db, new)) == (False, True)
    assert run("disable", "amina@sacco.example").exit_code == 0
    assert not may_sign_in(db, new)
    assert "disabled" in run("list").output
    with db.transaction() as tx:
        actions = tx.execute(
            sa.text("SELECT action FROM staff_action WHERE source = 'command line' ORDER BY id")
        )
        assert list(actions.scalars()) == ["created", "password_set", "disabled"]


def test_mistakes_are_answered_with_a_sentence(run: Run) -> None:
    """Twice the same e-mail, an unknown one, a weak password from a script."""
    create = ("create", "amina@sacco.example", "--name", "Amina", "--password-stdin")
    run(*create, answers=f"{GOOD}\n")
    mistakes = {
        "has an account already": run(*create, answers=f"{GOOD}\n"),
        "Nobody has an account as who@sacco.example": run("disable", "who@sacco.example"),
        "12 to 128 characters": run(*create, answers="short\n"),
        "an e-mail has an @": run("create", "amina", "--name", "A"),
    }
    for sentence, result in mistakes.items():
        assert result.exit_code != 0
        assert sentence in result.output
        assert "Traceback" not in result.output
