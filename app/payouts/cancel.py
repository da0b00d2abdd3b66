"""Taking a withdrawal back before anything was sent: the whole total returns, the fee too.

It stands on `never_sent`: under the payout's lock no call row exists. Pay writes that row under
the same lock before it calls, so exactly one of the two comes first, and the other sees it.
"""

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from app import ids
from app.db import Tx
from app.ledger import posting
from app.messages import outbox
from app.observability import logger
from app.payouts import booking, claims
from app.payouts.claims import Payout
from app.payouts.states import OPEN_STATES, UNSENT_STATES, State

Because = Literal["member", "sim", "us"]
"""Who wanted it, for the member's text: she herself, her new SIM card, or our own trouble."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """It will never be sent, and nothing is missing from her savings."""

    reference: str


@dataclass(frozen=True, slots=True)
class TooLate:
    """M-PESA may have it by now. How it ends, the SMS says."""

    reference: str


@dataclass(frozen=True, slots=True)
class NothingOpen:
    """She has no such withdrawal, or it has ended."""


def by_member(tx: Tx, *, member_id: int, reference: str) -> Cancelled | TooLate | NothingOpen:
    """Cancel a member's own withdrawal, after her PIN. A repeat finds it cancelled.

    Waits for a step that is at work on it, so that either that step or the cancel comes first.
    """
    payout = claims.take_one(tx, reference)
    if payout is None or payout.member_id != member_id:
        return NothingOpen()
    if payout.state is State.CANCELLED:
        return Cancelled(reference)
    if can_cancel(tx, payout):
        unsent(tx, payout, cause="the member cancelled", reason="member")
        return Cancelled(reference)
    return TooLate(reference) if payout.state in OPEN_STATES else NothingOpen()


def can_cancel(tx: Tx, payout: Payout) -> bool:
    """Whether nothing was ever sent for a payout that this database transaction has locked."""
    called = sa.text("SELECT EXISTS (SELECT FROM attempt WHERE payout_id = :id)")
    return (
        payout.state in UNSENT_STATES
        and not payout.frozen
        and tx.scalar(called, {"id": payout.id}) is False
    )


def unsent(tx: Tx, payout: Payout, *, cause: str, reason: Because) -> None:
    """Cancel a payout that was never sent: the entry, the state and the SMS, kept as one.

    The caller holds its lock and has seen `can_cancel`; the database refuses it otherwise.
    """
    # Folded at once: this is the decision itself, not something to be weighed.
    proof = tx.scalar(
        sa.text(
            "INSERT INTO evidence (payout_id, source, class, detail, folded_at)"
            " VALUES (:id, 'own', 'never_sent', :cause, now()) RETURNING id"
        ),
        {"id": payout.id, "cause": cause},
    )
    assert proof is not None
    _give_back(tx, payout, cause=cause, reason=reason, proof=proof)


def by_people(tx: Tx, payout: Payout, *, proof: int) -> None:
    """Two people decided that what was never sent never will be. `proof` is their evidence."""
    _give_back(tx, payout, cause="two people decided", reason="us", proof=proof)


def _give_back(tx: Tx, payout: Payout, *, cause: str, reason: Because, proof: int) -> None:
    if payout.state is State.RESERVED:
        today = tx.scalar(sa.text("SELECT (now() AT TIME ZONE 'Africa/Nairobi')::date"))
        assert today is not None
        posting.post_many(tx, [booking.compensated(payout, today)])
    claims.update(
        tx,
        [
            {
                "id": payout.id,
                "state": State.CANCELLED,
                "cause": cause,
                "evidence_id": proof,
                "reason_code": reason,
                "frozen": False,
                "work_due_at": None,
                "notice_due_at": None,
                "sim_check_due_at": None,
            }
        ],
    )
    # It may have failed in a step before; nobody needs to look at that any more.
    claims.mended(tx, payout.id)
    outbox.queue(
        tx,
        "cancelled",
        message_id=ids.uuid7(claims.now(tx)),
        payout_id=payout.id,
        member_id=payout.member_id,
        msisdn=payout.msisdn,
        language=payout.language,
        facts={
            "ref": payout.reference,
            "amount_cents": payout.amount_cents,
            "reason": reason,
        },
    )
    logger().info("payout_cancelled", reference=payout.reference, reason=reason)
