"""What one person may do about a payout: ask M-PESA, send again, look at who the member is."""

from datetime import timedelta

import sqlalchemy as sa
from flask import redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from app import audit, clock
from app.db import Tx
from app.errors import Refused
from app.messages import resending
from app.operations.context import context
from app.payouts import cases
from app.payouts.planning import schedule
from app.staff.console.payout import REVEALED
from app.staff.console.routes import actor, page
from app.staff.permissions import Permission

SMS_A_DAY_MAX = 3
"""So often staff may send the texts about one payout again."""
REVEAL_FOR = timedelta(minutes=5)
REASON_MAX = 300

_SENT_TODAY = sa.text(
    "SELECT count(*) FROM staff_action WHERE action = 'sms_resent'"
    " AND detail ->> 'reference' = :reference AND at > now() - interval '1 day'"
)


class NoReason(Refused):
    """This is done for a reason or not at all."""

    code = "CO-01"


class EnoughTexts(Refused):
    """The member was sent the texts about this payout often enough for one day."""

    code = "CO-02"


@page("/payouts/<reference>/ask", Permission.ASK, post=True)
def ask(reference: str) -> ResponseReturnValue:
    """Ask M-PESA about a payout now."""
    with context().db.transaction() as tx:
        cases.ask(tx, reference.upper(), by=actor())
    return _back(reference, "asked")


@page("/payouts/<reference>/resend", Permission.ASK, post=True)
def resend(reference: str) -> ResponseReturnValue:
    """Send M-PESA the same request again, under the same id, while that is safe."""
    plans = schedule(context().settings)
    with context().db.transaction() as tx:
        cases.resend(tx, reference.upper(), plans, by=actor())
    return _back(reference, "sent-again")


@page("/payouts/<reference>/sms/<message>", Permission.ASK, post=True)
def resend_sms(reference: str, message: str) -> ResponseReturnValue:
    """Send the member a text about the payout once more, word for word."""
    why = reason()
    with context().db.transaction() as tx:
        _not_too_often(tx, reference.upper())
        sent = resending.resend(tx, message)
        audit.record(
            tx,
            "sms_resent",
            by=actor(),
            member_no=sent.member_no,
            message=str(sent.id),
            kind=sent.kind,
            reference=sent.reference,
            reason=why,
        )
    return _back(reference, "sms-again")


@page("/payouts/<reference>/reveal", Permission.REVEAL, post=True)
def reveal(reference: str) -> ResponseReturnValue:
    """Show the member's name and number on this payout's page for a while, for a reason."""
    why, named = reason(), reference.upper()
    with context().db.transaction() as tx:
        cases.taken(tx, named)
        audit.record(tx, "personal_data_revealed", by=actor(), reference=named, reason=why)
    until = (clock.now() + REVEAL_FOR).timestamp()
    session[REVEALED] = {**session.get(REVEALED, {}), named: until}
    return _back(reference, "revealed")


def reason() -> str:
    """Why somebody does it, in their own words.

    Raises:
        NoReason: they did not say.
    """
    said = request.form.get("reason", "").strip()
    if not said:
        raise NoReason("Say why: it is kept beside what was done.")
    return said[:REASON_MAX]


def _not_too_often(tx: Tx, reference: str) -> None:
    if tx.execute(_SENT_TODAY, {"reference": reference}).scalar_one() >= SMS_A_DAY_MAX:
        raise EnoughTexts(f"The texts about {reference} went out {SMS_A_DAY_MAX} times today.")


def _back(reference: str, done: str) -> ResponseReturnValue:
    return redirect(url_for("console.payout", reference=reference.upper(), done=done), 303)
