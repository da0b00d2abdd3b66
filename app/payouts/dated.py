"""Configuration that holds from a day on. It is changed by adding to it, and never for the past."""

from datetime import date

import sqlalchemy as sa

from app.db import Tx
from app.errors import Refused


class InThePast(Refused):
    """What members were charged, or allowed, on days gone by cannot be changed."""

    code = "DC-01"


def today(tx: Tx) -> date:
    """The present day in Nairobi, by the database's clock."""
    day = tx.scalar(sa.text("SELECT (now() AT TIME ZONE 'Africa/Nairobi')::date"))
    assert isinstance(day, date)
    return day


def not_past(tx: Tx, day: date | None) -> date:
    """The day from which a change shall hold; None is today.

    Raises:
        InThePast: it is before today.
    """
    now = today(tx)
    if day is not None and day < now:
        raise InThePast(f"{day} is past; a change holds from today ({now}) or later")
    return day or now
