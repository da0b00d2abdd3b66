"""The rest of the console: who works here by two, what is set by two, a record that is sealed.

Revision ID: 0005
"""

from importlib.resources import files

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FILES = (
    "staff/sql/security.sql",
    "payouts/sql/owners.sql",
    "staff/sql/joining.sql",
    "staff/sql/passkeys.sql",
    "staff/sql/record_seals.sql",
    "staff/sql/more_approvals.sql",
    "payouts/sql/by_two.sql",
    "operations/sql/incidents.sql",
    "operations/sql/month_figures.sql",
    "channels/sql/looking_on.sql",
)


def upgrade() -> None:
    """Load each package's SQL, in the order in which they refer to each other."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    for name in FILES:
        driver.execute(files("app").joinpath(name).read_text("utf-8"))
