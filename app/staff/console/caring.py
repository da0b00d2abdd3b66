"""Who is at what needs a person: taking it, handing it over, putting it off; notes; alerts."""

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from app import audit
from app.operations import alerting
from app.operations.context import context
from app.payouts import cases, owners
from app.staff.console.acts import reason
from app.staff.console.routes import actor, page
from app.staff.permissions import Permission

SUBJECT_MAX = 200


@page("/attention/take", Permission.CARE, post=True)
def take_case() -> ResponseReturnValue:
    """Take a payout from the list of what needs a person."""
    with context().db.transaction() as tx:
        owners.take(tx, request.form.get("reference", "").upper(), by=actor())
    return redirect(url_for("console.attention", done="taken"), 303)


@page("/attention/acknowledge", Permission.CARE, post=True)
def acknowledge_alert() -> ResponseReturnValue:
    """Say that somebody is at an alert. It stays open until it is over."""
    rule, subject = (request.form.get(name, "")[:SUBJECT_MAX] for name in ("rule", "subject"))
    why = reason()
    with context().db.transaction() as tx:
        alerting.acknowledge(tx, rule, subject, reason=why, by=actor())
    return redirect(url_for("console.attention", done="acknowledged"), 303)


@page("/payouts/<reference>/take", Permission.CARE, post=True)
def take_payout(reference: str) -> ResponseReturnValue:
    """Say that oneself is at it."""
    with context().db.transaction() as tx:
        owners.take(tx, reference.upper(), by=actor())
    return _back(reference, "taken")


@page("/payouts/<reference>/hand-over", Permission.CARE, post=True)
def hand_over(reference: str) -> ResponseReturnValue:
    """Give it to a colleague."""
    why, to = reason(), request.form.get("to", "").strip().lower()[:SUBJECT_MAX]
    with context().db.transaction() as tx:
        owners.hand_over(tx, reference.upper(), to=to, reason=why, by=actor())
    return _back(reference, "handed-over")


@page("/payouts/<reference>/put-off", Permission.CARE, post=True)
def put_off(reference: str) -> ResponseReturnValue:
    """Let it rest for some hours."""
    why, hours = reason(), request.form.get("hours", "")
    with context().db.transaction() as tx:
        owners.put_off(
            tx,
            reference.upper(),
            hours=int(hours) if hours.isascii() and hours.isdigit() else 0,
            reason=why,
            by=actor(),
        )
    return _back(reference, "put-off")


@page("/payouts/<reference>/note", Permission.CARE, post=True)
def write_note(reference: str) -> ResponseReturnValue:
    """Keep a note about a payout, on record like everything else about it."""
    text, named = reason(), reference.upper()
    with context().db.transaction() as tx:
        cases.taken(tx, named)
        audit.record(tx, "payout_noted", by=actor(), reference=named, reason=text)
    return _back(reference, "noted")


def _back(reference: str, done: str) -> ResponseReturnValue:
    return redirect(url_for("console.payout", reference=reference.upper(), done=done), 303)
