"""A payout that makes a step raise: it holds up nobody, sends nothing, and is never forgotten."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.db import Database
from app.doorbell import Step
from app.payouts.deadlines import FAILURES_MAX
from app.providers.daraja import PAY_PATH, STATUS_PATH
from tests.support.http_script import Act, Reply, Seen
from tests.support.ledger import assert_coherent
from tests.support.working import Working, working

# RQ's own alarm would silence that of the test's time-out.
pytestmark = pytest.mark.timeout(120, method="thread")

PHONE_STARTS = "+25471"


@pytest.fixture
def site(
    tmp_path: Path, db: Database, owner_db: Database, database_url: str, redis_url: str
) -> Iterator[Working]:
    with working(tmp_path, db=db, database_url=database_url, redis_url=redis_url) as made:
        with owner_db.transaction() as tx:
            tx.execute(
                sa.text(
                    "CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS"
                    " $$ BEGIN RAISE EXCEPTION 'planted for %', NEW.msisdn; END $$"
                )
            )
        yield made
    assert_coherent(owner_db)


def plant(owner: Database, state: str, *references: str, at_commit: bool = False) -> None:
    """Make these payouts' move to this state raise: in the statement, or only at the commit."""
    which = ", ".join(f"'{reference}'" for reference in references)
    deferred = "DEFERRABLE INITIALLY DEFERRED" if at_commit else ""
    with owner.transaction() as tx:
        tx.execute(
            sa.text(
                f"CREATE {'CONSTRAINT' if at_commit else ''} TRIGGER planted"
                f" AFTER UPDATE ON payout {deferred} FOR EACH ROW"
                f" WHEN (NEW.state = '{state}' AND OLD.state <> NEW.state"
                f" AND NEW.reference IN ({which})) EXECUTE FUNCTION planted()"
            )
        )


def cure(owner: Database) -> None:
    with owner.transaction() as tx:
        tx.execute(sa.text("DROP TRIGGER planted ON payout"))


def failures(site: Working, reference: str) -> tuple[int, str | None, bool]:
    """How often it failed in a row, where, and whether it will be tried again."""
    with site.stories.db.transaction() as tx:
        row = tx.execute(
            sa.text(
                "SELECT failures, failed_step, retry_at IS NOT NULL FROM payout"
                " WHERE reference = :reference"
            ),
            {"reference": reference},
        ).one()
    return row[0], row[1], row[2]


def states(site: Working, references: list[str]) -> list[str]:
    return [site.stories.state(reference) for reference in references]


def retry(site: Working, step: Step, reference: str) -> None:
    """The time of its next try has come: the timekeeper rings, a worker works."""
    site.stories.write(
        "UPDATE payout SET retry_at = now() WHERE reference = :reference AND retry_at IS NOT NULL",
        reference,
    )
    site.timekeeper.tick()
    site.answer(step)


def paid_for(site: Working) -> list[str]:
    """The ids that M-PESA was asked to pay, in their order."""
    with site.stories.db.transaction() as tx:
        by_id = {
            str(row.id): str(row.reference)
            for row in tx.execute(sa.text("SELECT id, reference FROM payout"))
        }
    return [
        reference
        for seen in site.safaricom.seen(PAY_PATH)
        for ocid, reference in by_id.items()
        if ocid.encode() in seen.body
    ]


def test_a_poisoned_debit_holds_up_nobody_and_is_mended(site: Working, owner_db: Database) -> None:
    """The others are debited at once; it is tried alone, and goes on when the cause is gone."""
    references = [site.stories.requested() for _ in range(3)]
    poisoned = references[1]
    plant(owner_db, "reserved", poisoned)
    site.context.doorbell.ring(Step.DEBIT)
    [job] = site.queue(Step.DEBIT).job_ids
    site.answer(Step.DEBIT)
    assert ["reserved", "requested", "reserved"] == states(site, references)
    assert {"done": 2, "set_aside": 1} == site.job(job).return_value()
    assert (1, "debit", True) == failures(site, poisoned)

    site.stories.debit()
    assert (1, "debit", True) == failures(site, poisoned)

    retry(site, Step.DEBIT, poisoned)
    assert (2, "debit", True) == failures(site, poisoned)
    alone = site.job(f"debit-{poisoned}")
    assert f"debit {poisoned}" == alone.description
    assert {"done": 0, "set_aside": 1} == alone.return_value()

    cure(owner_db)
    retry(site, Step.DEBIT, poisoned)
    assert 3 * ["reserved"] == states(site, references)
    assert (0, None, False) == failures(site, poisoned)
    assert {"done": 1, "set_aside": 0} == site.job(f"debit-{poisoned}").return_value()


def test_a_payout_that_never_heals_becomes_a_dead_letter(site: Working, owner_db: Database) -> None:
    """A failed job with its name, a row for a person, no more tries, until a person requeues it."""
    poisoned = site.stories.requested()
    plant(owner_db, "reserved", poisoned)
    site.stories.debit()
    for tried in range(2, FAILURES_MAX):
        retry(site, Step.DEBIT, poisoned)
        assert (tried, "debit", True) == failures(site, poisoned)
    assert [] == dead_letters(site)
    retry(site, Step.DEBIT, poisoned)
    assert (FAILURES_MAX, "debit", False) == failures(site, poisoned)
    assert [("debit", "ProgrammingError", 1, False)] == dead_letters(site)
    registry = site.queue(Step.DEBIT).failed_job_registry
    assert [f"debit-{poisoned}"] == registry.get_job_ids()
    result = site.job(f"debit-{poisoned}").latest_result()
    assert result is not None
    assert f"debit {poisoned} failed {FAILURES_MAX} times" in str(result.exc_string)
    assert PHONE_STARTS not in str(result.exc_string)

    retry(site, Step.DEBIT, poisoned)
    assert (FAILURES_MAX, "debit", False) == failures(site, poisoned)

    registry.requeue(f"debit-{poisoned}")
    site.answer(Step.DEBIT)
    assert (FAILURES_MAX + 1, "debit", False) == failures(site, poisoned)
    assert 2 == dead_letters(site)[0][2]

    cure(owner_db)
    registry.requeue(f"debit-{poisoned}")
    site.answer(Step.DEBIT)
    assert "reserved" == site.stories.state(poisoned)
    assert (0, None, False) == failures(site, poisoned)
    assert dead_letters(site)[0][3]
    assert [] == registry.get_job_ids()


def dead_letters(site: Working) -> list[tuple[str, str, int, bool]]:
    """Step, reason, count, and whether it is closed."""
    with site.stories.db.transaction() as tx:
        rows = tx.execute(
            sa.text("SELECT step, reason, count, closed_at IS NOT NULL FROM dead_letter")
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]


@pytest.mark.parametrize("at_commit", [False, True])
def test_a_poisoned_pay_sends_the_others_and_not_itself(
    site: Working, owner_db: Database, *, at_commit: bool
) -> None:
    """No call without a committed attempt: what the commit refused was never sent."""
    references = [site.stories.reserved() for _ in range(3)]
    poisoned = references[1]
    plant(owner_db, "submitting", poisoned, at_commit=at_commit)
    site.context.doorbell.ring(Step.PAY)
    site.answer(Step.PAY)
    assert {references[0], references[2]} == set(paid_for(site))
    assert 2 == len(site.safaricom.seen(PAY_PATH))
    assert "reserved" == site.stories.state(poisoned)
    assert (1, "pay", True) == failures(site, poisoned)
    assert attempts(site) == {references[0]: 1, references[2]: 1}

    retry(site, Step.PAY, poisoned)
    assert 2 == len(site.safaricom.seen(PAY_PATH))
    assert (2, "pay", True) == failures(site, poisoned)

    cure(owner_db)
    retry(site, Step.PAY, poisoned)
    retry(site, Step.PAY, poisoned)
    assert [1, 1, 1] == [paid_for(site).count(reference) for reference in references]
    assert (0, None, False) == failures(site, poisoned)
    assert "pay-" + poisoned in site.queue(Step.PAY).finished_job_registry.get_job_ids()


def test_a_batch_whose_commit_fails_calls_nobody(site: Working, owner_db: Database) -> None:
    """Nor does trying them one by one."""
    references = [site.stories.reserved() for _ in range(3)]
    plant(owner_db, "submitting", *references, at_commit=True)
    report = site.context.pay.run()
    assert (0, 3) == (report.done, report.set_aside)
    assert [] == site.safaricom.seen(PAY_PATH)
    assert {} == attempts(site)
    assert 3 * ["reserved"] == states(site, references)


def test_every_call_finds_its_attempt_committed(site: Working, db: Database) -> None:
    """Seen from M-PESA's side, at the moment of the request."""
    known: list[tuple[str, int]] = []

    def look(seen: Seen) -> Act:
        with db.transaction() as tx:
            rows = tx.execute(
                sa.text(
                    "SELECT p.state, a.n FROM payout p JOIN attempt a ON a.payout_id = p.id"
                    " WHERE position(p.id::text IN :body) > 0 AND a.outcome IS NULL"
                ),
                {"body": seen.body.decode()},
            )
            known.extend((row[0], row[1]) for row in rows)
        return Reply(200, b'{"ConversationID": "AG_1", "ResponseCode": "0"}')

    site.safaricom.judge(PAY_PATH, look)
    for _ in range(3):
        site.stories.reserved()
    site.context.pay.run()
    assert 3 * [("submitting", 1)] == known


def attempts(site: Working) -> dict[str, int]:
    with site.stories.db.transaction() as tx:
        rows = tx.execute(
            sa.text(
                "SELECT p.reference, count(*) FROM attempt a JOIN payout p ON p.id = a.payout_id"
                " GROUP BY p.reference"
            )
        )
        return {row[0]: row[1] for row in rows}


def test_a_poisoned_result_settles_the_others_and_is_not_lost(
    site: Working, owner_db: Database
) -> None:
    """What M-PESA said waits, unfolded, until it can be booked; the SMS goes out once."""
    references = [site.stories.submitted() for _ in range(3)]
    poisoned = references[1]
    plant(owner_db, "paid", poisoned)
    for reference in references:
        site.stories.pay(reference)
    assert ["paid", "submitted", "paid"] == states(site, references)
    # Told three times: each resolve but the first found the poisoned one out of its batches.
    assert (1, "resolve", True) == failures(site, poisoned)
    cure(owner_db)
    retry(site, Step.RESOLVE, poisoned)
    assert 3 * ["paid"] == states(site, references)
    assert (0, None, False) == failures(site, poisoned)
    with site.stories.db.transaction() as tx:
        assert 3 * ["sent"] == list(tx.scalars(sa.text("SELECT kind FROM message")))


def test_a_poisoned_query_does_not_keep_the_others_from_being_asked(
    site: Working, owner_db: Database
) -> None:
    references = [site.stories.in_doubt() for _ in range(3)]
    with owner_db.transaction() as tx:
        tx.execute(sa.text("UPDATE payout SET ask_due_at = now()"))
        poisoned = tx.scalar(
            sa.text("SELECT id FROM payout WHERE reference = :r"), {"r": references[1]}
        )
        tx.execute(sa.text(f"ALTER TABLE status_query ADD CHECK (payout_id <> '{poisoned}')"))
    report = site.context.ask.run()
    assert (2, 1) == (report.done, report.set_aside)
    assert 2 == len(site.safaricom.seen(STATUS_PATH))
    assert (1, "ask", True) == failures(site, references[1])
    assert 3 * ["in_doubt"] == states(site, references)


def test_what_failed_in_one_step_is_still_worked_by_the_others(site: Working) -> None:
    """A query that cannot be made must not keep a result from being booked."""
    reference = site.stories.submitted()
    site.stories.write(
        "UPDATE payout SET failures = 3, failed_step = 'ask', retry_at = now() + interval '1 min'"
        " WHERE reference = :reference",
        reference,
    )
    site.stories.pay(reference)
    assert "paid" == site.stories.state(reference)
