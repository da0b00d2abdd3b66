"""Demo data, on an empty database outside production: members, savings, a tariff, one login."""

from app import config
from app.commands.up import DEMO_STAFF_EMAIL, DEMO_STAFF_PASSWORD
from app.db import Database
from app.members import demo
from app.members.pins import Pins
from app.staff import accounts


def main() -> None:
    """Make the demo data if there is none."""
    settings = config.load()
    db = Database(settings.database_url, pool_max=1, name="seed")
    with db.transaction() as tx:
        if demo.is_empty(tx):
            demo.seed(
                tx, Pins(settings.pin_pepper.get_secret_value()), production=settings.in_production
            )
            accounts.create(
                tx,
                email=DEMO_STAFF_EMAIL,
                name="Demo operator",
                role="ops",
                password=DEMO_STAFF_PASSWORD,
            )
    db.close()


if __name__ == "__main__":
    main()
