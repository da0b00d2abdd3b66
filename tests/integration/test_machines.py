"""What only processes know is written down, and alerts come of it."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from app import config, redis_client
from app.channels.refusals import WRITE_EVERY_S, Refusals
from app.db import Database
from app.operations import machines
from tests.support.http_script import closed_port


def counted(db: Database, query: str) -> object:
    with db.transaction() as tx:
        return tx.scalar(sa.text(query))


def test_an_outage_of_redis_is_known_from_its_beginning_to_its_end(
    db: Database, owner_db: Database, redis_url: str
) -> None:
    settings = config.load({})
    away = redis_client.connect(f"redis://127.0.0.1:{closed_port()}/0")
    machines.look(db, away, settings)
    begun = counted(db, "SELECT since FROM redis_outage")
    machines.look(db, away, settings)
    assert begun == counted(db, "SELECT since FROM redis_outage WHERE seen_at > since")
    machines.look(db, redis_client.connect(redis_url), settings)
    assert 0 == counted(db, "SELECT count(*) FROM redis_outage")


def test_the_end_of_a_password_is_known_where_its_beginning_is(
    db: Database, redis_url: str
) -> None:
    redis = redis_client.connect(redis_url)
    today = datetime.now(UTC).date()
    machines.look(db, redis, config.load({"DARAJA_PASSWORD_SET_ON": str(today)}))
    assert today + timedelta(days=90) == counted(db, "SELECT expires_on FROM expiry")
    machines.look(db, redis, config.load({"DARAJA_PASSWORD_SET_ON": ""}))
    assert 0 == counted(db, "SELECT count(*) FROM expiry")


def test_refused_callbacks_are_counted_and_not_each_a_row(db: Database) -> None:
    """A flood costs a row every ten seconds."""
    refusals = Refusals()
    for _ in range(50):
        refusals.note(db, "wrong token")
    assert 1 == counted(db, "SELECT sum(callbacks) FROM callback_refusal")
    refusals._write_at -= WRITE_EVERY_S
    refusals.note(db, "wrong token")
    assert 51 == counted(db, "SELECT sum(callbacks) FROM callback_refusal")
    assert 2 == counted(db, "SELECT count(*) FROM callback_refusal")
