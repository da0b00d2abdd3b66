"""The float: what is there, what may be spent of it, and how long that lasts."""

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from app import audit
from app.money import CENTS_PER_SHILLING
from app.operations import float_view
from app.operations.context import context
from app.operations.float_forecast import HOURS
from app.operations.float_view import FloatView
from app.providers import balance_queries
from app.staff.console import drawing
from app.staff.console.drawing import Chart
from app.staff.console.routes import actor, page, reading, shown
from app.staff.permissions import Permission


@page("/float", Permission.SEE_FLOAT)
def float_money() -> ResponseReturnValue:
    """The float now, a day back and a day ahead, and what went out on each of the last days."""
    reserve_kes = context().settings.float_reserve_kes
    with reading() as tx:
        view = float_view.read(tx, reserve_cents=reserve_kes * CENTS_PER_SHILLING)
        days = float_view.days(tx)
        stopped_by = float_view.stopped(tx)
        question = balance_queries.last(tx)
    return shown(
        "float.html",
        view=view,
        days=days,
        stopped_by=stopped_by,
        question=question,
        reserve_cents=reserve_kes * CENTS_PER_SHILLING,
        picture=_picture(view, reserve_kes=reserve_kes) if view else None,
    )


@page("/float/ask", Permission.ASK_FLOAT, post=True)
def ask_float() -> ResponseReturnValue:
    """Have M-PESA asked for the balance now, unless it is being asked already."""
    by = actor()
    with context().db.transaction() as tx:
        is_new = balance_queries.want(tx, by=by.title)
        if is_new:
            audit.record(tx, "float_asked", by=by)
    return redirect(url_for("console.float_money", done="asked" if is_new else "asking"), 303)


def _picture(view: FloatView, *, reserve_kes: int) -> Chart:
    """Hour by hour: what was, what is to be expected, and the reserve."""
    was = [_kes(one.float_cents) for one in view.hours]
    ahead = [_kes(max(0, cents)) for cents in (view.spendable_cents, *view.forecast.left_cents)]
    series = [[*was, *[None] * HOURS], [*[None] * (HOURS - 1), *ahead]]
    if reserve_kes:
        series.append([float(reserve_kes)] * (2 * HOURS))
    return drawing.lines(series)


def _kes(cents: int | None) -> float | None:
    return None if cents is None else cents / CENTS_PER_SHILLING
