"""The list of payouts, and the box that finds one by whatever somebody names it with."""

from datetime import datetime

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from app import audit, csv_out
from app.csv_out import Cell
from app.money import shillings
from app.operations import payout_search
from app.operations.context import context
from app.operations.payout_search import VIEWS, Filter, Found
from app.staff.console import files
from app.staff.console.routes import actor, page, reading, shown
from app.staff.permissions import Permission

FIND_MAX = 80
SHILLING_DIGITS_MAX = 9
COLUMNS = (
    "reference", "requested_at", "member_no", "first_name", "phone", "amount_kes",
    "fee_and_duty_kes", "state", "frozen", "state_since", "mpesa_receipt", "calls",
)  # fmt: skip
"""Of the file."""


@page("/payouts", Permission.SEE_PAYOUTS)
def payouts() -> ResponseReturnValue:
    """Payouts, the newest first, by the filters of the address."""
    which = _filter()
    with reading() as tx:
        found = payout_search.listed(tx, which)
    return shown(
        "payouts.html", found=found, which=which, views=VIEWS, rows_max=files.EXPORT_ROWS_MAX
    )


@page("/payouts.csv", Permission.EXPORT_PAYOUTS)
def payouts_csv() -> ResponseReturnValue:
    """The list as a file, by the same filters, and on record before anybody has it."""
    which = _filter()
    with reading() as tx:
        found = payout_search.listed(tx, which, limit=files.EXPORT_ROWS_MAX)
    with context().db.transaction() as tx:
        audit.record(
            tx,
            "payouts_exported",
            by=actor(),
            rows=len(found.payouts),
            view=which.view,
            of_member=which.member_no,
            from_cents=which.from_cents,
        )
    rows = map(_exported, found.payouts)
    return files.as_csv("payouts", COLUMNS, rows, cut=found.older is not None)


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


def _exported(one: Found) -> tuple[Cell, ...]:
    return (
        one.reference,
        one.requested_at,
        one.member_no,
        one.first_name,
        one.phone,
        csv_out.shillings(one.amount_cents),
        csv_out.shillings(one.fee_cents),
        one.state.value,
        "yes" if one.frozen else "no",
        one.state_since,
        one.receipt,
        one.calls,
    )


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
