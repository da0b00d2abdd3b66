"""What withdrawals cost members: the tariff in force, those before, and asking for another."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.db import Tx
from app.errors import Refused
from app.operations import tariff_by_two, who_set
from app.operations.context import context
from app.operations.who_set import LISTED_MAX, Book
from app.payouts import dated, tariff_plans
from app.payouts import tariffs as book
from app.payouts.tariff_plans import NothingNew
from app.payouts.tariffs import BadTariff
from app.staff import approvals
from app.staff.approval_kinds import Asked, Effect, Kind
from app.staff.console.acts import reason
from app.staff.console.limits import BadField, since
from app.staff.console.routes import actor, bp, page, reading, shown, trying
from app.staff.permissions import Permission

TABLE_MAX = 10_000
"""Characters of a table; the longest one that is allowed has fewer."""


@page("/tariffs", Permission.SEE_PAYOUTS)
def tariffs() -> ResponseReturnValue:
    """What holds now, what held before and will."""
    with reading() as tx:
        today = dated.today(tx)
        facts: dict[str, Any] = {
            "today": today,
            "tariff": book.in_force(tx, today),
            "excise": book.excise_in_force(tx, today),
            "plan": tariff_plans.plan(tx, (), day=today),
            "history": book.history(tx)[:LISTED_MAX],
            "rates": book.excise_history(tx)[:LISTED_MAX],
            "settings": who_set.settings(tx, Book.TARIFFS),
            "rate_settings": who_set.settings(tx, Book.EXCISE),
        }
    return shown("tariffs.html", **facts)


@page("/tariffs/ask", Permission.ASK_FOR_LIMITS)
def another_tariff() -> ResponseReturnValue:
    """The form for another tariff, as it is today."""
    with reading() as tx:
        today = dated.today(tx)
        table = tariff_plans.as_csv(tariff_plans.bands(book.in_force(tx, today)))
    typed = {"table": table, "since": (today + timedelta(days=1)).isoformat()}
    return _form(typed, today=today)


@page("/tariffs/preview", Permission.ASK_FOR_LIMITS, post=True)
def preview_tariff() -> ResponseReturnValue:
    """What would change. Nothing is kept yet; what does not fit is said above the form."""
    try:
        with trying() as tx:
            _, effect = _asked(tx)
    except (BadField, BadTariff, NothingNew, dated.InThePast) as wrong:
        with reading() as tx:
            today = dated.today(tx)
        return _form(request.form, today=today, wrong=wrong)
    return shown("tariffs_preview.html", plan=effect.tariff, given=request.form)


@page("/tariffs/ask", Permission.ASK_FOR_LIMITS, post=True)
def ask_for_tariff() -> ResponseReturnValue:
    """Keep the request; it waits for somebody else."""
    with context().db.transaction() as tx:
        number, _ = _asked(tx)
    return redirect(url_for("console.approval", number=number, done="asked"), 303)


def _asked(tx: Tx) -> tuple[int, Effect]:
    """What the form of the current request asks for, as a request, and what comes of it."""
    day, table = since(request.form), request.form.get("table", "")
    if len(table) > TABLE_MAX:
        raise BadField(f"A table has at most {TABLE_MAX:,} characters.")
    wanted = tariff_by_two.detail(book.parse(table.strip().splitlines()))
    asked = Asked(Kind.SET_TARIFF, day.isoformat(), reason(), wanted)
    return approvals.ask(tx, asked, by=actor())


def _form(
    typed: Mapping[str, str], *, today: date, wrong: Refused | None = None
) -> ResponseReturnValue:
    status = 409 if wrong else 200
    return shown("tariffs_ask.html", status=status, typed=typed, wrong=wrong, today=today)


@bp.app_template_filter()
def percent(basis_points: int) -> str:
    """`15 %` or `17.5 %`."""
    return f"{Decimal(basis_points) / 100:f} %"
