"""Posting, sealing and sums of what is not sealed yet, quicker.

Revision ID: 0007
"""

from importlib.resources import files

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

FILES = ("ledger/sql/quicker.sql",)


def upgrade() -> None:
    """Load each package's SQL, in the order in which they refer to each other."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    for name in FILES:
        driver.execute(files("app").joinpath(name).read_text("utf-8"))
