"""M-PESA's statement: what it tells is evidence, what differs is a list; and the close of a day."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result

from app.db import Database, constraint_of
from app.operations import alerting
from app.payouts.proofs import Action
from tests.support.ledger import assert_coherent
from tests.support.statement import (
    FLOAT_CENTS,
    GUARDS_OFF,
    SHORTCODE,
    Moved,
    become_yesterday,
    paid_line,
    today,
    top_up,
    written,
)
from tests.support.stories import AMOUNT_CENTS, Stories
from tests.support.typing_commands import Run, typist

FINANCE, SUPPORT = "amina@sacco.example", "help@sacco.example"


@pytest.fixture
def stories(db: Database, redis_url: str) -> Stories:
    return Stories(db, redis_url)


@pytest.fixture
def run(db: Database, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Types a command; an accountant and a colleague without rights are on file."""
    given = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "DARAJA_SHORTCODE": SHORTCODE}
    staff = {FINANCE: "finance", SUPPORT: "support"}
    return typist(db, monkeypatch, staff=staff, environment=given)


@pytest.fixture
def reconcile(run: Run, db: Database, tmp_path: Path) -> Callable[..., Result]:
    """Imports a statement of yesterday, today and tomorrow with these movements."""

    def imported(*moved: Moved, email: str = FINANCE, **changes: object) -> Result:
        begins = today(db) - timedelta(days=1)
        whole = {"begins": begins, "ends": begins + timedelta(days=3), **changes}
        data = written(sorted(moved, key=lambda one: one.at), **whole)  # type: ignore[arg-type]
        file = tmp_path / f"{hashlib.sha256(data).hexdigest()[:8]}.csv"
        file.write_bytes(data)
        return run("reconcile", str(file), "--yes", email=email)

    return imported


def breaks(run: Run) -> dict[str, list[str]]:
    """Subjects of what does not agree now, by rule."""
    found: dict[str, list[str]] = {}
    for one in json.loads(run("breaks", "list", "--json").output):
        found.setdefault(one["rule"], []).append(one["subject"])
    return found


def test_a_statement_settles_what_is_in_doubt(
    run: Run, reconcile: Callable[..., Result], stories: Stories, db: Database, owner_db: Database
) -> None:
    """The one payout that nobody could say anything about; the paid ones only agree."""
    paid, doubtful = stories.paid(), stories.in_doubt()
    done = reconcile(top_up(db), paid_line(db, paid), paid_line(db, doubtful))
    for shown in ("payments of ours 2", "top-ups booked 1", "telling something new 1"):
        assert shown in done.output
    assert "in_doubt" == stories.state(doubtful)
    stories.resolve()
    assert "paid" == stories.state(doubtful)
    assert {} == breaks(run)
    assert_coherent(owner_db)


def test_that_a_payment_is_missing_moves_nothing(
    run: Run, reconcile: Callable[..., Result], stories: Stories, db: Database
) -> None:
    """It is a difference, for a person; so is one that is there and was refused here."""
    missing, doubtful = stories.paid(), stories.in_doubt()
    assert reconcile(top_up(db)).exit_code == 1
    stories.resolve()
    assert ("paid", "in_doubt") == (stories.state(missing), stories.state(doubtful))
    assert {"not_on_statement": [missing]} == breaks(run)


def test_what_does_not_fit_is_a_contradiction(
    run: Run, reconcile: Callable[..., Result], stories: Stories, db: Database
) -> None:
    """Another amount, another phone: the payout is frozen, whatever its state."""
    amount, phone = stories.in_doubt(), stories.in_doubt()
    reconcile(
        top_up(db),
        paid_line(db, amount, cents=-100_00),
        paid_line(db, phone, receipt="SKL62MQ8WL", party="254799***999 - SOMEBODY"),
    )
    stories.resolve()
    with db.transaction() as tx:
        frozen = list(tx.scalars(sa.text("SELECT reference FROM payout WHERE frozen")))
    assert sorted((amount, phone)) == sorted(frozen)
    found = breaks(run)
    assert [amount] == found["amount_differs"]
    assert sorted((amount, phone)) == sorted(found["not_paid_here"])


def test_a_payment_that_nobody_asked_for_is_an_alarm(
    run: Run, reconcile: Callable[..., Result], stories: Stories, db: Database
) -> None:
    """Somebody pays with our initiator past Baraza. It names what it may be, and books nothing."""
    doubtful = stories.in_doubt()
    unknown = paid_line(db, doubtful, details="Business Payment via the portal")
    done = reconcile(top_up(db), unknown)
    assert f"it may be {doubtful}" in done.output
    assert {"unknown_payment": ["SKL61MQ8WL"]} == breaks(run)
    with db.transaction() as tx:
        alerting.evaluate(tx)
    with db.transaction() as tx:
        opened = {
            one.rule: one.severity for one in alerting.listed(tx, with_cleared=False, limit=9)
        }
    assert "page" == opened["unknown_payment"]


def test_one_payout_paid_twice_is_seen(
    run: Run, reconcile: Callable[..., Result], stories: Stories, db: Database
) -> None:
    paid = stories.paid()
    reconcile(top_up(db), paid_line(db, paid), paid_line(db, paid, receipt="SKL62MQ8WL"))
    stories.resolve()
    assert [paid] == breaks(run)["paid_twice"]
    with db.transaction() as tx:
        assert tx.scalar(sa.text("SELECT frozen FROM payout"))


def test_a_payment_that_was_taken_back_waits_for_people(
    run: Run, reconcile: Callable[..., Result], stories: Stories, db: Database, owner_db: Database
) -> None:
    """The statement is the proof that they need; with them the member has her money again."""
    paid = stories.paid()
    line = paid_line(db, paid)
    back = Moved(
        "SKL70MQ8WL", line.at + timedelta(minutes=1), AMOUNT_CENTS, f"Reversal of {line.receipt}"
    )
    reconcile(top_up(db), line, back)
    stories.resolve()
    assert {"taken_back": [paid]} == breaks(run)
    stories.ruled(paid, Action.TAKE_BACK)
    assert {} == breaks(run)
    assert_coherent(owner_db)


def test_a_reversal_that_may_be_of_two_payments_waits_for_people(
    run: Run, reconcile: Callable[..., Result], stories: Stories, db: Database
) -> None:
    """Baraza does not choose one."""
    lines = [paid_line(db, stories.paid()), paid_line(db, stories.paid())]
    named = " and ".join(line.receipt for line in lines)
    at = max(line.at for line in lines) + timedelta(minutes=1)
    back = Moved("SKL70MQ8WL", at, AMOUNT_CENTS, f"Reversal of {named}")
    reconcile(top_up(db), *lines, back)
    stories.resolve()
    assert {"taken_back": ["SKL70MQ8WL"]} == breaks(run)


def test_a_file_is_imported_once_and_a_line_is_kept_once(
    run: Run, reconcile: Callable[..., Result], stories: Stories, db: Database
) -> None:
    """The same file is refused, a longer one adds what is new."""
    first = stories.paid()
    lines = [top_up(db), paid_line(db, first)]
    reconcile(*lines)
    assert "RC-01" in reconcile(*lines).output
    second = stories.paid()
    done = reconcile(*lines, paid_line(db, second))
    assert "Lines: 3, known before: 2. Of the new ones: payments of ours 1" in done.output
    assert {} == breaks(run)
    with db.transaction() as tx:
        booked = "SELECT count(*) FROM ledger.journal_entry WHERE kind = 'float_top_up'"
        assert 1 == tx.scalar(sa.text(booked))


def test_who_may_import_and_what(reconcile: Callable[..., Result], db: Database) -> None:
    """Finance and managers; the account that payouts go out from; a file that is whole."""
    assert "ST-06" in reconcile(top_up(db), email=SUPPORT).output
    assert "RC-02" in reconcile(top_up(db), shortcode="700000").output
    outside = Moved("SKA00000A1", today(db) - timedelta(days=9), 100, "Organization Settlement")
    done = reconcile(outside)
    assert "is outside the time period" in done.output
    assert "Nothing was done" in done.output
    with db.transaction() as tx:
        assert 0 == tx.scalar(sa.text("SELECT count(*) FROM statement_import"))


def test_float_that_moved_past_baraza_is_seen_and_explained(
    run: Run, reconcile: Callable[..., Result], stories: Stories, db: Database
) -> None:
    """A transfer to the bank is a difference of its own; float from before is one of the float."""
    paid = stories.paid()
    away = Moved("SKL80MQ8WL", today(db), -500_00, "Organization Settlement to the bank")
    reconcile(paid_line(db, paid), away, opening_cents=FLOAT_CENTS)
    found = json.loads(run("breaks", "list", "--json").output)
    assert {"other_movement": 500_00, "float_differs": FLOAT_CENTS} == {
        one["rule"]: one["cents"] for one in found
    }
    for one in found:
        why = ("--reason", "voucher 881")
        done = run("breaks", "explain", str(one["id"]), *why, email=FINANCE)
        assert "is explained" in done.output, done.output
    assert {} == breaks(run)
    assert "voucher 881" in run("breaks", "list", "--all").output
    assert "RC-10" in run("breaks", "explain", str(found[0]["id"]), *why, email=FINANCE).output


# -- the end of a day ----------------------------------------------------------------------------


@pytest.fixture
def over(db: Database, owner_db: Database) -> Callable[[], str]:
    """Moves all that there is to yesterday, which is then over. Returns that day."""
    return lambda: become_yesterday(db, owner_db)


def test_a_day_is_closed_only_when_all_agrees(
    run: Run,
    reconcile: Callable[..., Result],
    stories: Stories,
    db: Database,
    over: Callable[[], str],
) -> None:
    """Not without a statement, not with a difference; then its totals are signed for ever."""
    paid, reversed_one = stories.paid(), stories.reversed()
    day = over()
    close = ("day", "close", day, "--yes")
    assert "No statement covers" in run(*close, email=FINANCE).output
    reconcile(top_up(db))
    done = run(*close, email=FINANCE)
    assert f"differences wait: 1 ({paid})" in done.output, done.output
    reconcile(top_up(db), paid_line(db, paid))
    done = run(*close, email=FINANCE)
    assert 0 == done.exit_code, done.output
    for shown in ("paid", "1010", "payment", "rules of the books hold", "Signature"):
        assert shown in done.output
    assert reversed_one
    assert "is closed already" in run(*close, email=FINANCE).output
    assert f"{day} is as it was signed." in run("day", "verify", day).output
    assert day in run("day", "list").output
    report = json.loads(json.loads(run("day", "show", day, "--json").output)["report"])
    assert ("paid", 1, AMOUNT_CENTS) in [
        (one["state"], one["payouts"], one["amount_cents"]) for one in report["payouts"]
    ]


def test_today_is_not_over_and_a_wrong_day_says_so(run: Run, db: Database) -> None:
    now = f"{today(db):%Y-%m-%d}"
    assert "is not over" in run("day", "close", now, "--yes", email=FINANCE).output
    assert "type 2026-11-23" in run("day", "close", "23/11/26", "--yes", email=FINANCE).output
    assert "RC-21" in run("day", "show", "2026-01-01").output
    assert "No day was ever closed" in run("day", "list").output


@pytest.fixture
def closed(
    run: Run,
    reconcile: Callable[..., Result],
    stories: Stories,
    db: Database,
    over: Callable[[], str],
) -> str:
    """A day with a payout that was closed."""
    paid = stories.paid()
    day = over()
    reconcile(top_up(db), paid_line(db, paid))
    assert 0 == run("day", "close", day, "--yes", email=FINANCE).exit_code
    return day


SIGNED_ELSEWHERE = "UPDATE day_close SET signature = sha256('x') || sha256('y')"
OTHER_REPORT = """
    ALTER TABLE day_close DROP CONSTRAINT day_close_check;
    UPDATE day_close SET report = replace(report, '"paid"', '"lost"')
"""


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (SIGNED_ELSEWHERE, "the signature does not fit"),
        (OTHER_REPORT, "the signature does not fit"),
        ("UPDATE ledger.journal_block SET hash = sha256('x')", "the books before block"),
        ("UPDATE staff_action_block SET hash = sha256('x')", "the record of acts before block"),
        ("DELETE FROM payout_event WHERE to_state = 'paid'", "payouts of that day are different"),
        ("UPDATE statement_line SET paid_in_cents = 1", "statement of that day are different"),
        ("UPDATE ledger.gl_daily SET debit_cents = 1", "accounts of that day are different"),
    ],
)
def test_what_was_changed_after_the_close_is_found(
    run: Run, closed: str, owner_db: Database, tamper: str, words: str
) -> None:
    """By whoever can take down every guard: report, signature, chain or totals tell."""
    assert 0 == run("day", "verify", closed).exit_code
    with owner_db.transaction() as tx:
        tx.exec_driver_sql(GUARDS_OFF)
        tx.exec_driver_sql("ALTER TABLE ledger.journal_block DISABLE TRIGGER USER")
        tx.exec_driver_sql("ALTER TABLE ledger.gl_daily DISABLE TRIGGER USER")
        tx.exec_driver_sql(tamper)
    done = run("day", "verify", closed)
    assert words in done.output
    assert 1 == done.exit_code


def test_a_day_signed_under_another_secret_is_told(
    run: Run, closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signature holds, and it is not this installation's."""
    monkeypatch.setenv("SECRET_KEY", "another secret of another installation")
    assert "another SECRET_KEY" in run("day", "verify", closed).output


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE statement_line SET withdrawn_cents = 1",
        "UPDATE statement_line SET payout_id = gen_random_uuid() WHERE payout_id IS NOT NULL",
        "DELETE FROM statement_line",
        "UPDATE statement_import SET closing_cents = 1",
        "DELETE FROM statement_import",
        "UPDATE day_close SET report = ''",
        "DELETE FROM day_close",
        "UPDATE reconciliation_break SET explanation = 'x', explained_at = now()",
        "DELETE FROM reconciliation_break",
    ],
)
def test_what_was_imported_explained_or_signed_stays(
    run: Run, closed: str, owner_db: Database, change: str
) -> None:
    """For whoever owns the database too."""
    assert closed
    with owner_db.transaction() as tx:
        tx.exec_driver_sql(
            "INSERT INTO reconciliation_break (rule, subject, detail, cents, explained_at,"
            " explained_by, explanation) SELECT 'other_movement', 'x', '', 1, now(), id, 'voucher'"
            " FROM staff LIMIT 1"
        )
    with pytest.raises(sa.exc.DBAPIError) as refused, owner_db.transaction() as tx:
        tx.exec_driver_sql(change)
    assert "append_only" == constraint_of(refused.value)
