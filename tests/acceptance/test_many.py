"""A hundred members at once, and what it all weighs at rest."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from app.db import Database
from app.members.pins import Pins
from tests.support.stack import Stack, wait_for

MEMBERS = 100


def test_a_hundred_simultaneous_withdrawals_are_all_paid_once(baraza: Stack, db: Database) -> None:
    """100 members confirm at the same time; each is paid once, by M-PESA's own count."""
    pins = Pins(baraza.settings.pin_pepper.get_secret_value())
    with db.transaction() as tx:
        members = tx.execute(
            # Those before have something special about them, a second account for one.
            sa.text(
                "SELECT id, msisdn FROM member WHERE member_no > 'M00007' ORDER BY id LIMIT :n"
            ),
            {"n": MEMBERS},
        ).all()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda member: _set_pin(db, pins, member.id), members))
    with ThreadPoolExecutor(20) as pool:
        references = list(pool.map(lambda m: baraza.withdraw(m.msisdn, 500, "2580"), members))
    assert len(set(references)) == MEMBERS

    def states() -> Counter[str]:
        with db.transaction() as tx:
            return Counter(tx.scalars(sa.text("SELECT state FROM payout")))

    wait_for("all paid", lambda: states() == {"paid": MEMBERS}, seconds=60)
    paid = baraza.paid()["by_ocid"]
    assert Counter(record["times"] for record in paid.values()) == {1: MEMBERS}
    assert len({record["msisdn"] for record in paid.values()}) == MEMBERS
    with db.transaction() as tx:
        wait_for("receipts", lambda: _receipts(db) == MEMBERS, seconds=60)
        assert tx.scalar(sa.text("SELECT count(*) FROM attempt")) == MEMBERS


def _set_pin(db: Database, pins: Pins, member: int) -> None:
    with db.transaction() as tx:
        pins.set(tx, member, "2580")


def _receipts(db: Database) -> int:
    with db.transaction() as tx:
        return int(
            tx.scalar(
                sa.text(
                    "SELECT count(*) FROM message WHERE kind = 'sent'"
                    " AND state IN ('accepted', 'delivered')"
                )
            )
            or 0
        )
