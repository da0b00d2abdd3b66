"""Many paid payouts, made faster than they could be paid: a full database to measure over."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.db import Database
from app.ledger import sealing

FRESH = 5_000
"""How many of them are of the last three minutes."""
MEMBER_PAYOUTS = 10
"""So many payouts each member made."""
_CHUNK = 250_000
_AT_ONCE = 2
_BLOCK_ENTRIES = 20_000


def make(db: Database, *, payouts: int) -> None:
    """Fill an empty database by the owner's login, and seal its books."""
    facts = {
        "payouts": payouts,
        "members": max(1, payouts // MEMBER_PAYOUTS),
        "fresh": min(FRESH, payouts),
    }
    _run(db, "begin", **facts)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        chunks = [
            pool.submit(
                _run, db, "some", first=first, last=min(first + _CHUNK - 1, payouts), **facts
            )
            for first in range(1, payouts + 1, _CHUNK)
        ]
        for chunk in chunks:
            chunk.result()
    _run(db, "end")
    _vacuum(db)  # before the sealer, which else takes the tables for empty and reads them whole
    while _sealed(db):
        pass
    _vacuum(db)


def _run(db: Database, name: str, **facts: int) -> None:
    text = Path(__file__).with_name(f"{name}.sql").read_text("utf-8")
    with db.transaction() as tx:
        tx.exec_driver_sql("SET LOCAL statement_timeout = 0")
        driver = tx.connection.driver_connection
        assert driver is not None
        driver.execute(text.format(**facts) if facts else text)


def _sealed(db: Database) -> int:
    with db.transaction() as tx:
        tx.exec_driver_sql("SET LOCAL statement_timeout = 0")
        return sealing.seal(tx, entries_max=_BLOCK_ENTRIES)


def _vacuum(db: Database) -> None:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("VACUUM ANALYZE")
