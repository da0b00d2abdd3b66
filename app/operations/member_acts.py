"""Doing to a member what staff decided: the act, what her phone is told, what it stops."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app import ids
from app.db import Tx
from app.members.directory import Member
from app.members.standing import Notice
from app.messages import outbox
from app.payouts import cancel, claims, intake
from app.payouts.states import OPEN_STATES

Act = Callable[[Tx, Member], Sequence[Notice]]
"""One of `app.members.standing`, with its arguments."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it."""

    told: tuple[str, ...]
    """The kinds of the SMS that are queued."""
    open_payout: str
    """A sentence about her withdrawal that was under way, with a space before it; or nothing."""


def do(tx: Tx, member: Member, act: Act, *, takes_back: bool = False) -> Done:
    """Act, and queue what her phone is told, in one database transaction.

    `takes_back`: after the act she may not withdraw, so what was asked for before and not sent
    yet must not go out either.
    """
    notices = act(tx, member)
    at = tx.scalar(sa.select(sa.func.now()))
    assert isinstance(at, datetime)
    for notice in notices:
        tell(tx, member, notice, at=at)
    kinds = tuple(notice.kind for notice in notices)
    return Done(kinds, _take_back(tx, member) if takes_back else "")


def _take_back(tx: Tx, member: Member) -> str:
    """Cancel her withdrawal that was not sent yet. A sentence about it, or about one that was."""
    opened = intake.open_payout(tx, member.id)
    payout = None if opened is None else claims.take_one(tx, opened.reference)
    if payout is None or payout.state not in OPEN_STATES:
        return ""
    if not cancel.can_cancel(tx, payout):
        return f" {payout.reference} was sent to M-PESA before and cannot be taken back."
    cancel.unsent(tx, payout, cause="staff closed the member's access", reason="us")
    return f" {payout.reference} was not sent yet and is taken back."


def tell(tx: Tx, member: Member, notice: Notice, *, at: datetime) -> None:
    """Queue a notice. The timekeeper rings for it."""
    outbox.queue(
        tx,
        notice.kind,
        message_id=ids.uuid7(at),
        member_id=member.id,
        msisdn=notice.msisdn,
        language=member.language,
        facts=notice.facts,
    )
