"""Ways to money that a thief, an insider or bad luck could take, each of them closed."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.audit import Actor
from app.db import Database
from app.doorbell import Step
from app.members import directory, pins, standing
from app.members.pins import Pins
from app.payouts import due, overdue, switch
from tests.support.stories import Stories

STAFF = Actor("tests", name="staff")
PEPPER = "pepper"


@pytest.fixture
def stories(db: Database, redis_url: str) -> Stories:
    return Stories(db, redis_url)


def test_a_stop_holds_what_m_pesa_turned_away(stories: Stories, db: Database) -> None:
    """It never got there, so nothing needs it to go on; it goes on with the others."""
    reference = stories.called()
    stories.write(
        "UPDATE attempt SET outcome = 'not_processed', finished_at = now() WHERE payout_id ="
        " (SELECT id FROM payout WHERE reference = :reference)",
        reference,
    )
    stories.write(
        "UPDATE payout SET work_due_at = now(), doubt_due_at = NULL WHERE reference = :reference",
        reference,
    )
    with db.transaction() as tx:
        assert Step.PAY in overdue.steps(tx)
        switch.stop(tx, reason="fraud?", by=STAFF)
        assert Step.PAY not in overdue.steps(tx)
        assert switch.waiting(tx).payouts == 1
        due_now = sa.text(f"SELECT count(*) FROM payout p WHERE {due.claim(Step.PAY)}")  # noqa: S608
        assert tx.scalar(due_now) == 0
        switch.resume(tx, reason="checked", by=STAFF)
        assert tx.scalar(due_now) == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [("msisdn", "'+254799999999'"), ("amount_cents", "amount_cents + 100"), ("fee_cents", "0")],
)
def test_a_payout_is_what_was_shown_to_the_number_on_file(
    stories: Stories, db: Database, column: str, value: str
) -> None:
    """The database refuses it from whoever holds the application's login."""
    reference = stories.requested()
    columns = {
        name: name
        for name in (
            "member_id", "account_id", "msisdn", "language", "amount_cents", "fee_cents",
            "duty_cents",
        )
    }  # fmt: skip
    columns[column] = value
    forged = sa.text(
        "WITH made AS (INSERT INTO quote (id, session_id, transcript_mac, member_id, account_id,"  # noqa: S608
        "  amount_cents, fee_cents, duty_cents) SELECT :quote, 's', 'm', member_id, account_id,"
        "  amount_cents, fee_cents, duty_cents FROM payout WHERE reference = :reference"
        "  RETURNING id)"
        f" SELECT {', '.join(columns.values())} FROM payout, made WHERE reference = :reference"
    )
    with db.transaction() as tx:
        quote = uuid4()
        row = tx.execute(forged, {"quote": quote, "reference": reference}).one()
    insert = sa.text(
        "INSERT INTO payout (id, reference, quote_id, reserve_id, resolve_id,"  # noqa: S608
        f" {', '.join(columns)})"
        " VALUES (gen_random_uuid(), 'BRZ2222222', :quote, gen_random_uuid(), gen_random_uuid(),"
        f" {', '.join(':' + name for name in columns)})"
    )
    refused = pytest.raises(sa.exc.DBAPIError, match="does not fit its quote")
    with refused, db.transaction() as tx:
        tx.execute(insert, {"quote": quote, **dict(zip(columns, row, strict=True))})


def test_the_record_of_a_stop_is_not_rewritten(db: Database) -> None:
    """Who stopped withdrawals and why: the application's login may add the end of it, no more."""
    with db.transaction() as tx:
        switch.stop(tx, reason="fraud?", by=STAFF)
    refused = pytest.raises(sa.exc.ProgrammingError, match="permission denied")
    with refused, db.transaction() as tx:
        tx.execute(sa.text("UPDATE withdrawal_stop SET reason = 'maintenance'"))


@pytest.fixture
def member(db: Database) -> int:
    keeper = Pins(PEPPER)
    with db.transaction() as tx:
        member_id = directory.add(
            tx, member_no="M1", name="Wanjiru", msisdn="+254712345678", language="en"
        )
        keeper.set(tx, member_id, "4071")
        tx.execute(
            sa.text("UPDATE member SET id_check = :proof"),
            {"proof": keeper.id_check(member_id, "3344")},
        )
    return member_id


def reset(db: Database, member: int) -> list[str]:
    """Staff reset the PIN; the kinds of SMS that follow."""
    with db.transaction() as tx:
        told = standing.reset_pin(tx, member, reason="forgot it", by=STAFF, valid_h=72)
    return [notice.kind for notice in told]


def ago(db: Database) -> timedelta:
    """How long ago the PIN was reset, as limits count it."""
    with db.transaction() as tx:
        found = tx.scalar(sa.text("SELECT now() - pin_reset_at FROM member"))
    assert isinstance(found, timedelta)
    return found


def test_a_second_start_pin_is_a_reset_too(db: Database, owner_db: Database, member: int) -> None:
    """Else an insider resets, waits out the hours of caution, and issues another one."""
    reset(db, member)
    with owner_db.transaction() as tx:
        tx.execute(sa.text("UPDATE member SET pin_reset_at = now() - interval '4 days'"))
    assert reset(db, member) == ["pin_reset", "start_pin"]
    assert ago(db) < timedelta(minutes=1)


def test_the_hours_of_caution_begin_with_the_new_pin(
    db: Database, owner_db: Database, member: int
) -> None:
    """Not with the reset, which may have been days before its start PIN is used."""
    reset(db, member)
    with owner_db.transaction() as tx:
        tx.execute(sa.text("UPDATE member SET pin_reset_at = now() - interval '2 days'"))
    with db.transaction() as tx:
        Pins(PEPPER).change(tx, member_id=member, new="5193")
    assert ago(db) < timedelta(minutes=1)


def test_a_session_with_the_old_pin_proves_nothing_about_the_new_one(
    db: Database, member: int
) -> None:
    """A thief who typed the old PIN must not set another one after the member has set hers."""
    keeper = Pins(PEPPER)
    with db.transaction() as tx:
        keeper.check(tx, member_id=member, pin="4071", session_id="thief", transcript_mac=b"1")
        assert pins.proved_in(tx, member, "thief")
        assert not pins.proved_in(tx, member, "another session")
    with db.transaction() as tx:
        keeper.change(tx, member_id=member, new="5193")
    with db.transaction() as tx:
        assert not pins.proved_in(tx, member, "thief")


def test_a_withdrawal_counts_for_the_day_that_it_was_judged_by(
    stories: Stories, db: Database
) -> None:
    """Its transaction may have begun before midnight, where it would count for no day."""
    reference = stories.requested()
    with db.transaction() as tx:
        row = tx.execute(
            sa.text("SELECT requested_at, xmin::text FROM payout WHERE reference = :reference"),
            {"reference": reference},
        ).one()
        quoted = tx.scalar(sa.text("SELECT shown_at FROM quote"))
    assert isinstance(row.requested_at.date(), date)
    assert row.requested_at > quoted  # the quote bears the time of the same transaction's start
