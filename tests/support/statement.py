"""M-PESA's statements, as its portal would export them, for what a test says happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

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
