"""What members may draw: the limits in force, those before, and asking for others."""

from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.db import Tx
from app.errors import Refused
from app.money import kes_short, shillings
from app.operations import limits_by_two, quiet_ahead, who_set
from app.operations.context import context
from app.operations.who_set import Book
from app.payouts import claims, dated, limit_book, limit_plans
from app.payouts import limits as rules
from app.payouts.limit_book import BadLimits
from app.payouts.limit_plans import HOURS_MAX, NEEDED, SHILLINGS_MAX, WORDS, NothingNew
from app.payouts.limits import COLUMNS, Limits
from app.staff import approvals
from app.staff.approval_kinds import Asked, Effect, Kind
from app.staff.console import words
from app.staff.console.acts import reason
from app.staff.console.routes import actor, bp, page, reading, shown, trying
from app.staff.permissions import Permission

TIMES = ("night_from", "night_to")
NO_LIMIT, YES, NO, HOURS = "no limit", "yes", "no", "{n} h"
VALUES = (NO_LIMIT, YES, NO, HOURS)
"""How limits are worded besides amounts and times."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class BadField(Refused):
    """What was typed for a limit is no amount, time, number of hours or day."""

    code = "CO-13"


@page("/limits", Permission.SEE_PAYOUTS)
def limits() -> ResponseReturnValue:
    """What holds now, what held before and will, and the quiet hours ahead."""
    with reading() as tx:
        today = dated.today(tx)
        now = limit_book.in_force(tx, today)
        facts: dict[str, Any] = {
            "today": today,
            "in_force": limit_plans.columns_or_none(now) if now else None,
            "range": rules.shown(tx) if now else None,
            "is_quiet": now is not None and rules.quiet_at(tx, now, claims.now(tx)),
            "quiet": quiet_ahead.next_quiet(tx, now) if now else None,
            "plan": limit_plans.plan(tx, now, day=today) if now else None,
            "holidays": quiet_ahead.holidays(tx, now),
            "history": limit_book.history(tx)[: who_set.LISTED_MAX],
            "settings": who_set.settings(tx, Book.LIMITS),
        }
    return shown("limits.html", **facts)


@page("/limits/ask", Permission.ASK_FOR_LIMITS)
def other_limits() -> ResponseReturnValue:
    """The form for other limits, as they are today."""
    with reading() as tx:
        today = dated.today(tx)
        now = limit_plans.columns_or_none(limit_book.in_force(tx, today))
    typed = {name: _typed(name, now[name]) for name in COLUMNS}
    typed["since"] = (today + timedelta(days=1)).isoformat()
    return _form(typed, today=today)


@page("/limits/preview", Permission.ASK_FOR_LIMITS, post=True)
def preview_limits() -> ResponseReturnValue:
    """What would change. Nothing is kept yet; what does not fit is said above the form."""
    try:
        with trying() as tx:
            day, _, effect = _asked(tx)
    except (BadField, BadLimits, NothingNew, dated.InThePast) as wrong:
        with reading() as tx:
            today = dated.today(tx)
        return _form(request.form, today=today, wrong=wrong)
    return shown("limits_preview.html", plan=effect.limits, day=day, given=request.form)


@page("/limits/ask", Permission.ASK_FOR_LIMITS, post=True)
def ask_for_limits() -> ResponseReturnValue:
    """Keep the request; it waits for somebody else."""
    with context().db.transaction() as tx:
        _, number, _ = _asked(tx)
    return redirect(url_for("console.approval", number=number, done="asked"), 303)


def _asked(tx: Tx) -> tuple[date, int, Effect]:
    """What the form of the current request asks for, as a request, and what comes of it."""
    day, wanted = since(request.form), _limits(request.form)
    asked = Asked(Kind.SET_LIMITS, day.isoformat(), reason(), limits_by_two.detail(wanted))
    number, effect = approvals.ask(tx, asked, by=actor())
    return day, number, effect


def _form(
    typed: Mapping[str, str], *, today: date, wrong: Refused | None = None
) -> ResponseReturnValue:
    return shown(
        "limits_ask.html",
        status=409 if wrong else 200,
        typed=typed,
        wrong=wrong,
        today=today,
        hours_max=HOURS_MAX,
    )


def since(form: Mapping[str, str]) -> date:
    """The day from which a form asks that something holds.

    Raises:
        BadField: it is no day.
    """
    try:
        return date.fromisoformat(form.get("since", "").strip())
    except ValueError:
        raise BadField("Say from which day it holds, such as 2027-01-31.") from None


def _limits(form: Mapping[str, str]) -> Limits:
    return rules.from_columns({name: _value(name, form.get(name, "")) for name in COLUMNS})


def _value(name: str, typed: str) -> Any:
    """What was typed for a column.

    Raises:
        BadField: it cannot be that.
    """
    text = typed.strip().replace(",", "")
    if name == "quiet_holidays":
        return text == "yes"
    if not text and name not in NEEDED:
        return 0 if name in HOURS_MAX else None
    if name in TIMES:
        try:
            return time.fromisoformat(text[:5])
        except ValueError:
            raise BadField(f'"{WORDS[name]}" needs a time such as 20:00.') from None
    least, most = (0, HOURS_MAX[name]) if name in HOURS_MAX else (1, SHILLINGS_MAX)
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    if not is_number or not least <= int(text) <= most:
        raise BadField(f'"{WORDS[name]}" needs a whole number from {least} to {most:,}.')
    return int(text) if name in HOURS_MAX else shillings(int(text))


def _typed(name: str, value: Any) -> str:
    """A value as it stands in its field."""
    if value is None:
        return ""
    if name.endswith("_cents"):
        return kes_short(value).removeprefix("KES ").replace(",", "")
    if isinstance(value, bool):
        return "yes" if value else ""
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)


@bp.app_template_filter("limit")
def limit_value(value: Any, name: str) -> str:
    """`KES 70,000`, `20:00`, `12 h`, `yes` or `no limit`, by the column."""
    if value is None:
        return words.text(NO_LIMIT)
    if name.endswith("_cents"):
        return kes_short(value)
    if isinstance(value, bool):
        return words.text(YES if value else NO)
    return f"{value:%H:%M}" if isinstance(value, time) else words.text(HOURS, n=str(value))


@bp.app_template_filter()
def weekday(day: date) -> str:
    """`Fri`, in English."""
    return WEEKDAYS[day.weekday()]


@bp.app_context_processor
def _words() -> dict[str, Any]:
    """What previews call each limit."""
    return {"WORDS": WORDS}
