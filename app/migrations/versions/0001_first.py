"""The first schema: ledger, members, payouts, messages, USSD, staff.

Revision ID: 0001
"""

from importlib.resources import files

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

FILES = (
    "migrations/sql/roles.sql",
    "ledger/sql/tables.sql",
    "ledger/sql/guards.sql",
    "ledger/sql/months.sql",
    "ledger/sql/posting.sql",
    "ledger/sql/sealing.sql",
    "ledger/sql/verify.sql",
    "ledger/sql/chart.sql",
    "ledger/sql/grants.sql",
    "ledger/sql/watch.sql",
    "members/sql/members.sql",
    "payouts/sql/payouts.sql",
    "messages/sql/messages.sql",
    "channels/sql/ussd.sql",
    "staff/sql/staff.sql",
    "providers/sql/providers.sql",
)


def upgrade() -> None:
    """Load each package's SQL, in the order in which they refer to each other."""
    # Straight to the driver: these files hold many statements, and their % is not ours to escape.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    for name in FILES:
        driver.execute(files("app").joinpath(name).read_text("utf-8"))
