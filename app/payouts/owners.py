"""Whose a payout is that needs a person: taken, handed over, put off. No money moves by it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app import audit
from app.audit import Actor
from app.db import Tx
from app.errors import Refused
from app.payouts import cases

PUT_OFF_HOURS_MAX = 4


class NoSuchColleague(Refused):
    """Nobody with this e-mail can take it over."""

    code = "CA-04"


class TooLong(Refused):
    """What needs a person is not put off for so long."""

    code = "CA-05"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who is at a payout."""

    email: str
    name: str
    since: datetime
    put_off_until: datetime | None
    """To come, or None."""
    put_off_why: str | None


_OF = sa.text(
    "SELECT s.email, s.name, o.since,"
    " CASE WHEN o.put_off_until > now() THEN o.put_off_until END AS put_off_until,"
    " CASE WHEN o.put_off_until > now() THEN o.put_off_why END AS put_off_why"
    " FROM payout_owner o JOIN staff s ON s.id = o.owner_id JOIN payout p ON p.id = o.payout_id"
    " WHERE p.reference = :reference"
)
_COLLEAGUE = sa.text("SELECT id FROM staff WHERE email = lower(:email) AND disabled_at IS NULL")
_SET = sa.text(
    "INSERT INTO payout_owner (payout_id, owner_id, put_off_until, put_off_why)"
    " VALUES (:payout, :owner, now() + :length, :why) ON CONFLICT (payout_id) DO UPDATE"
    " SET since = CASE WHEN payout_owner.owner_id = excluded.owner_id"
    "                  THEN payout_owner.since ELSE now() END,"
    " owner_id = excluded.owner_id, put_off_until = excluded.put_off_until,"
    " put_off_why = excluded.put_off_why"
)


def of(tx: Tx, reference: str) -> Owner | None:
    """Whose a payout is, if it is anybody's."""
    row = tx.execute(_OF, {"reference": reference}).mappings().one_or_none()
    return None if row is None else Owner(**row)


def take(tx: Tx, reference: str, *, by: Actor) -> None:
    """Say that oneself is at it.

    Raises:
        NoSuchPayout: nobody has this reference.
    """
    _keep(tx, reference, by.staff_id)
    audit.record(tx, "case_taken", by=by, reference=reference)


def hand_over(tx: Tx, reference: str, *, to: str, reason: str, by: Actor) -> None:
    """Give it to a colleague, named by e-mail.

    Raises:
        NoSuchPayout: nobody has this reference.
        NoSuchColleague: nobody has this e-mail, or the account has ended.
    """
    owner = tx.scalar(_COLLEAGUE, {"email": to})
    if owner is None:
        raise NoSuchColleague(f"Nobody here has the e-mail {to}.")
    _keep(tx, reference, owner)
    audit.record(tx, "case_handed_over", by=by, reference=reference, colleague=to, reason=reason)


def put_off(tx: Tx, reference: str, *, hours: int, reason: str, by: Actor) -> None:
    """Let it rest for some hours, and be the one who looks then.

    Raises:
        NoSuchPayout: nobody has this reference.
        TooLong: longer than anything that needs a person should wait.
    """
    if not 0 < hours <= PUT_OFF_HOURS_MAX:
        raise TooLong(f"At most {PUT_OFF_HOURS_MAX} hours: a member's money waits.")
    _keep(tx, reference, by.staff_id, length=timedelta(hours=hours), why=reason)
    audit.record(tx, "case_put_off", by=by, reference=reference, hours=hours, reason=reason)


def _keep(
    tx: Tx,
    reference: str,
    owner: int | None,
    *,
    length: timedelta | None = None,
    why: str | None = None,
) -> None:
    payout = cases.taken(tx, reference)
    tx.execute(_SET, {"payout": payout.id, "owner": owner, "length": length, "why": why})
