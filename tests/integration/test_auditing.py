"""Audits are on record; one that finds a rule broken stops withdrawals, once."""

import threading

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from app.audit import Actor
from app.commands.look import audit
from app.db import Database
from app.operations import auditing, invariants
from app.operations.invariants import Invariant
from app.payouts import switch
from tests.support.stories import Stories

AMINA = Actor("command line", name="amina")
PLANT = "UPDATE evidence SET receipt = 'OTHER' WHERE class = 'success'"
HEAL = "UPDATE evidence e SET receipt = p.receipt FROM payout p WHERE e.id = p.evidence_id"
AGE = (
    "UPDATE payout_event SET at = at - interval '1 day'",
    "UPDATE evidence SET at = at - interval '1 day'",
    "UPDATE attempt SET committed_at = committed_at - interval '1 day'",
    "UPDATE message SET queued_at = queued_at - interval '1 day'",
    "UPDATE payout SET requested_at = requested_at - interval '1 day'",
)
"""What makes everything old news."""
RULE = "every paid payout stands on a success with its receipt and its amount"


@pytest.fixture
def paid(db: Database, redis_url: str) -> str:
    return Stories(db, redis_url).paid()


def do(owner: Database, statement: str) -> None:
    with owner.transaction() as tx:
        tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
        tx.exec_driver_sql(statement)


def minute(db: Database, owner: Database) -> str | None:
    """The audit of a minute, as if a minute had passed since the last one."""
    do(owner, "UPDATE audit_run SET finished_at = finished_at - interval '1 minute'")
    return auditing.watch(db, every_s=60)


def broken(db: Database) -> list[str]:
    with db.transaction() as tx:
        (last,) = auditing.latest(tx, limit=1)
    return [one["rule"] for one in last.findings if one["state"] == "broken"]


def stopped(db: Database) -> switch.Stop | None:
    with db.transaction() as tx:
        return switch.stopped(tx)


def resume(db: Database) -> None:
    with db.transaction() as tx:
        switch.resume(tx, reason="known", by=AMINA)


def test_the_first_audit_reads_everything_the_next_what_is_new(
    db: Database, owner_db: Database, paid: str
) -> None:
    """And the first one of each night reads everything again."""
    assert ["full", None] == [auditing.watch(db, every_s=60), auditing.watch(db, every_s=60)]
    assert "recent" == minute(db, owner_db)
    do(owner_db, "UPDATE audit_run SET started_at = started_at - interval '1 day'")
    assert "full" == minute(db, owner_db)
    assert [] == broken(db)
    assert stopped(db) is None


def test_a_broken_rule_stops_withdrawals_and_names_itself(
    db: Database, owner_db: Database, paid: str
) -> None:
    auditing.watch(db, every_s=60)
    do(owner_db, PLANT)
    minute(db, owner_db)
    assert RULE in broken(db)
    stop = stopped(db)
    assert stop is not None
    assert RULE in stop.reason
    assert auditing.AUDITOR.title == stop.by


def test_a_person_who_resumes_is_not_overruled_for_the_same(
    db: Database, owner_db: Database, paid: str
) -> None:
    """It stays on record as broken, also when it is old; broken anew, it stops anew."""
    auditing.watch(db, every_s=60)
    do(owner_db, PLANT)
    minute(db, owner_db)
    resume(db)
    for statement in AGE:
        do(owner_db, statement)
    minute(db, owner_db)
    assert RULE in broken(db), "old, and not forgotten"
    assert stopped(db) is None
    do(owner_db, HEAL)
    minute(db, owner_db)
    assert [] == broken(db)
    do(owner_db, PLANT)
    do(owner_db, "UPDATE evidence SET at = now()")
    minute(db, owner_db)
    assert stopped(db) is not None


def test_stopped_already_is_no_error(db: Database, owner_db: Database, paid: str) -> None:
    with db.transaction() as tx:
        switch.stop(tx, reason="drill", by=AMINA)
    do(owner_db, PLANT)
    assert "full" == auditing.watch(db, every_s=60)
    stop = stopped(db)
    assert stop is not None
    assert "drill" == stop.reason


def test_a_rule_that_cannot_be_asked_stops_nobody(
    db: Database, owner_db: Database, paid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditing.watch(db, every_s=60)
    slow = Invariant("slow", "SELECT 'x' FROM pg_sleep(5)")
    monkeypatch.setattr(invariants, "invariants", lambda: (slow,))
    monkeypatch.setattr(invariants, "RECENT_TIMEOUT_MS", 300)
    minute(db, owner_db)
    with db.transaction() as tx:
        (last,) = auditing.latest(tx, limit=1)
    assert [("slow", "unanswered")] == [(one["rule"], one["state"]) for one in last.findings]
    assert stopped(db) is None


def test_one_audits_at_a_time(db: Database, owner_db: Database, paid: str) -> None:
    """Any number of timekeepers may run."""
    found: list[str | None] = []
    with owner_db.transaction() as other:
        other.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('audit', 0))"))
        thread = threading.Thread(target=lambda: found.append(auditing.watch(db, every_s=60)))
        thread.start()
        thread.join()
    assert [None] == found


def test_the_record_is_only_added_to(db: Database, owner_db: Database, paid: str) -> None:
    """What found something stays for ever; an old one that found nothing may go."""
    auditing.watch(db, every_s=60)
    minute(db, owner_db)
    for statement in ("UPDATE audit_run SET broken = 0", "DELETE FROM audit_run"):
        with pytest.raises(sa.exc.DBAPIError), owner_db.transaction() as tx:
            tx.exec_driver_sql(statement)
    do(owner_db, "UPDATE audit_run SET finished_at = finished_at - interval '60 days',"
                 " started_at = started_at - interval '60 days'")  # fmt: skip
    auditing.watch(db, every_s=60)
    with db.transaction() as tx:
        assert ["full", "full"] == [run.kind for run in auditing.latest(tx, limit=9)]


@pytest.fixture
def settings(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where commands find the database."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)


def test_the_command_keeps_what_it_found_and_shows_it(
    db: Database, owner_db: Database, paid: str, settings: None
) -> None:
    assert "No audit has run yet" in CliRunner().invoke(audit, ["--last"]).output
    assert 0 == CliRunner().invoke(audit, []).exit_code
    do(owner_db, PLANT)
    failed = CliRunner().invoke(audit, [])
    assert 1 == failed.exit_code
    assert "Withdrawals are stopped" in failed.output
    told = CliRunner().invoke(audit, ["--last"]).output
    assert f"BROKEN: {RULE}" in " ".join(told.split())
    assert "all" in told
    assert stopped(db) is not None
