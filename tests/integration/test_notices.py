"""Telling a member that she waits, and why: because of us, of M-PESA, or of a contradiction."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.db import Database
from app.doorbell import Step
from app.payouts import overdue
from app.payouts.resolve import TOLD_MAX
from app.providers.daraja import PAY_PATH
from tests.support.http_script import Reply
from tests.support.ledger import assert_coherent
from tests.support.stories import Stories
from tests.support.working import Working, working


@pytest.fixture
def site(
    tmp_path: Path, db: Database, owner_db: Database, database_url: str, redis_url: str
) -> Iterator[Working]:
    with working(tmp_path, db=db, database_url=database_url, redis_url=redis_url) as made:
        yield made
    assert_coherent(owner_db)


@pytest.fixture
def stories(site: Working) -> Stories:
    return site.stories


def told(stories: Stories) -> list[str]:
    """The kinds of the SMS so far."""
    with stories.db.transaction() as tx:
        return list(tx.scalars(sa.text("SELECT kind FROM message ORDER BY queued_at, id")))


def text(stories: Stories, kind: str) -> str:
    with stories.db.transaction() as tx:
        query = sa.text("SELECT body FROM message WHERE kind = :kind")
        return str(tx.scalar(query, {"kind": kind}))


def time_passes(stories: Stories, reference: str) -> None:
    """The member has waited for as long as it takes until she is told."""
    stories.write(
        "UPDATE payout SET notice_due_at = now() - interval '1 s',"
        " first_call_at = first_call_at - interval '1 h' WHERE reference = :reference",
        reference,
    )


def due(stories: Stories) -> set[Step]:
    with stories.db.transaction() as tx:
        return overdue.steps(tx)


@pytest.mark.parametrize("state", ["requested", "reserved"])
def test_a_member_is_told_once_that_we_hold_it_up(stories: Stories, state: str) -> None:
    """It moves nothing, and no timer is left to ring for ever."""
    reference = getattr(stories, state)()
    before = due(stories)
    time_passes(stories, reference)
    assert before | {Step.RESOLVE} == due(stories)
    for _ in range(2):
        stories.resolve()
    assert (["held"], state) == (told(stories), stories.state(reference))
    assert reference in text(stories, "held")
    assert before == due(stories)


def test_held_then_silent(site: Working) -> None:
    """First it waited because of us; then M-PESA said nothing. Each is told, once."""
    stories, reference = site.stories, site.stories.reserved()
    time_passes(stories, reference)
    stories.resolve()
    site.context.pay.run()
    stories.resolve()
    assert (["held"], "submitted") == (told(stories), stories.state(reference))
    time_passes(stories, reference)
    for _ in range(2):
        stories.resolve()
    assert ["held", "silent"] == told(stories)


def test_the_wait_for_mpesa_begins_with_the_call(site: Working) -> None:
    """A payout that waited a minute with us is not M-PESA's silence a minute later."""
    stories, reference = site.stories, site.stories.reserved()
    stories.write(
        "UPDATE payout SET notice_due_at = now() + interval '1 s' WHERE reference = :reference",
        reference,
    )
    site.context.pay.run()
    with stories.db.transaction() as tx:
        wait = "SELECT notice_due_at - first_call_at = interval '120 s' FROM payout"
        assert tx.scalar(sa.text(wait))


def test_a_quick_withdrawal_tells_nothing_but_its_end(stories: Stories) -> None:
    stories.paid()
    assert ["sent"] == told(stories)


@pytest.mark.parametrize("state", ["reserved", "submitted"])
def test_a_contradiction_is_told_once(stories: Stories, state: str) -> None:
    """Instead of "silent" or "held": a person looks at it now."""
    reference = getattr(stories, state)()
    for _ in range(2):
        stories.told(reference, "callback", "contradiction")
    time_passes(stories, reference)
    stories.resolve()
    assert ["frozen"] == told(stories)
    assert reference in text(stories, "frozen")
    assert set() == due(stories)


def test_a_receipt_names_the_balance_only_to_who_wants_it(stories: Stories) -> None:
    """Phones are shared."""
    with_balance = stories.paid()
    reference = stories.submitted()
    stories.write(
        "UPDATE member SET receipt_balance = false WHERE id ="
        " (SELECT member_id FROM payout WHERE reference = :reference)",
        reference,
    )
    stories.pay(reference)
    with stories.db.transaction() as tx:
        rows = tx.execute(
            sa.text(
                "SELECT reference, body FROM message m JOIN payout p ON p.id = m.payout_id"
                " WHERE kind = 'sent'"
            )
        )
        body = {row.reference: row.body for row in rows}
    assert "48,479.30" in body[with_balance]
    assert "48,479.30" not in body[reference]
    assert "1,500.00" in body[reference]


def test_a_call_that_never_arrives_is_told_as_our_delay(site: Working) -> None:
    """Not as M-PESA's silence; and when M-PESA takes it later, its silence begins only then."""
    stories, reference = site.stories, site.stories.reserved()
    site.safaricom.on(PAY_PATH, Reply(403, b""))
    site.context.pay.run()
    stories.resolve()
    assert [] == told(stories)
    time_passes(stories, reference)
    for _ in range(2):
        stories.resolve()
    assert (["delayed"], "submitting") == (told(stories), stories.state(reference))
    site.safaricom.on(PAY_PATH, Reply(200, b'{"ConversationID": "AG_1", "ResponseCode": "0"}'))
    stories.write("UPDATE payout SET work_due_at = now() WHERE reference = :reference", reference)
    site.context.pay.run()
    stories.resolve()
    assert (["delayed"], "submitted") == (told(stories), stories.state(reference))


def test_telling_that_it_takes_long_holds_up_no_money(stories: Stories, site: Working) -> None:
    """After an outage thousands wait to be told. A few a turn, after all that is to be weighed."""
    refused = stories.submitted()
    waiting = [stories.requested() for _ in range(TOLD_MAX + 5)]
    for reference in waiting:
        time_passes(stories, reference)
    stories.told(refused, "status", "definite_no", code="8")
    assert {"failed": 1, "held": TOLD_MAX} == Counter(told(stories))
    stories.resolve()
    assert Step.RESOLVE not in site.rung(), "it leaves the others to the timekeeper's next ring"
    assert {"failed": 1, "held": len(waiting)} == Counter(told(stories))
