"""What was never sent goes back into savings in the end; what may have been sent never does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.db import Database
from app.doorbell import Step
from app.ledger import statements
from app.payouts import overdue
from app.providers import breaker
from app.providers.breaker import Cause
from app.providers.daraja import PAY_PATH
from tests.support.http_script import Reply
from tests.support.ledger import assert_coherent
from tests.support.stories import SAVINGS_CENTS, Stories
from tests.support.working import Working, working


@pytest.fixture
def site(
    tmp_path: Path, db: Database, owner_db: Database, database_url: str, redis_url: str
) -> Iterator[Working]:
    with working(tmp_path, db=db, database_url=database_url, redis_url=redis_url) as made:
        yield made
    assert_coherent(owner_db)


def long_after(stories: Stories) -> None:
    with stories.db.transaction() as tx:
        tx.execute(sa.text("UPDATE payout SET unsent_expires_at = now()"))


def due(stories: Stories) -> set[Step]:
    with stories.db.transaction() as tx:
        return overdue.steps(tx)


@pytest.mark.parametrize("state", ["requested", "reserved"])
def test_what_was_never_sent_goes_back_while_the_breaker_is_open(site: Working, state: str) -> None:
    """The whole total, the fee too, and she is told that it was us."""
    reference = getattr(site.stories, state)()
    with site.stories.db.transaction() as tx:
        breaker.open_for(tx, Cause.FLOAT, code="1", probe_about=None)
    assert Step.PAY not in due(site.stories)
    long_after(site.stories)
    assert Step.PAY in due(site.stories)
    site.context.pay.run()
    assert "cancelled" == site.stories.state(reference)
    assert Step.PAY not in due(site.stories)
    with site.stories.db.transaction() as tx:
        account = tx.scalar(sa.text("SELECT account_id FROM payout"))
        assert isinstance(account, int)
        assert SAVINGS_CENTS == statements.available(tx, account)
        proof = "SELECT class FROM evidence e JOIN payout p ON p.evidence_id = e.id"
        assert "never_sent" == tx.scalar(sa.text(proof))
        assert "cancelled by us" in str(tx.scalar(sa.text("SELECT body FROM message")))


def test_time_ends_nothing_that_was_called_for(site: Working) -> None:
    """Turned away at the gate every time, on the wire, in doubt: it stays what it is."""
    site.safaricom.on(PAY_PATH, Reply(403, b""))
    references = [site.stories.reserved()]
    site.context.pay.run()
    site.stories.resolve()
    references += [site.stories.called(), site.stories.submitted(), site.stories.in_doubt()]
    before = [site.stories.state(one) for one in references]
    long_after(site.stories)
    assert Step.PAY not in due(site.stories)
    site.context.pay.run()
    assert before == [site.stories.state(one) for one in references]


def test_it_is_six_hours_from_the_confirmation(site: Working) -> None:
    site.stories.requested()
    with site.stories.db.transaction() as tx:
        wait = "SELECT unsent_expires_at - requested_at = interval '6 hours' FROM payout"
        assert tx.scalar(sa.text(wait))
