"""An empty float: payouts wait, somebody tops it up, and they go on by themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from app.db import Database
from tests.acceptance.test_withdrawals import AMINA, SECOND, reaches, state
from tests.support import ledger
from tests.support.databases import Logins
from tests.support.stack import Stack, stack, wait_for


@pytest.fixture
def baraza(
    tmp_path: Path, database_logins: Logins, redis_url: str, owner_db: Database
) -> Iterator[Stack]:
    """With a reserve, below which no payout is begun."""
    with stack(tmp_path, database_logins, redis_url, FLOAT_RESERVE_KES="10000") as made:
        made.start_all()
        yield made
    ledger.assert_coherent(owner_db)


def set_float(baraza: Stack, shillings: int) -> None:
    requests.post(
        f"{baraza.safaricom}/portal/float", json={"shillings": shillings}, timeout=5
    ).raise_for_status()


def cause(db: Database) -> object:
    with db.transaction() as tx:
        return tx.scalar(sa.text("SELECT cause FROM provider_breaker"))


def test_after_a_top_up_payouts_go_on_by_themselves(baraza: Stack, db: Database) -> None:
    """M-PESA is asked a minute after payouts stopped; the minute passes quickly here."""
    set_float(baraza, 11_000)
    reaches(db, baraza.withdraw(AMINA, 1500), "paid")
    wait_for("the float below its reserve", lambda: cause(db) == "float")
    waits = baraza.withdraw(SECOND, 700, pin="5193")
    reaches(db, waits, "reserved")
    set_float(baraza, 500_000)
    assert (state(db, waits), cause(db)) == ("reserved", "float")
    with db.transaction() as tx:
        tx.execute(
            sa.text("UPDATE provider_breaker SET changed_at = changed_at - interval '1 minute'")
        )
    reaches(db, waits, "paid")
    with db.transaction() as tx:
        told = tx.execute(
            sa.text("SELECT cents, reference FROM float_reading ORDER BY id LIMIT 2")
        ).all()
    assert [9_500_00, 500_000_00] == [row.cents for row in told]
    assert told[1].reference is None
    assert 2 == len(baraza.paid()["by_ocid"])
