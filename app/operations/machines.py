"""Facts about the machines that no row tells by itself. The rules of alerts read them."""

from datetime import date, timedelta

import sqlalchemy as sa
from redis import Redis
from redis.exceptions import RedisError

from app.config import Settings
from app.db import Database, Tx

EVERY_S = 10
PASSWORD_DAYS = 90
"""How long Safaricom lets an initiator's password live."""
REFUSALS_KEPT_DAYS = 7

_AWAY = sa.text(
    "INSERT INTO redis_outage DEFAULT VALUES ON CONFLICT (only_one) DO UPDATE SET seen_at = now()"
)
_BACK = sa.text("DELETE FROM redis_outage")
_EXPIRES = sa.text(
    "INSERT INTO expiry AS e (what, expires_on) VALUES ('initiator password', :expires_on)"
    " ON CONFLICT (what) DO UPDATE SET expires_on = excluded.expires_on"
    " WHERE e.expires_on <> excluded.expires_on"
)
_UNKNOWN = sa.text("DELETE FROM expiry WHERE what = 'initiator password'")
_FORGET = sa.text("DELETE FROM callback_refusal WHERE at < now() - :kept")


def look(db: Database, redis: Redis, settings: Settings) -> None:
    """Write down how things are now."""
    answers = _answers(redis)
    with db.transaction() as tx:
        tx.execute(_BACK if answers else _AWAY)
        _expiries(tx, settings.daraja_password_set_on)
        tx.execute(_FORGET, {"kept": timedelta(days=REFUSALS_KEPT_DAYS)})


def _answers(redis: Redis) -> bool:
    try:
        redis.ping()
    except RedisError:
        return False
    return True


def _expiries(tx: Tx, password_set_on: date | None) -> None:
    if password_set_on:
        tx.execute(_EXPIRES, {"expires_on": password_set_on + timedelta(days=PASSWORD_DAYS)})
    else:
        tx.execute(_UNKNOWN)
