"""The member's whole channel: standing, start PINs, dated limits, the stop switch, SIM checks.

Revision ID: 0002
"""

from importlib.resources import files

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FILES = (
    "members/sql/standing.sql",
    "members/sql/limits.sql",
    "payouts/sql/safety.sql",
    "messages/sql/blocks.sql",
)


def upgrade() -> None:
    """Load each package's SQL, in the order in which they refer to each other."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    for name in FILES:
        driver.execute(files("app").joinpath(name).read_text("utf-8"))
