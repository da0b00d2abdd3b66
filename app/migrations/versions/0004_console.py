"""What staff see and do in the browser; questions about the float, payees.

Revision ID: 0004
"""

from importlib.resources import files

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FILES = (
    "messages/sql/listing.sql",
    "staff/sql/second_factors.sql",
    "operations/sql/approvals.sql",
    "operations/sql/uploads.sql",
    "providers/sql/balance.sql",
    "payouts/sql/payees.sql",
)


def upgrade() -> None:
    """Load each package's SQL, in the order in which they refer to each other."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    for name in FILES:
        driver.execute(files("app").joinpath(name).read_text("utf-8"))
