"""The circuit breaker of M-PESA's payouts: what opens it, what waits, what alone closes it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.db import Database
from app.doorbell import Step
from app.payouts import overdue
from app.payouts.care import RUN_MAX
from app.providers import breaker
from app.providers.breaker import Cause
from app.providers.daraja import PAY_PATH, STATUS_PATH
from tests.support.caring import care, paid, result, status
from tests.support.http_script import Reply
from tests.support.ledger import assert_coherent
from tests.support.stories import Stories
from tests.support.working import Working, working

UNAVAILABLE = Reply(503, b"")


@pytest.fixture
def site(
    tmp_path: Path, db: Database, owner_db: Database, database_url: str, redis_url: str
) -> Iterator[Working]:
    with working(tmp_path, db=db, database_url=database_url, redis_url=redis_url) as made:
        yield made
    assert_coherent(owner_db)


def sent(site: Working) -> str:
    """A payout that M-PESA took."""
    reference = site.stories.reserved()
    site.context.pay.run()
    site.context.resolve.run()
    return reference


def due(stories: Stories) -> set[Step]:
    with stories.db.transaction() as tx:
        return overdue.steps(tx)


def later(stories: Stories, timer: str, reference: str) -> None:
    statement = f"UPDATE payout SET {timer} = now() WHERE reference = :reference"  # noqa: S608 - a column's name
    stories.write(statement, reference)


def probe_is_due(stories: Stories) -> None:
    with stories.db.transaction() as tx:
        tx.execute(sa.text("UPDATE provider_breaker SET probe_at = now()"))


def calls(site: Working, path: str = PAY_PATH) -> int:
    return len(site.safaricom.seen(path))


@pytest.mark.parametrize(
    ("code", "cause"),
    [("1", Cause.FLOAT), ("2001", Cause.LOGIN), ("8006", Cause.LOGIN), ("11", Cause.SETUP)],
)
def test_a_refusal_that_would_meet_everybody_stops_first_calls(
    site: Working, code: str, cause: Cause
) -> None:
    """At once, in batches and alone, and the timekeeper rings for nobody."""
    refused = sent(site)
    waits = site.stories.reserved()
    result(site, refused, code)
    now = care(site)
    assert (cause, code) == (now.cause, now.code)
    assert Step.PAY not in due(site.stories)
    site.context.pay.run()
    site.context.pay.alone(waits)
    assert ("reserved", 1) == (site.stories.state(waits), calls(site))
    site.stories.cancel(waits)
    assert "cancelled" == site.stories.state(waits)


def test_a_refusal_before_the_acknowledgement_stops_nobody_else(site: Working) -> None:
    """Its address is its only proof then: one that leaked must not stop everybody's payouts."""
    result(site, site.stories.called(), "1")
    assert not care(site).is_open


def test_a_refusal_of_one_payout_stops_nobody(site: Working) -> None:
    result(site, sent(site), "2040")
    assert not care(site).is_open


def test_what_mpesa_may_have_taken_is_sent_again_unless_our_login_is_at_stake(
    site: Working,
) -> None:
    """An empty float stops no resend; a bad password stops all but the probe."""
    doubted = site.stories.in_doubt()
    result(site, sent(site), "1")
    later(site.stories, "resend_due_at", doubted)
    assert Step.PAY in due(site.stories)
    site.context.pay.run()
    assert 2 == calls(site)
    other = site.stories.in_doubt()
    with site.stories.db.transaction() as tx:
        assert breaker.open_for(tx, Cause.LOGIN, code="8006", probe_about=None)
    later(site.stories, "resend_due_at", other)
    later(site.stories, "ask_due_at", other)
    assert set() == due(site.stories)
    site.context.pay.run()
    site.context.ask.run()
    site.context.ask.alone(other)
    assert (2, 0) == (calls(site), calls(site, STATUS_PATH))


def test_calls_in_a_row_that_bring_nothing_open_it(site: Working) -> None:
    """Not one fewer; one that was taken in between breaks the run."""
    sent(site)
    site.safaricom.on(PAY_PATH, UNAVAILABLE)
    for _ in range(RUN_MAX - 1):
        site.stories.reserved()
    site.context.pay.run()
    site.context.resolve.run()
    assert not care(site).is_open
    site.stories.reserved()
    site.context.pay.run()
    assert Cause.OUTAGE is care(site).cause


def test_a_status_answer_closes_it_and_a_payout_is_never_the_probe(site: Working) -> None:
    """The question goes out after a back-off, about an earlier payout, even one that has ended."""
    earlier = sent(site)
    result(site, earlier, "2001")
    waits = site.stories.reserved()
    with site.stories.db.transaction() as tx:
        # The refusal itself is asked about in its own time; here only the probe matters.
        tx.execute(sa.text("UPDATE payout SET ask_due_at = NULL"))
    assert Step.ASK not in due(site.stories)
    probe_is_due(site.stories)
    assert Step.ASK in due(site.stories)
    site.context.ask.run()
    assert (1, 1) == (calls(site), calls(site, STATUS_PATH))
    now = care(site)
    assert (True, 1) == (now.is_open, now.probes)
    assert Step.ASK not in due(site.stories)
    status(site, earlier, "2001")
    assert care(site).is_open
    status(site, earlier, "0", TransactionStatus="Declined")
    assert not care(site).is_open
    assert Step.PAY in due(site.stories)
    site.context.pay.run()
    assert 2 == calls(site)
    assert "submitting" == site.stories.state(waits)


def test_a_probe_about_a_payout_that_has_ended_changes_nothing_of_it(site: Working) -> None:
    ended = sent(site)
    paid(site, ended)
    with site.stories.db.transaction() as tx:
        about = tx.scalar(sa.text("SELECT id FROM payout"))
        assert breaker.open_for(tx, Cause.OUTAGE, probe_about=about)
    probe_is_due(site.stories)
    site.context.ask.run()
    assert 1 == calls(site, STATUS_PATH)
    status(site, ended, "2032")
    assert ("paid", False) == (site.stories.state(ended), care(site).is_open)
    assert set() == due(site.stories)


def test_no_answer_fills_the_float(site: Working) -> None:
    """A status query works as well with an empty account: only a balance or a person closes it."""
    earlier = sent(site)
    later(site.stories, "ask_due_at", earlier)
    result(site, sent(site), "1")
    site.context.ask.run()
    status(site, earlier, "0", TransactionStatus="Initiated")
    assert Cause.FLOAT is care(site).cause


def test_old_news_does_not_open_it_again(site: Working) -> None:
    """Results of calls that were made before somebody closed it say nothing of today."""
    first, second = sent(site), sent(site)
    result(site, first, "1")
    with site.stories.db.transaction() as tx:
        assert breaker.close(tx)
    result(site, second, "1")
    assert not care(site).is_open


def test_a_worse_cause_takes_the_place_of_a_milder_one(db: Database) -> None:
    with db.transaction() as tx:
        assert breaker.open_for(tx, Cause.OUTAGE, probe_about=None)
        assert breaker.open_for(tx, Cause.LOGIN, code="8006", probe_about=None)
        assert not breaker.open_for(tx, Cause.FLOAT, code="1", probe_about=None)
        assert "8006" == breaker.current(tx).code
