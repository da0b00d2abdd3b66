"""The float, as M-PESA tells it with each payout, and the reserve below which none is begun."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.db import Database
from app.providers import breaker, float_readings
from app.providers.breaker import Cause
from app.providers.daraja import PAY_PATH
from app.providers.float_readings import FloatReading
from tests.support.caring import care, paid, result
from tests.support.ledger import assert_coherent
from tests.support.working import Working, working

LEFT = "B2CUtilityAccountAvailableFunds"
DONE = "TransactionCompletedDateTime"
RESERVE_CENTS = 10_000_00


@pytest.fixture
def site(
    tmp_path: Path, db: Database, owner_db: Database, database_url: str, redis_url: str
) -> Iterator[Working]:
    with working(tmp_path, db=db, database_url=database_url, redis_url=redis_url) as made:
        resolve = replace(made.context.resolve, float_reserve_cents=RESERVE_CENTS)
        yield replace(made, context=replace(made.context, resolve=resolve))
    assert_coherent(owner_db)


def sent(site: Working) -> str:
    reference = site.stories.reserved()
    site.context.pay.run()
    site.context.resolve.run()
    return reference


def newest(site: Working) -> FloatReading | None:
    with site.stories.db.transaction() as tx:
        return float_readings.newest(tx)


def test_the_float_is_known_from_the_last_payout(site: Working) -> None:
    """In M-PESA's order, whatever the order in which results come."""
    assert newest(site) is None
    first, second = sent(site), sent(site)
    paid(site, second, **{LEFT: 48231.50, DONE: "23.11.2024 14:05:52"})
    paid(site, first, **{LEFT: 49731.50, DONE: "23.11.2024 14:05:50"})
    last = newest(site)
    assert last is not None
    assert (48_231_50, second) == (last.cents, last.reference)


def test_a_time_to_come_is_taken_for_now(site: Working) -> None:
    """Or one wrong clock would hide all later balances."""
    paid(site, sent(site), **{LEFT: 48231.50, DONE: "23.11.2099 14:05:52"})
    paid(site, later := sent(site), **{LEFT: 46731.50})
    last = newest(site)
    assert last is not None
    assert later == last.reference


def test_below_the_reserve_nothing_is_begun_until_it_is_above(site: Working) -> None:
    """What is on its way goes on, and a balance that it brings may close the breaker."""
    first, second = sent(site), sent(site)
    paid(site, first, **{LEFT: 9_999})
    assert Cause.FLOAT is care(site).cause
    waits = site.stories.reserved()
    site.context.pay.run()
    assert ("reserved", 2) == (site.stories.state(waits), len(site.safaricom.seen(PAY_PATH)))
    paid(site, second, **{LEFT: 10_000})
    assert not care(site).is_open
    site.context.pay.run()
    assert 3 == len(site.safaricom.seen(PAY_PATH))


def test_an_older_balance_does_not_undo_what_a_person_did(site: Working) -> None:
    first = sent(site)
    with site.stories.db.transaction() as tx:
        breaker.open_for(tx, Cause.FLOAT, code="1", probe_about=None)
        breaker.close(tx)
    paid(site, first, **{LEFT: 9_999, DONE: "23.11.2024 14:05:52"})
    assert not care(site).is_open


def test_a_result_that_does_not_fit_tells_no_balance(site: Working) -> None:
    result(site, sent(site), "0", TransactionReceipt="SABC", TransactionAmount=1, **{LEFT: 1})
    assert newest(site) is None
