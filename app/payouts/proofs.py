"""What must be seen to hold before two people may end a payout: an action, and its proof.

There are no free amounts and no free accounts. Each action says one thing about one payout, and
is refused with the cure while its proof is missing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa

from app.db import Tx
from app.errors import Refused
from app.payouts import claims
from app.payouts.claims import Payout
from app.payouts.evidence import Class
from app.payouts.states import ENDED_STATES, SENT_STATES, UNSENT_STATES, State

PATIENCE = timedelta(hours=24)
"""So long after the last call nothing of it can be under way any more, and M-PESA's statement
shows whatever became of it."""
FRESH = timedelta(hours=4)
"""How old M-PESA's latest answer may be."""
_RECEIPT = re.compile(r"[A-Z0-9]{10}")


class Action(StrEnum):
    """What people may decide."""

    SETTLE = "settle"
    """M-PESA paid it, by this receipt."""
    RELEASE = "release"
    """M-PESA did not pay it and never will: the total goes back to savings."""
    UPHOLD = "uphold"
    """What is booked is right, whatever contradicted it."""
    TAKE_BACK = "take_back"
    """M-PESA took the payment back: so does the SACCO, and the member has her money again."""
    MAKE_GOOD = "make_good"
    """The SACCO has the amount back that a member owed it."""
    GIVE_UP = "give_up"
    """The SACCO bears the amount that a member owes it."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was seen to hold, and what the evidence will say."""

    of: Class
    what: str
    receipt: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """Something that people may decide about a payout as it stands."""

    action: Action
    missing: str
    """What it must stand on and is not there, with the cure. Empty: it can be proposed."""


class NotNow(Refused):
    """The action does not fit where the payout stands."""

    code = "CA-10"


class ProofMissing(Refused):
    """The action fits, and what it must stand on is not there. The message names the cure."""

    code = "CA-11"


_TOLD = sa.text(
    "SELECT max(at) FILTER (WHERE source = 'status' AND class IN ('not_known_now', 'definite_no'))"
    "       AS denied_at,"
    " max(at) FILTER (WHERE source = 'status' AND class IN ('open', 'success')) AS alive_at,"
    " bool_or(source = 'statement' AND class = 'success') AS on_statement,"
    " bool_or(class = 'taken_back' AND source <> 'person') AS taken_back"
    " FROM evidence WHERE payout_id = :id"
)
_CALLS = sa.text("SELECT min(committed_at), max(committed_at) FROM attempt WHERE payout_id = :id")
_COVERED_UNTIL = sa.text(
    """
    WITH RECURSIVE covered AS (
        SELECT CAST(:since AS timestamptz) AS until
        UNION
        SELECT i.covers_to FROM covered c
          JOIN statement_import i ON i.covers_from <= c.until AND i.covers_to > c.until
    ) SELECT max(until) FROM covered
    """
)
_LOOKS_LIKE_IT = sa.text(
    "SELECT receipt FROM statement_line WHERE payout_id IS NULL AND withdrawn_cents = :cents"
    " AND completed_at >= :since ORDER BY completed_at LIMIT 1"
)
_SAID_WITH_RECEIPT = sa.text(
    "SELECT bool_or(amount_cents = :cents) FROM evidence"
    " WHERE payout_id = :id AND receipt = :receipt AND source <> 'person'"
)
_ON_STATEMENT = sa.text(
    "SELECT withdrawn_cents FROM statement_line WHERE receipt = :receipt AND withdrawn_cents > 0"
)
_RECEIPT_TAKEN = sa.text(
    "SELECT p.reference FROM payout p WHERE p.receipt = :receipt AND p.id <> :id UNION"
    " SELECT p.reference FROM evidence e JOIN payout p ON p.id = e.payout_id"
    " WHERE e.receipt = :receipt AND e.payout_id <> :id AND e.class = 'success' LIMIT 1"
)


def check(
    tx: Tx,
    payout: Payout,
    action: Action,
    *,
    receipt: str | None = None,
    paid_by: str | None = None,
) -> Proof:
    """The proof of an action on a payout that this database transaction has locked.

    Raises:
        NotNow, ProofMissing: and why.
    """
    match action:
        case Action.SETTLE:
            return _settle(tx, payout, receipt)
        case Action.MAKE_GOOD:
            return _make_good(tx, payout, paid_by)
        case _:
            return _WITHOUT_ARGUMENTS[action](tx, payout)


def options(tx: Tx, payout: Payout) -> list[Option]:
    """What may be decided about a payout as it stands, and what each still lacks."""
    found = []
    for action in Action:
        try:
            check(tx, payout, action)
        except NotNow:
            continue
        except ProofMissing as why:
            # Whoever settles names the receipt; without one nothing can be said of it yet.
            found.append(Option(action, "" if action is Action.SETTLE else str(why)))
        else:
            found.append(Option(action, ""))
    return found


def _settle(tx: Tx, payout: Payout, receipt: str | None) -> Proof:
    """M-PESA's own word with this receipt: on the statement, or in an answer about this payout."""
    _stands(
        payout, payout.state in SENT_STATES or (payout.frozen and payout.state is State.REVERSED)
    )
    if receipt is None or not _RECEIPT.fullmatch(receipt):
        raise ProofMissing("Name M-PESA's receipt: ten capital letters and digits, as SKL61MQ8WL.")
    facts = {"receipt": receipt, "id": payout.id, "cents": payout.amount_cents}
    other = tx.scalar(_RECEIPT_TAKEN, facts)
    if other is not None:
        raise ProofMissing(f"Receipt {receipt} belongs to {other}.")
    on_statement = tx.scalar(_ON_STATEMENT, facts)
    if on_statement == payout.amount_cents:
        return Proof(Class.SUCCESS, f"{receipt} is on M-PESA's statement", receipt)
    if on_statement is None and tx.scalar(_SAID_WITH_RECEIPT, facts):
        return Proof(Class.SUCCESS, f"M-PESA named {receipt} with this amount", receipt)
    raise ProofMissing(
        f"Nothing of M-PESA's shows {receipt} with this amount."
        " Import the statement of that day: `baraza reconcile FILE.csv`."
    )


def _release(tx: Tx, payout: Payout) -> Proof:
    """Not on the statement, not known to M-PESA, and a day has passed since the last call."""
    called_first, called_last = tx.execute(_CALLS, {"id": payout.id}).one()
    if payout.state in UNSENT_STATES and called_last is None:
        return Proof(Class.NEVER_SENT, "no call was ever made")
    _stands(payout, payout.state in SENT_STATES and called_last is not None)
    at = claims.now(tx)
    if at < called_last + PATIENCE:
        raise ProofMissing(f"Its last call is less than {PATIENCE} ago; M-PESA may yet pay it.")
    told = tx.execute(_TOLD, {"id": payout.id}).one()
    if told.on_statement:
        raise ProofMissing("M-PESA's statement shows that it was paid. Settle it.")
    if told.denied_at is None or told.denied_at < max(called_last, at - FRESH):
        raise ProofMissing(
            "There is no fresh answer of M-PESA's that it does not know it or did not pay it."
            f" `baraza cases ask {payout.reference}` asks."
        )
    if told.alive_at is not None and told.alive_at > called_last and told.alive_at > told.denied_at:
        raise ProofMissing("M-PESA's latest answer is that it is paid or at work.")
    covered_until = tx.scalar(_COVERED_UNTIL, {"since": called_first})
    if covered_until is None or covered_until < called_last + PATIENCE:
        raise ProofMissing(
            "No statement shows the whole day after its calls."
            " Import those that do: `baraza reconcile FILE.csv`."
        )
    like_it = tx.scalar(_LOOKS_LIKE_IT, {"since": called_first, "cents": payout.amount_cents})
    if like_it is not None:
        raise ProofMissing(f"{like_it} on the statement has its amount and belongs to no payout.")
    return Proof(
        Class.DEFINITE_NO,
        f"not on the statement until {covered_until:%d/%m/%Y}, not known to M-PESA",
    )


def _uphold(tx: Tx, payout: Payout) -> Proof:
    contradicted = payout.frozen or tx.execute(_TOLD, {"id": payout.id}).one().taken_back
    _stands(payout, payout.state in ENDED_STATES and bool(contradicted))
    return Proof(Class.UPHELD, "no money moves")


def _take_back(tx: Tx, payout: Payout) -> Proof:
    _stands(payout, payout.state is State.PAID)
    _has_come_back(tx, payout)
    return Proof(Class.TAKEN_BACK, "M-PESA's statement shows that it was taken back")


def _make_good(tx: Tx, payout: Payout, paid_by: str | None) -> Proof:
    _stands(payout, payout.state is State.RECOVERY)
    if paid_by == "mpesa":
        _has_come_back(tx, payout)
        return Proof(
            Class.MADE_GOOD, "M-PESA's statement shows that it was taken back", code="mpesa"
        )
    return Proof(Class.MADE_GOOD, "the member's savings cover it", code="savings")


def _give_up(_: Tx, payout: Payout) -> Proof:
    _stands(payout, payout.state is State.RECOVERY)
    return Proof(Class.GIVEN_UP, "the SACCO bears the loss")


_WITHOUT_ARGUMENTS: dict[Action, Callable[[Tx, Payout], Proof]] = {
    Action.RELEASE: _release,
    Action.UPHOLD: _uphold,
    Action.TAKE_BACK: _take_back,
    Action.GIVE_UP: _give_up,
}


def _has_come_back(tx: Tx, payout: Payout) -> None:
    if not tx.execute(_TOLD, {"id": payout.id}).one().taken_back:
        raise ProofMissing(
            "No statement of M-PESA's shows that it was taken back."
            " Import the one that does: `baraza reconcile FILE.csv`."
        )


def _stands(payout: Payout, fits: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if not fits:
        stands = f"{payout.state} (frozen)" if payout.frozen else payout.state
        raise NotNow(f"{payout.reference} is {stands}: this cannot be decided about it.")
