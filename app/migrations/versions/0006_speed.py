"""Fewer round trips on the way of a payout.

Revision ID: 0006
"""

from importlib.resources import files

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FILES = ("payouts/sql/switch.sql",)


def upgrade() -> None:
    """Load each package's SQL, in the order in which they refer to each other."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    for name in FILES:
        driver.execute(files("app").joinpath(name).read_text("utf-8"))
