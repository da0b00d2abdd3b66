"""The list of payouts, and the box that finds one by whatever somebody names it with."""

from datetime import datetime

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.money import shillings
from app.operations import payout_search
from app.operations.payout_search import VIEWS, Filter
from app.staff.console.routes import page, reading, shown
from app.staff.permissions import Permission

FIND_MAX = 80
SHILLING_DIGITS_MAX = 9


@page("/payouts", Permission.SEE_PAYOUTS)
def payouts() -> ResponseReturnValue:
    """Payouts, the newest first, by the filters of the address."""
    which = _filter()
    with reading() as tx:
        found = payout_search.listed(tx, which)
    return shown("payouts.html", found=found, which=which, views=VIEWS)


@page("/find", Permission.SEE_PAYOUTS, post=True)
def find() -> ResponseReturnValue:
    """Go to what a reference, a phone number, a receipt or an id names.

    It is sent as a form, so that no phone number stands in an address, a history or a log.
    """
    wanted = request.form.get("wanted", "")[:FIND_MAX]
    with reading() as tx:
        reference = payout_search.one(tx, wanted)
        member_no = None if reference else payout_search.member(tx, wanted)
    if reference:
        return redirect(url_for("console.payout", reference=reference), 303)
    if member_no:
        return redirect(url_for("console.member", member_no=member_no), 303)
    return shown("not_found.html", status=404, wanted=wanted)


def _filter() -> Filter:
    """What the address asks for. Whatever is no filter is left out, so that links stay good."""
    asked = request.args
    view = asked.get("view", "all")
    return Filter(
        view=view if view in VIEWS else "all",
        member_no=asked.get("member", "")[:FIND_MAX].upper(),
        from_cents=_cents(asked.get("from", "")),
        before=_moment(asked.get("before", "")),
    )


def _cents(text: str) -> int | None:
    digits = text.replace(",", "").strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= SHILLING_DIGITS_MAX):
        return None
    return shillings(int(digits))


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
