"""M-PESA's statements, as its portal would export them, for what a test says happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import sqlalchemy as sa

from app.db import Database
from tests.support.stories import AMOUNT_CENTS

GUARDS_OFF = "SET LOCAL session_replication_role = replica"
FLOAT_CENTS = 1_000_000_00
EAT = timezone(timedelta(hours=3))
HEADER = (
    "Receipt No.,Completion Time,Details,Transaction Status,Paid In,Withdrawn,Balance,"
    "Other Party Info,Linked Transaction ID"
)
SHORTCODE = "600000"


@dataclass(frozen=True)
class Moved:
    """One movement: + in, - out, in cents."""

    receipt: str
    at: datetime
    cents: int
    details: str = "Business Payment via API"
    party: str = ""
    undoes: str = ""
    status: str = "Completed"


def written(
    moved: Sequence[Moved],
    *,
    begins: datetime,
    ends: datetime,
    opening_cents: int = 0,
    shortcode: str = SHORTCODE,
) -> bytes:
    """The file, the newest movement first."""
    rows, balance = [], opening_cents
    for one in moved:
        balance += one.cents if one.status == "Completed" else 0
        column = f"{amount(one.cents)}," if one.cents > 0 else f",{amount(one.cents)}"
        rows.append(
            f'{one.receipt},{moment(one.at)},"{one.details}",{one.status},{column},'
            f"{amount(balance)},{one.party},{one.undoes}"
        )
    heading = (
        f"Short Code:,{shortcode}",
        f"Time Period:,From {moment(begins)} to {moment(ends)}",
        f"Opening Balance:,{amount(opening_cents)}",
        f"Closing Balance:,{amount(balance)}",
        HEADER,
    )
    return "\n".join((*heading, *reversed(rows), "")).encode()


def moment(at: datetime) -> str:
    """The day first, in Nairobi."""
    return f"{at.astimezone(EAT):%d-%m-%Y %H:%M:%S}"


def amount(cents: int) -> str:
    """With thousands apart, in quotes for their comma."""
    return f'"{cents / 100:,.2f}"'


def today(db: Database) -> datetime:
    """Midnight in Nairobi, by the database's clock."""
    with db.transaction() as tx:
        now = tx.execute(sa.text("SELECT now()")).scalar_one()
    return now.astimezone(EAT).replace(hour=0, minute=0, second=0, microsecond=0)


def paid_line(db: Database, reference: str, **changes: object) -> Moved:
    """What M-PESA's statement has about a payout that it paid."""
    with db.transaction() as tx:
        row = tx.execute(
            sa.text("SELECT id, receipt, first_call_at FROM payout WHERE reference = :r"),
            {"r": reference},
        ).one()
    line = {
        "receipt": row.receipt or "SKL61MQ8WL",
        "at": row.first_call_at,
        "cents": -AMOUNT_CENTS,
        "details": f"Business Payment via API. Original conversation ID is {row.id}.",
    }
    return Moved(**{**line, **changes})  # type: ignore[arg-type]


def top_up(db: Database) -> Moved:
    """The float was filled before anything was paid."""
    at = today(db) - timedelta(hours=1)
    return Moved("SKA00000A1", at, FLOAT_CENTS, "Organization Settlement from the bank")


def become_yesterday(db: Database, owner: Database) -> str:
    """Move all that there is to yesterday, which is then over. Returns that day."""
    with owner.transaction() as tx:
        tx.exec_driver_sql(GUARDS_OFF)
        for change in (
            "UPDATE payout_event SET at = at - interval '1 day'",
            "UPDATE payout SET first_call_at = first_call_at - interval '1 day'",
        ):
            tx.execute(sa.text(change))
    return f"{today(db) - timedelta(days=1):%Y-%m-%d}"
