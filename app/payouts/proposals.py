"""Ending a payout by two people: one proposes, another agrees, and both see what it will do.

A proposal is bound to what its maker saw. The preview does all that the execution will do, in the
same words of the same code, and takes it back; so nothing else can come of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from app import audit
from app.audit import Actor
from app.db import Tx
from app.errors import Refused
from app.ledger import statements
from app.ledger.statements import EntryLine
from app.observability import quietly
from app.payouts import cases, proofs
from app.payouts.claims import Payout
from app.payouts.deadlines import Schedule
from app.payouts.proofs import Action
from app.payouts.resolve import fold

LASTS = timedelta(hours=4)
"""A proposal that nobody decided by then must be made anew."""


class ProposedAlready(Refused):
    """A proposal about this payout waits for a second person."""

    code = "CA-20"


class NoSuchProposal(Refused):
    """No proposal of this number waits for a decision."""

    code = "CA-21"


class SamePerson(Refused):
    """Whoever made a proposal does not decide that it is right."""

    code = "CA-22"


class BeingWorked(Refused):
    """Something was said about the payout a moment ago and is not weighed yet."""

    code = "CA-24"


class Void(Refused):
    """The payout moved, or something was said about it, after the proposal was made."""

    code = "CA-23"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody wants to be done about a payout."""

    id: int
    reference: str
    action: str
    receipt: str | None
    proof: str
    reason: str
    maker: str
    made_at: datetime
    expires_at: datetime
    outcome: Literal["executed", "rejected", "void"] | None
    """None: it waits for a second person."""
    checker: str | None
    decided_at: datetime | None
    decided_why: str | None


@dataclass(frozen=True, slots=True)
class Effect:
    """What comes of it."""

    state_before: str
    state: str
    entries: tuple[EntryLine, ...]
    sms: tuple[str, ...]


_WAITS = sa.text(
    "SELECT EXISTS (SELECT FROM inbox WHERE payout_id = :id AND worked_at IS NULL)"
    " OR EXISTS (SELECT FROM evidence WHERE payout_id = :id AND folded_at IS NULL)"
)
_TELLS = (
    "class NOT IN ('about_query', 'not_known_now') AND NOT (source = 'own' AND class = 'doubt')"
)
"""Evidence that says something new about the money; the rest only repeats that nobody knows."""
_SEEN = sa.text(
    f"SELECT coalesce(max(id), 0) FROM evidence WHERE payout_id = :id AND {_TELLS}"  # noqa: S608 - a constant
)
_EXPIRE = sa.text(
    "UPDATE case_proposal SET outcome = 'void', decided_at = now(), decided_why = 'nobody decided'"
    " WHERE payout_id = :payout AND outcome IS NULL AND expires_at <= now()"
)
_ADD = sa.text(
    "INSERT INTO case_proposal (payout_id, action, evidence_class, code, receipt, proof, reason,"
    " seen_version, seen_evidence, maker_id, expires_at) VALUES (:payout, :action, :of, :code,"
    " :receipt, :proof, :reason, :version, :seen, :maker, now() + :lasts)"
    " ON CONFLICT DO NOTHING RETURNING id"
)
_TAKE = sa.text(
    "SELECT c.*, p.reference, c.expires_at <= now() AS is_late FROM case_proposal c"
    " JOIN payout p ON p.id = c.payout_id WHERE c.id = :id AND c.outcome IS NULL FOR UPDATE OF c"
)
_DECIDE = sa.text(
    "UPDATE case_proposal SET outcome = :outcome, checker_id = :checker, decided_at = now(),"
    " decided_why = :why WHERE id = :id"
)
_RULE = sa.text(
    "INSERT INTO evidence (payout_id, source, class, code, receipt, amount_cents, detail,"
    " proposal_id) SELECT p.id, 'person', c.evidence_class, c.code, c.receipt,"
    " CASE WHEN c.receipt IS NOT NULL THEN p.amount_cents END, c.proof, c.id"
    " FROM case_proposal c JOIN payout p ON p.id = c.payout_id WHERE c.id = :id"
)
_LIST = sa.text(
    "SELECT c.id, p.reference, c.action, c.receipt, c.proof, c.reason, m.email AS maker, c.made_at,"
    " c.expires_at, c.outcome, k.email AS checker, c.decided_at, c.decided_why"
    " FROM case_proposal c JOIN payout p ON p.id = c.payout_id JOIN staff m ON m.id = c.maker_id"
    " LEFT JOIN staff k ON k.id = c.checker_id WHERE (:all OR c.outcome IS NULL)"
    " AND (CAST(:id AS bigint) IS NULL OR c.id = :id)"
    " ORDER BY c.outcome IS NOT NULL, c.id DESC LIMIT :limit"
)
# Under the payout's own id, or made today: the books have no index of references.
_ENTRIES = sa.text(
    "SELECT id FROM ledger.journal_entry WHERE reference = :reference"
    " AND (id = :resolve AND posted_on = ledger.id_date(:resolve)"
    "      OR posted_on >= (now() AT TIME ZONE 'UTC')::date)"
)
_TEXTS = sa.text("SELECT body FROM message WHERE payout_id = :id ORDER BY queued_at, id")
_STATE = sa.text("SELECT state FROM payout WHERE id = :id")


def propose(
    tx: Tx,
    reference: str,
    action: Action,
    schedule: Schedule,
    *,
    reason: str,
    by: Actor,
    receipt: str | None = None,
    paid_by: str | None = None,
) -> tuple[int, Effect]:
    """Keep a proposal and show what it will do. Nothing of that is done yet.

    Raises:
        NoSuchPayout, NotNow, ProofMissing: it cannot be proposed, and why.
        ProposedAlready: another one waits.
        InsufficientFunds: the member's savings do not cover what they are to pay back.
    """
    payout = _quiet(tx, reference)
    proof = proofs.check(tx, payout, action, receipt=receipt, paid_by=paid_by)
    tx.execute(_EXPIRE, {"payout": payout.id})
    facts = {
        "payout": payout.id,
        "action": action,
        "of": proof.of,
        "code": proof.code,
        "receipt": proof.receipt,
        "proof": proof.what,
        "reason": reason,
        "version": payout.version,
        "seen": _seen(tx, payout),
        "maker": by.staff_id,
        "lasts": LASTS,
    }
    number: int | None = tx.scalar(_ADD, facts)
    if number is None:
        raise ProposedAlready(
            f"A proposal about {payout.reference} waits already; see `baraza cases proposals`."
        )
    audit.record(
        tx,
        "case_proposed",
        by=by,
        proposal=number,
        reference=payout.reference,
        ruling=action,
        reason=reason,
    )
    return number, _preview(tx, payout, number, schedule)


def look(tx: Tx, number: int, schedule: Schedule) -> tuple[Proposal, Effect]:
    """A proposal that waits, and what it will do now.

    Raises:
        NoSuchProposal: it does not wait.
        Void, NotNow, ProofMissing: it could not be executed any more, and why.
    """
    row, payout = _take(tx, number)
    _still_holds(tx, row, payout)
    proposal = tx.execute(_LIST, {"all": True, "id": number, "limit": 1}).mappings().one()
    return Proposal(**proposal), _preview(tx, payout, number, schedule)


def approve(tx: Tx, number: int, schedule: Schedule, *, by: Actor) -> Effect:
    """Do what was proposed, and keep who agreed. Ring for what follows once it is committed.

    Raises:
        NoSuchProposal: it does not wait.
        SamePerson: the checker is the maker.
        Void, NotNow, ProofMissing: something changed since; make a new proposal.
    """
    row, payout = _take(tx, number)
    if row.maker_id == by.staff_id:
        raise SamePerson(f"You made proposal {number}; somebody else must agree.")
    _still_holds(tx, row, payout)
    decided = {"id": number, "outcome": "executed", "checker": by.staff_id, "why": None}
    tx.execute(_DECIDE, decided)
    effect = _execute(tx, payout, number, schedule)
    audit.record(
        tx,
        "case_decided",
        by=by,
        proposal=number,
        reference=payout.reference,
        ruling=row.action,
        state=effect.state,
    )
    return effect


def reject(tx: Tx, number: int, *, reason: str, by: Actor) -> None:
    """Let go of a proposal; its maker may do so too.

    Raises:
        NoSuchProposal: it does not wait.
    """
    row, payout = _take(tx, number)
    decided = {"id": number, "outcome": "rejected", "checker": by.staff_id, "why": reason}
    tx.execute(_DECIDE, decided)
    audit.record(
        tx,
        "case_rejected",
        by=by,
        proposal=number,
        reference=payout.reference,
        ruling=row.action,
        reason=reason,
    )


def listed(tx: Tx, *, decided: bool, limit: int) -> list[Proposal]:
    """Proposals that wait, newest first; with `decided` also those that do not any more."""
    rows = tx.execute(_LIST, {"all": decided, "id": None, "limit": limit}).mappings()
    return [Proposal(**row) for row in rows]


def _take(tx: Tx, number: int) -> tuple[sa.Row[Any], Payout]:
    row = tx.execute(_TAKE, {"id": number}).one_or_none()
    if row is None:
        raise NoSuchProposal(f"No proposal {number} waits; see `baraza cases proposals`.")
    return row, _quiet(tx, row.reference)


def _quiet(tx: Tx, reference: str) -> Payout:
    """Lock a payout about which nothing waits to be weighed."""
    payout = cases.taken(tx, reference)
    if tx.scalar(_WAITS, {"id": payout.id}):
        raise BeingWorked(
            f"M-PESA has just said something about {payout.reference}. Try again in a few seconds."
        )
    return payout


def _still_holds(tx: Tx, row: sa.Row[Any], payout: Payout) -> None:
    """Raises unless the payout is as the maker saw it, and the proof is still there."""
    if row.is_late:
        raise Void(f"Proposal {row.id} waited for longer than {LASTS}. Make a new one.")
    if (payout.version, _seen(tx, payout)) != (row.seen_version, row.seen_evidence):
        raise Void(
            f"{row.reference} has moved, or something was said about it, since proposal {row.id}"
            f" was made. Look at `baraza payouts show {row.reference}` and make a new one."
        )
    found = proofs.check(tx, payout, Action(row.action), receipt=row.receipt, paid_by=row.code)
    assert found.of == row.evidence_class, "an action that came to say something else"


def _seen(tx: Tx, payout: Payout) -> int:
    seen: int = tx.execute(_SEEN, {"id": payout.id}).scalar_one()
    return seen


def _preview(tx: Tx, payout: Payout, number: int, schedule: Schedule) -> Effect:
    with _undone(tx), quietly():
        return _execute(tx, payout, number, schedule)


@contextmanager
def _undone(tx: Tx) -> Iterator[None]:
    trial = tx.begin_nested()
    try:
        yield
    finally:
        trial.rollback()


def _execute(tx: Tx, payout: Payout, number: int, schedule: Schedule) -> Effect:
    """The ruling becomes evidence, and the one function that moves payouts weighs it."""
    entries, texts = _entry_ids(tx, payout), _texts(tx, payout)
    tx.execute(_RULE, {"id": number})
    fold(tx, [payout], schedule)
    new = [one for one in _entry_ids(tx, payout) if one not in entries]
    return Effect(
        state_before=payout.state,
        state=tx.execute(_STATE, {"id": payout.id}).scalar_one(),
        entries=tuple(statements.lines_of(tx, new)),
        sms=tuple(_texts(tx, payout)[len(texts) :]),
    )


def _entry_ids(tx: Tx, payout: Payout) -> list[UUID]:
    wanted = {"reference": payout.reference, "resolve": payout.resolve_id}
    return list(tx.scalars(_ENTRIES, wanted))


def _texts(tx: Tx, payout: Payout) -> list[str]:
    return list(tx.scalars(_TEXTS, {"id": payout.id}))
