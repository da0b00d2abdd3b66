"""The invariants see nothing wrong in a healthy database, and every fault that is planted in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.db import Database, Tx
from app.ledger import sealing
from app.operations import invariants, record_seals
from app.operations.invariants import Invariant, Since
from tests.support import databases
from tests.support.databases import Logins
from tests.support.http_script import closed_port
from tests.support.ledger import let_others_finish
from tests.support.stories import Stories

OFF = """
    SET LOCAL session_replication_role = replica;
    DO $$ DECLARE t record; BEGIN
        FOR t IN SELECT oid::regclass AS name FROM pg_class
                  WHERE relnamespace = 'ledger'::regnamespace AND relkind IN ('r', 'p') LOOP
            EXECUTE 'ALTER TABLE ' || t.name || ' DISABLE TRIGGER USER';
        END LOOP;
    END $$;
"""
"""What only a superuser can do: take down every guard."""


def faults() -> Iterator[tuple[str, str]]:
    """Rule and fault, from the file beside this one."""
    text = Path(__file__).with_name("planted_faults.sql").read_text("utf-8")
    for part in text.split("\n--: ")[1:]:
        rule, _, statements = part.partition("\n")
        for fault in statements.strip().split("\n\n"):
            yield rule, fault


FAULTS = tuple(faults())
GOOD = invariants.invariants()


@pytest.fixture(scope="module")
def owner(database_server: Logins, database_template: str) -> Iterator[Database]:
    """A database with a payout in every state, sealed books, and everything allowed."""
    with databases.copy(database_server, database_template) as logins:
        db = Database(logins.application, name="tests")
        # Without Redis, which none of this needs.
        Stories(db, f"redis://127.0.0.1:{closed_port()}/0").one_of_each()
        let_others_finish(db)
        with db.transaction() as tx:
            assert sealing.seal(tx) > 0
            assert record_seals.seal(tx) > 0
        db.close()
        owner = Database(logins.owner, role=None, name="tests")
        yield owner
        owner.close()


def wrong(tx: Tx) -> dict[str, str]:
    """The rules that do not hold, with what breaks them."""
    return {f.name: f.detail for f in invariants.run(tx) if not f.ok}


def test_a_new_database_is_right(db: Database) -> None:
    """The application's own role may ask, and finds nothing."""
    with db.transaction() as tx:
        assert wrong(tx) == {}


def test_a_database_with_a_payout_in_every_state_is_right(owner: Database) -> None:
    """No rule is broken by what the steps do."""
    with owner.transaction() as tx:
        assert wrong(tx) == {}


@pytest.mark.parametrize(
    ("rule", "fault"),
    FAULTS,
    ids=[f"{number}-{rule[:40]}" for number, (rule, _) in enumerate(FAULTS)],
)
def test_a_planted_fault_is_found(owner: Database, rule: str, fault: str) -> None:
    """Whoever takes down the guards and changes a row is found by the rule that he broke."""
    with owner.engine.connect() as tx:
        if "TRIGGER" not in fault:  # else the guards would be missed for another reason
            tx.exec_driver_sql(OFF)
        tx.exec_driver_sql(fault)
        assert rule in wrong(tx)
        tx.rollback()


def test_every_rule_has_its_planted_fault(owner: Database) -> None:
    """A new rule comes with the proof that it can fail."""
    with owner.transaction() as tx:
        names = [finding.name for finding in invariants.run(tx)]
    assert sorted({rule for rule, _ in FAULTS}) == sorted(names)
    assert len(names) == len(set(names))


def test_a_finding_names_its_offenders_and_stays_short(owner: Database) -> None:
    """Three are named; the others are counted."""
    with owner.engine.connect() as tx:
        tx.exec_driver_sql(OFF)
        tx.exec_driver_sql("DELETE FROM payout_event")
        broken = wrong(tx)
        tx.rollback()
    (detail,) = (said for rule, said in broken.items() if "events are a path" in rule)
    assert detail.count("BRZ") == 3
    assert detail.endswith("; and 10 more")


def wrong_of_late(tx: Tx, since: Since) -> set[str]:
    """The rules that do not hold for what is new."""
    return {f.name for f in invariants.run_recent(tx, since, whole=()) if not f.ok}


def before_all(tx: Tx) -> Since:
    """A moment before anything in this database, though its books are not read from their start."""
    at = tx.scalar(sa.text("SELECT min(requested_at) - interval '1 minute' FROM payout"))
    xact = tx.scalar(sa.text("SELECT min(xact_id) FROM ledger.journal_entry"))
    assert at is not None
    assert xact is not None
    return Since(at, xact)


def after_all(tx: Tx) -> Since:
    at, xact = tx.execute(sa.text("SELECT clock_timestamp(), ledger.horizon()")).one()
    return Since(at, xact)


def test_nothing_is_wrong_with_what_is_new_in_a_right_database(owner: Database) -> None:
    with owner.transaction() as tx:
        assert set() == wrong_of_late(tx, before_all(tx))
        assert set() == wrong_of_late(tx, after_all(tx))


SUMS = "the sums by general ledger account are those of members' balances and of system accounts"


@pytest.mark.parametrize(
    ("rule", "fault"),
    FAULTS,
    ids=[f"{number}-{rule[:40]}" for number, (rule, _) in enumerate(FAULTS)],
)
def test_a_recent_fault_is_found_by_the_rule_asked_about_what_is_new(
    owner: Database, rule: str, fault: str
) -> None:
    """Narrowing loses nothing that is new. Sums over all postings have a stand-in."""
    with owner.engine.connect() as tx:
        since = before_all(tx)
        if "TRIGGER" not in fault:
            tx.exec_driver_sql(OFF)
        tx.exec_driver_sql(fault)
        assert (SUMS if rule in invariants.FULL_ONLY else rule) in wrong_of_late(tx, since)
        tx.rollback()


def test_what_is_old_is_read_only_where_it_is_asked_for(owner: Database) -> None:
    """Else the watch would read everything every minute; a rule known to be broken does."""
    rule = "every paid payout stands on a success with its receipt and its amount"
    with owner.engine.connect() as tx:
        since = after_all(tx)
        tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
        tx.exec_driver_sql("UPDATE evidence SET receipt = 'OTHER' WHERE class = 'success'")
        assert set() == wrong_of_late(tx, since)
        found = invariants.run_recent(tx, since, whole=[rule])
        assert [rule] == [f.name for f in found if not f.ok]
        tx.rollback()


def test_a_rule_that_cannot_be_asked_says_so(
    owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is neither right nor broken, and the others are asked all the same."""
    slow = Invariant("slow", "SELECT 'x' FROM pg_sleep(5)")
    monkeypatch.setattr(invariants, "invariants", lambda: (slow, *GOOD[:2]))
    monkeypatch.setattr(invariants, "RECENT_TIMEOUT_MS", 300)
    with owner.transaction() as tx:
        found = invariants.run_recent(tx, before_all(tx), whole=())
    assert [("slow", False, "QueryCanceled")] == [
        (f.name, f.broken, f.detail) for f in found if not f.ok
    ]
