"""Tariffs, duty and limits for tests. They are the owner's to make, whoever asks here."""

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa

from app.db import Tx
from tests.support.databases import owner_of

TODAY = "(now() AT TIME ZONE 'Africa/Nairobi')::date"


def since_sql(since: date | int) -> str:
    """A date, or so many days from today in Nairobi."""
    return f"'{since}'::date" if isinstance(since, date) else f"{TODAY} + {since}"


def tariff(tx: Tx, bands: Sequence[tuple[int, int, int]], *, since: date | int = 0) -> None:
    """A tariff in force since then; each band is from, to and fee in cents."""
    with owner_of(tx) as owner:
        tariff_id = owner.scalar(
            sa.text(f"INSERT INTO tariff (effective_from) VALUES ({since_sql(since)}) RETURNING id")  # noqa: S608
        )
        for low, high, fee in bands:
            owner.execute(
                sa.text(
                    "INSERT INTO tariff_band (tariff_id, from_cents, to_cents, fee_cents)"
                    " VALUES (:tariff, :low, :high, :fee)"
                ),
                {"tariff": tariff_id, "low": low, "high": high, "fee": fee},
            )


def excise(tx: Tx, basis_points: int, *, since: date | int = 0) -> None:
    """A rate of duty in force since then."""
    with owner_of(tx) as owner:
        owner.execute(
            sa.text(
                "INSERT INTO excise_rate (effective_from, basis_points)"  # noqa: S608
                f" VALUES ({since_sql(since)}, :rate)"
            ),
            {"rate": basis_points},
        )


def limits(
    tx: Tx,
    *,
    minimum: int = 50_00,
    maximum: int = 250_000_00,
    daily: int = 500_000_00,
    since: date | int = 0,
    **others: object,
) -> None:
    """Limits in force since then, in cents; `others` are further columns."""
    columns = {"minimum_cents": minimum, "maximum_cents": maximum, "daily_cents": daily, **others}
    with owner_of(tx) as owner:
        owner.execute(
            sa.text(
                f"INSERT INTO withdrawal_limit (effective_from, {', '.join(columns)})"  # noqa: S608
                f" VALUES ({since_sql(since)}, {', '.join(f':{name}' for name in columns)})"
            ),
            columns,
        )
