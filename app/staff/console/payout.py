"""One payout, explained: where its money is, what happened, what can be done about it."""

import hashlib
from dataclasses import dataclass

import sqlalchemy as sa
from flask import abort, request, session
from flask.typing import ResponseReturnValue

from app import clock
from app.db import Tx
from app.operations import inbound, story
from app.operations.context import context
from app.operations.story import Story
from app.payouts import cases, claims, owners, proofs
from app.payouts.cases import Case
from app.payouts.claims import Payout
from app.payouts.owners import Owner
from app.payouts.planning import schedule
from app.payouts.proofs import Option
from app.payouts.states import OPEN_STATES, SENT_STATES
from app.staff import accounts, audit
from app.staff.accounts import Listed
from app.staff.audit import Act
from app.staff.console import timeline
from app.staff.console.routes import page, reading, shown
from app.staff.console.showing import NOTHING_TO_ASK, TOO_LATE_TO_RESEND
from app.staff.permissions import ROLES, Permission

CASES_MAX, ACTS_SHOWN = 10, 20
LIVE_S = 3
"""How often an open payout's page asks for what is new."""
REVEALED = "revealed"
"""In the session: until when the member of which payout is shown by name and number."""

_PERSON = sa.text(
    "SELECT m.name, p.msisdn FROM payout p JOIN member m ON m.id = p.member_id"
    " WHERE p.reference = :reference"
)
_WAITING = sa.text("SELECT id FROM case_proposal WHERE payout_id = :id AND outcome IS NULL")


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be done about a payout now; a text says why something may not."""

    ask: str
    resend: str
    options: tuple[Option, ...]
    """What two people may decide."""
    proposal: int | None
    """The proposal that waits for a second person."""
    open_cases: tuple[Case, ...]
    """Why it needs a person, if it does."""
    owner: Owner | None


@page("/payouts/<reference>", Permission.SEE_PAYOUTS)
def payout(reference: str) -> ResponseReturnValue:
    """The whole story of one payout. A page that has seen all of it is told so in one line."""
    with reading() as tx:
        told = story.tell(tx, reference.upper())
        row = claims.look_at(tx, reference.upper())
        if told is None or row is None:
            abort(404, "There is no payout of this reference.")
        choices = _choices(tx, row)
        person = tx.execute(_PERSON, {"reference": row.reference}).one()
        acts = audit.listed(tx, about=row.reference)[:ACTS_SHOWN]
        colleagues = _colleagues(tx) if choices.open_cases else []
        callbacks = inbound.of_payout(tx, row.reference)
    version = _version(told, choices, acts)
    if request.args.get("seen") == version:
        return "", 204
    return shown(
        "payout.html",
        told=told,
        choices=choices,
        version=version,
        is_live=row.state in OPEN_STATES or row.frozen,
        live_s=LIVE_S,
        picture=timeline.drawn(told.timeline),
        person=person if is_revealed(row.reference) else None,
        zero=sum(line.cents for line in told.ledger),
        acts=acts,
        colleagues=colleagues,
        callbacks=callbacks,
    )


def is_revealed(reference: str) -> bool:
    """Whether this person has given a reason to see the member's name and number just now."""
    until = session.get(REVEALED, {}).get(reference, 0)
    return bool(until > clock.now().timestamp())


def _choices(tx: Tx, row: Payout) -> Choices:
    plans = schedule(context().settings)
    waits_for_mpesa = row.first_call_at is not None and (row.state in SENT_STATES or row.frozen)
    may_resend = (
        row.state in SENT_STATES
        and not row.frozen
        and row.conversation_id is None
        and row.first_call_at is not None
        and plans.may_resend(first_call_at=row.first_call_at, now=claims.now(tx))
    )
    return Choices(
        ask="" if waits_for_mpesa else NOTHING_TO_ASK,
        resend="" if may_resend else TOO_LATE_TO_RESEND,
        options=tuple(proofs.options(tx, row)),
        proposal=tx.scalar(_WAITING, {"id": row.id}),
        open_cases=tuple(cases.listed(tx, limit=CASES_MAX, reference=row.reference)),
        owner=owners.of(tx, row.reference),
    )


def _colleagues(tx: Tx) -> list[Listed]:
    """Who may be handed it."""
    found = accounts.everyone(tx)
    return [one for one in found if one.state == "active" and one.role in ROLES[Permission.CARE]]


def _version(told: Story, choices: Choices, acts: list[Act]) -> str:
    return hashlib.sha256(repr((told, choices, acts)).encode()).hexdigest()[:16]
