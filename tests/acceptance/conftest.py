"""A whole Baraza on a fresh database with the demo members."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db import Database
from app.members import demo
from app.members.pins import Pins
from tests.support import ledger
from tests.support.databases import Logins
from tests.support.stack import Stack, stack


@pytest.fixture
def baraza(
    tmp_path: Path, database_logins: Logins, redis_url: str, owner_db: Database
) -> Iterator[Stack]:
    """Everything runs; every test ends with books that agree."""
    with stack(tmp_path, database_logins, redis_url) as made:
        with owner_db.transaction() as tx:
            demo.seed(tx, Pins(made.settings.pin_pepper.get_secret_value()), production=False)
        made.start_all()
        yield made
    ledger.assert_coherent(owner_db)
