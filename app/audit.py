"""The record of what people did: staff, operators at a shell, members about themselves.

Rows are only ever added, in the database transaction of what they tell about. No PIN, no full
phone number and no balance goes into `detail`; members are named by their member number.
"""

import getpass
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.db import Tx

COMMAND_LINE = "command line"
"""The source of what was done by someone who has a shell on the host."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a member of staff, or somebody that only the source tells of."""

    source: str
    """The caller's address, or `command line`."""
    staff_id: int | None = None
    name: str = ""
    """For people without a staff account: the operating system's user, or `member`."""

    @property
    def title(self) -> str:
        """One line for columns such as `stopped_by`."""
        return f"{self.name} ({self.source})" if self.name else self.source


MEMBER = Actor("ussd", name="member")
"""The member herself, after her PIN."""


def operator() -> Actor:
    """Whoever runs this command."""
    return Actor(COMMAND_LINE, name=getpass.getuser())


_INSERT = sa.text(
    "INSERT INTO staff_action (staff_id, action, detail, source)"
    " VALUES (:staff_id, :action, :detail, :source)"
).bindparams(sa.bindparam("detail", type_=JSONB))


def record(tx: Tx, action: str, *, by: Actor, **detail: Any) -> None:
    """Add a row to the record, kept or lost together with what it tells about.

    `action` is a past tense in snake_case (`withdrawals_stopped`, `pin_reset`) and stays for ever.
    """
    if by.name:
        detail = {"by": by.name, **detail}
    facts = {"staff_id": by.staff_id, "action": action, "detail": detail, "source": by.source}
    tx.execute(_INSERT, facts)
