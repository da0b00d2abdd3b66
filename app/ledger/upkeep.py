"""What the books need from time to time. Each is harmless to repeat and to run twice at once."""

import sqlalchemy as sa

from app.db import Tx


def ensure_months(tx: Tx) -> int:
    """Make the monthly partitions from last month to three months ahead.

    Returns how many had to be made. It waits at most two seconds for a lock, so that no posting
    ever waits longer than that behind it; an error means: try again later.
    """
    return int(tx.scalar(sa.text("SELECT ledger.ensure_months()")) or 0)


def begin_epoch(tx: Tx) -> bool:
    """Count on after a restore from a dump, which starts transaction numbers anew.

    Until it is done the ledger refuses every entry, since the sealer would miss it. True when it
    was needed.
    """
    return bool(tx.scalar(sa.text("SELECT ledger.begin_epoch()")))
