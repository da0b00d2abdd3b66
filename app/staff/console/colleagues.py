"""Who works here: for whoever must see that the right people have the right accounts."""

from flask.typing import ResponseReturnValue

from app.staff import accounts
from app.staff.console.routes import page, reading, shown
from app.staff.permissions import ROLES, Permission


@page("/people", Permission.SEE_STAFF)
def colleagues() -> ResponseReturnValue:
    """Every account, and what each role is for."""
    with reading() as tx:
        found = accounts.everyone(tx)
    return shown("colleagues.html", found=found, roles=accounts.Role, table=ROLES)
