"""The same SMS for thousands of members, which holds up nobody's receipt."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from app import clock, ids
from app.db import Database
from app.messages import outbox, sending
from tests.support.texting import Texting, texting


@pytest.fixture
def world(db: Database) -> Iterator[Texting]:
    with texting(db) as made:
        yield made


WANJIKU = "+254712000001"
UNTIL = datetime(2026, 11, 30, 7, 15, tzinfo=UTC)


def members(world: Texting, count: int) -> list[outbox.Recipient]:
    """This many members, every third of them Swahili-speaking."""
    with world.db.transaction() as tx:
        found = tx.execute(
            sa.text(
                "INSERT INTO member (member_no, name, msisdn, language)"
                " SELECT 'B' || n, 'Bulk', '+2547' || (20000000 + n),"
                " CASE WHEN n % 3 = 0 THEN 'sw' ELSE 'en' END FROM generate_series(1, :count) n"
                " RETURNING id, msisdn, language"
            ),
            {"count": count},
        )
        return [
            outbox.Recipient(ids.uuid7(clock.now()), row.id, row.msisdn, row.language)
            for row in found
        ]


def queue_many(world: Texting, recipients: Sequence[outbox.Recipient]) -> int:
    with world.db.transaction() as tx:
        return outbox.queue_many(tx, "start_pin", recipients, {"until": UNTIL})


def test_many_members_are_told_in_few_statements_each_in_her_language(world: Texting) -> None:
    """Ten thousand rows of an import in about a second; the same ids again are no news."""
    recipients = members(world, 10_000)
    statements: list[str] = []
    sa.event.listen(
        world.db.engine, "before_cursor_execute", lambda *call: statements.append(call[2])
    )
    assert 10_000 == queue_many(world, recipients)
    assert 2 == sum("INSERT" in statement for statement in statements)
    assert 0 == queue_many(world, recipients[:100])
    for one in recipients[:6]:
        row = world.row(one.message_id)
        assert (one.member_id, one.msisdn, one.language) == (
            row.member_id, row.msisdn, row.language,
        )  # fmt: skip
        assert row.body.startswith("PIN yako" if one.language == "sw" else "Your start PIN")


def test_a_large_import_holds_up_no_receipt(world: Texting) -> None:
    """What was queued for one member is claimed first, though it came last."""
    queue_many(world, members(world, 200))
    alone = world.queue(world.member(WANJIKU), WANJIKU)
    with world.db.transaction() as tx:
        claimed = sending.claim(tx, worker="w1", limit=16)
    assert alone in {message.id for message in claimed}
    with world.db.transaction() as tx:
        tx.execute(sa.text("SET LOCAL enable_seqscan = off"))
        query = "EXPLAIN SELECT id FROM message WHERE due_at <= now() ORDER BY bulk, due_at LIMIT 9"
        plan = "\n".join(tx.scalars(sa.text(query)))
    assert "message_due" in plan
    assert "Sort" not in plan


def test_nobody_is_told_nothing(world: Texting) -> None:
    assert 0 == queue_many(world, [])
