"""Demo data, on an empty database outside production: members, savings, a tariff, staff."""

import sqlalchemy as sa

from app import clock, config, ids, playground
from app.db import Database, Tx
from app.members import demo, directory
from app.members.pins import Pins
from app.messages import outbox
from app.staff import demo as staff_demo


def main() -> None:
    """Make the demo data if there is none."""
    settings = config.load()
    # The owner alone may set prices and limits.
    url = settings.database_owner_url or settings.database_url
    db = Database(url, role=None, pool_max=1, name="seed")
    with db.transaction() as tx:
        if demo.is_empty(tx):
            demo.seed(
                tx, Pins(settings.pin_pepper.get_secret_value()), production=settings.in_production
            )
            # Their password is in the source: only where nobody else can come.
            if playground.fits(settings):
                staff_demo.hire(tx)
            _send_the_start_pin(tx)
    db.close()


def _send_the_start_pin(tx: Tx) -> None:
    """One member is new, so that her first steps can be tried."""
    member = directory.by_number(tx, demo.WITH_START_PIN)
    assert member is not None
    until = tx.scalar(
        sa.text("SELECT start_pin_until FROM member WHERE id = :id"), {"id": member.id}
    )
    outbox.queue(
        tx,
        "start_pin",
        message_id=ids.uuid7(clock.now()),
        member_id=member.id,
        msisdn=member.msisdn,
        language=member.language,
        facts={"until": until},
    )


if __name__ == "__main__":
    main()
