"""The one clock.

Deadlines are computed and compared in PostgreSQL's time, so that hosts may differ; this clock is
for what never meets the database: token lifetimes, log lines, pictures for people.
"""

from datetime import UTC, datetime, timedelta, timezone

NAIROBI = timezone(timedelta(hours=3), "EAT")
"""East Africa Time. Kenya knows no summer time."""


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def nairobi(moment: datetime) -> str:
    """`23/11/26 10:15 AM` in East Africa Time, as receipts write it."""
    local = moment.astimezone(NAIROBI)
    return f"{local.day}/{local.month}/{local:%y} {local:%I:%M %p}"
