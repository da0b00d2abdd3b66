"""The public holidays that quiet hours go by: fetched daily, mended, never the SACCO's own lost."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.db import Database
from app.payouts import dated, public_holidays
from app.payouts.public_holidays import Holiday
from tests.support.working import Working, working


@pytest.fixture
def site(tmp_path: Path, db: Database, database_url: str, redis_url: str) -> Iterator[Working]:
    with working(tmp_path, db=db, database_url=database_url, redis_url=redis_url) as made:
        yield made


def known(db: Database) -> dict[date, Holiday]:
    with db.transaction() as tx:
        return {holiday.day: holiday for holiday in public_holidays.listed(tx, since=date.min)}


def upkeep(db: Database) -> int:
    with db.transaction() as tx:
        return public_holidays.upkeep(tx)


def christmas(db: Database) -> date:
    with db.transaction() as tx:
        return date(dated.today(tx).year + 1, 12, 25)


def test_this_year_and_the_next_are_known(db: Database) -> None:
    """Those that are still to come; a second look changes nothing."""
    made = upkeep(db)
    days = known(db)
    assert made == len(days) > 0
    assert Holiday(christmas(db), "Christmas Day", "calendar") == days[christmas(db)]
    with db.transaction() as tx:
        assert min(days) >= dated.today(tx)
    assert 0 == upkeep(db)


def test_a_day_that_moved_is_mended(db: Database) -> None:
    """Those that follow the moon are estimates until they are seen."""
    upkeep(db)
    moved = christmas(db) + timedelta(days=3)
    with db.transaction() as tx:
        tx.execute(
            sa.text("INSERT INTO public_holiday VALUES (:day, 'Eid (estimated)', 'calendar')"),
            {"day": moved},
        )
        tx.execute(sa.text("DELETE FROM public_holiday WHERE day = :day"), {"day": christmas(db)})
    assert 2 == upkeep(db)
    days = known(db)
    assert moved not in days
    assert christmas(db) in days


def test_what_the_sacco_added_stays(db: Database) -> None:
    """Also where the calendar has the same day under another name, and after the day."""
    with db.transaction() as tx:
        public_holidays.add(tx, day=christmas(db), name="Our Christmas")
        public_holidays.add(tx, day=christmas(db) + timedelta(days=4), name="Founders' day")
        tx.execute(sa.text("INSERT INTO public_holiday VALUES ('2020-05-01', 'Old', 'calendar')"))
    upkeep(db)
    assert 0 == upkeep(db)
    days = known(db)
    assert Holiday(christmas(db), "Our Christmas", "added") == days[christmas(db)]
    assert {"Founders' day", "Old"} <= {holiday.name for holiday in days.values()}


def test_the_timekeeper_fetches_them(site: Working, db: Database) -> None:
    """With its first look, and then once a day."""
    assert {} == known(db)
    site.timekeeper.tick()
    assert christmas(db) in known(db)
    with db.transaction() as tx:
        tx.execute(sa.text("DELETE FROM public_holiday"))
    site.timekeeper.tick()
    assert {} == known(db)
