"""Tells M-PESA's stand-in who has which number: the members, as M-PESA would know them.

The sandbox knows nothing of Baraza's inside, so it is told over HTTP, as people would be at a shop.
"""

import requests
import sqlalchemy as sa

from app import config
from app.db import Database

MEMBERS_MAX = 1000
TOLD_S_MAX = 5


def main() -> None:
    """Register the members' numbers with their names, in capitals as M-PESA has them."""
    settings = config.load()
    db = Database(settings.database_url, pool_max=1, name="subscribers")
    with db.transaction() as tx:
        rows = tx.execute(
            sa.text("SELECT msisdn, name FROM member ORDER BY id LIMIT :limit"),
            {"limit": MEMBERS_MAX},
        ).all()
    db.close()
    requests.post(
        f"{settings.daraja_base}/portal/subscribers",
        json={row.msisdn: row.name.upper() for row in rows},
        timeout=TOLD_S_MAX,
    ).raise_for_status()


if __name__ == "__main__":
    main()
