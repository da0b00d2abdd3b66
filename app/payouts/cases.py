"""What needs a person, and the two things that one person may do about it: ask, and send again.

Cases follow from everything else that is kept (the view `payout_case`), so that none is forgotten
and none stays open once its reason is gone. What ends one is a proposal that two people agree on.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app import audit
from app.audit import Actor
from app.db import Tx
from app.errors import Refused
from app.payouts import claims
from app.payouts.claims import Payout
from app.payouts.deadlines import Schedule
from app.payouts.states import State


class NoSuchPayout(Refused):
    """There is no payout of this reference."""

    code = "CA-01"


class NothingToAsk(Refused):
    """M-PESA has never heard of the payout, or has said how it ended."""

    code = "CA-02"


class TooLateToResend(Refused):
    """The time in which M-PESA is sure to know the same request again is over."""

    code = "CA-03"


@dataclass(frozen=True, slots=True)
class Case:
    """One reason for which a payout needs a person."""

    reference: str
    kind: str
    """`contradiction`, `doubt`, `recovery`, `taken_back` or `dead_letter`."""
    why: str
    state: str
    amount_cents: int
    since: datetime
    opens_at: datetime
    """Until then it is left to status queries."""
    proposed: int | None
    """The proposal that waits for a second person."""
    owner: str | None
    """Who took it, by e-mail."""
    put_off_until: datetime | None
    """To come, or None."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Cases that have the same reason."""

    kind: str
    why: str
    cases: int
    amount_cents: int
    since: datetime


_LIST = sa.text(
    "SELECT p.reference, c.kind, c.why, p.state, p.amount_cents, c.since, c.opens_at,"
    " w.id AS proposed, s.email AS owner,"
    " CASE WHEN o.put_off_until > now() THEN o.put_off_until END AS put_off_until"
    " FROM payout_case c JOIN payout p ON p.id = c.payout_id"
    " LEFT JOIN case_proposal w ON w.payout_id = p.id AND w.outcome IS NULL"
    " LEFT JOIN payout_owner o ON o.payout_id = p.id LEFT JOIN staff s ON s.id = o.owner_id"
    " WHERE (:to_come OR c.opens_at <= now())"
    " AND (CAST(:reference AS text) IS NULL OR p.reference = :reference)"
    " ORDER BY coalesce(o.put_off_until > now(), false), c.opens_at LIMIT :limit"
)
_CAUSES = sa.text(
    "SELECT c.kind, c.why, count(*) AS cases, sum(p.amount_cents)::bigint AS amount_cents,"
    " min(c.since) AS since FROM payout_case c JOIN payout p ON p.id = c.payout_id"
    " WHERE c.opens_at <= now() GROUP BY c.kind, c.why HAVING count(*) > 1"
    " ORDER BY count(*) DESC, c.kind, c.why LIMIT :limit"
)
_ASK = sa.text("UPDATE payout SET ask_due_at = now() WHERE id = :id")
_RESEND = sa.text("UPDATE payout SET resend_due_at = now() WHERE id = :id")


def listed(
    tx: Tx, *, limit: int, to_come: bool = False, reference: str | None = None
) -> list[Case]:
    """Cases, the oldest first and what is put off last; all, or those of one payout.

    With `to_come` also doubts that are younger than a day.
    """
    facts = {"limit": limit, "to_come": to_come, "reference": reference}
    return [Case(**row) for row in tx.execute(_LIST, facts).mappings()]


def causes(tx: Tx, *, limit: int) -> list[Cause]:
    """What more than one open case has as its reason, the most frequent first."""
    return [Cause(**row) for row in tx.execute(_CAUSES, {"limit": limit}).mappings()]


def ask(tx: Tx, reference: str, *, by: Actor) -> None:
    """Ask M-PESA about a payout now, also about one that is frozen. It harms nothing.

    Raises:
        NoSuchPayout: nobody has this reference.
        NothingToAsk: nothing was sent, the call is still under way, or it ended and nothing
            contradicts that.
    """
    payout = taken(tx, reference)
    waits_for_m_pesa = payout.state in {State.SUBMITTED, State.IN_DOUBT} or payout.frozen
    if not waits_for_m_pesa or payout.first_call_at is None:
        raise NothingToAsk(f"{payout.reference} is {payout.state}: there is nothing to ask M-PESA.")
    tx.execute(_ASK, {"id": payout.id})
    audit.record(tx, "payout_asked_about", by=by, reference=payout.reference)


def resend(tx: Tx, reference: str, schedule: Schedule, *, by: Actor) -> None:
    """Send the same request once more, under the same id, while M-PESA is sure to know it again.

    Raises:
        NoSuchPayout: nobody has this reference.
        TooLateToResend: the window is closed, or M-PESA has the request.
    """
    payout = taken(tx, reference)
    may = (
        payout.state is State.IN_DOUBT
        and not payout.frozen
        and payout.conversation_id is None
        and payout.first_call_at is not None
        and schedule.may_resend(first_call_at=payout.first_call_at, now=claims.now(tx))
    )
    if not may:
        raise TooLateToResend(
            f"{payout.reference} may not be sent again: M-PESA has it, or might pay it twice."
            f" `baraza cases ask {payout.reference}` asks M-PESA about it."
        )
    tx.execute(_RESEND, {"id": payout.id})
    audit.record(tx, "payout_sent_again", by=by, reference=payout.reference)


def taken(tx: Tx, reference: str) -> Payout:
    """Lock a payout, waiting for whoever is at work on it.

    Raises:
        NoSuchPayout: nobody has this reference.
    """
    payout = claims.take_one(tx, reference)
    if payout is None:
        raise NoSuchPayout(f"There is no payout {reference}; `baraza payouts list` shows them.")
    return payout
