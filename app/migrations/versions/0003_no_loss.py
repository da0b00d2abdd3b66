"""Doubt, contradiction and the proof that nothing is lost.

Revision ID: 0003
"""

from importlib.resources import files

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FILES = (
    "ledger/sql/faults_since.sql",
    "ledger/sql/books.sql",
    "providers/sql/care.sql",
    "payouts/sql/reversals.sql",
    "payouts/sql/statements.sql",
    "payouts/sql/cases.sql",
    "operations/sql/alerts.sql",
    "operations/sql/reconciliation.sql",
    "operations/sql/audits.sql",
    "operations/sql/notices.sql",
    "operations/sql/machines.sql",
)


def upgrade() -> None:
    """Load each package's SQL, in the order in which they refer to each other."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    for name in FILES:
        driver.execute(files("app").joinpath(name).read_text("utf-8"))
