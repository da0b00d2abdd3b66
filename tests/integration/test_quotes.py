"""What a withdrawal costs, from the tariff in force, and the quote that binds once it was shown."""

import pytest
import sqlalchemy as sa

from app.db import Database, Tx
from app.payouts import quotes
from app.payouts.quotes import NoTariff, Quote
from tests.support import prices
from tests.support.stories import Person, Stories

MAC = b"m" * 32


@pytest.fixture
def person(db: Database, redis_url: str) -> Person:
    """A member. Stories' tariff, one band of KES 18 since January, is in force."""
    return Stories(db, redis_url).person()


def tariff(tx: Tx, *bands: tuple[int, int, int], since: int = 0) -> None:
    """Bands of whole shillings: from, to, fee; in force so many days from today."""
    prices.tariff(tx, [(a * 100, b * 100, fee * 100) for a, b, fee in bands], since=since)


def quoted(tx: Tx, person: Person, cents: int, *, hop: str = "") -> Quote:
    """The quote of a hop of its own, unless it is named."""
    return quotes.make(
        tx,
        session_id=hop or f"ATUid_{cents}",
        transcript_mac=MAC,
        member_id=person.id,
        account_id=person.account,
        amount_cents=cents,
    )


@pytest.mark.parametrize(
    ("shillings", "fee"), [(50, 0), (100, 0), (101, 11), (1000, 11), (1001, 29), (250_000, 29)]
)
def test_both_ends_of_a_band_belong_to_it(
    db: Database, person: Person, shillings: int, fee: int
) -> None:
    with db.transaction() as tx:
        tariff(tx, (50, 100, 0), (101, 1000, 11), (1001, 250_000, 29))
        quote = quoted(tx, person, shillings * 100)
    assert (shillings * 100, fee * 100, fee * 15) == (
        quote.amount_cents,
        quote.fee_cents,
        quote.duty_cents,
    )
    assert quote.total_cents == quote.amount_cents + quote.fee_cents + quote.duty_cents


@pytest.mark.parametrize("shillings", [49, 101, 199, 301])
def test_an_amount_that_no_band_prices_gets_no_quote(
    db: Database, person: Person, shillings: int
) -> None:
    """A new tariff replaces the old one whole: no amount falls back to an older band."""
    with db.transaction() as tx:
        tariff(tx, (50, 100, 5), (200, 300, 6))
        with pytest.raises(NoTariff):
            quoted(tx, person, shillings * 100)
        assert 0 == tx.scalar(sa.text("SELECT count(*) FROM quote"))


def test_a_tariff_holds_from_its_day_until_the_next_one(db: Database, person: Person) -> None:
    """In Nairobi's days. What is known of tomorrow's changes nothing today."""
    with db.transaction() as tx:
        tariff(tx, (1, 1000, 20), since=-1)
        tariff(tx, (1, 1000, 30), since=1)
        prices.excise(tx, 1600, since=-1)
        prices.excise(tx, 9999, since=1)
        yesterdays = quoted(tx, person, 500_00)
        tariff(tx, (1, 1000, 25))
        prices.excise(tx, 2000)
        todays = quoted(tx, person, 501_00)
    assert (20_00, 3_20) == (yesterdays.fee_cents, yesterdays.duty_cents)
    assert (25_00, 5_00) == (todays.fee_cents, todays.duty_cents)


@pytest.mark.parametrize(("fee_cents", "duty_cents"), [(1800, 270), (1110, 167), (10, 2), (3, 0)])
def test_duty_is_a_part_of_the_fee_to_the_nearest_cent(
    db: Database, person: Person, fee_cents: int, duty_cents: int
) -> None:
    """15 %, half a cent up, never of the amount."""
    with db.transaction() as tx:
        prices.tariff(tx, [(100, 10_000_000, fee_cents)])
        assert duty_cents == quoted(tx, person, 70_000_00).duty_cents


def test_without_a_duty_rate_nothing_is_quoted(
    db: Database, owner_db: Database, person: Person
) -> None:
    """A missing row must not become a duty of nothing."""
    with owner_db.transaction() as tx:
        tx.execute(sa.text("TRUNCATE excise_rate"))
    with db.transaction() as tx, pytest.raises(NoTariff):
        quoted(tx, person, 500_00)


@pytest.mark.parametrize("bands", [[(1, 2000, 99)], [(1, 10, 1)]])
def test_a_repeated_hop_gets_the_first_quote(
    db: Database, person: Person, bands: list[tuple[int, int, int]]
) -> None:
    """What was shown binds, after a tariff that prices it otherwise, or not at all."""
    with db.transaction() as tx:
        first = quoted(tx, person, 1500_00, hop="ATUid_1")
    with db.transaction() as tx:
        tariff(tx, *bands)
        prices.excise(tx, 2000)
    with db.transaction() as tx:
        assert first == quoted(tx, person, 1500_00, hop="ATUid_1")
        assert 1 == tx.scalar(sa.text("SELECT count(*) FROM quote"))
    assert (18_00, 2_70) == (first.fee_cents, first.duty_cents)


def test_another_hop_gets_a_quote_of_its_own(db: Database, person: Person) -> None:
    """The session and the transcript together are the hop."""
    hops = [("ATUid_1", b"a" * 32), ("ATUid_1", b"b" * 32), ("ATUid_2", b"a" * 32)]
    with db.transaction() as tx:
        made = {
            quotes.make(
                tx,
                session_id=session,
                transcript_mac=mac,
                member_id=person.id,
                account_id=person.account,
                amount_cents=500_00,
            ).id
            for session, mac in hops
        }
    assert 3 == len(made)


def test_cents_are_never_quoted(db: Database, person: Person) -> None:
    """M-PESA pays whole shillings; the database refuses what a screen let through."""
    refused = pytest.raises(sa.exc.IntegrityError, match="quote_amount_cents_check")
    with refused, db.transaction() as tx:
        quoted(tx, person, 500_50)
