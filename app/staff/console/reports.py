"""Withdrawals by day and by month, on a page and as a file."""

import re
from datetime import date

from flask import request
from flask.typing import ResponseReturnValue

from app import csv_out
from app.clock import NAIROBI, now
from app.csv_out import Cell
from app.operations import payout_report
from app.operations.payout_report import Figures, Line
from app.staff.console import files
from app.staff.console.routes import page, reading, shown
from app.staff.permissions import Permission

COLUMNS = (
    "from", "asked", "paid", "paid_kes", "given_back", "declined", "paid_after_all", "in_doubt",
    "on_the_way", "fees_kes", "duty_kes",
)  # fmt: skip
"""Of the file."""
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


@page("/reports", Permission.SEE_REPORTS)
def reports() -> ResponseReturnValue:
    """The days of one month, or the last twelve months."""
    today, month = _today(), _month()
    lines = _lines()
    with reading() as tx:
        counted_at = payout_report.counted_at(tx) if _by_month() else None
    return shown(
        "reports.html",
        lines=lines,
        counted_at=counted_at,
        total=payout_report.total(lines),
        by_month=_by_month(),
        month=month,
        before=payout_report.month_before(month),
        after=payout_report.next_month(month) if month < today.replace(day=1) else None,
    )


@page("/reports.csv", Permission.SEE_REPORTS)
def reports_csv() -> ResponseReturnValue:
    """The same as a file, with the sum as its last line."""
    lines = _lines()
    rows = [_row(f"{one.begins}", one.figures) for one in lines]
    rows.append(_row("total", payout_report.total(lines)))
    about = "months" if _by_month() else f"days-of-{_month():%Y-%m}"
    return files.as_csv(about, COLUMNS, rows)


def _lines() -> list[Line]:
    with reading() as tx:
        if _by_month():
            return payout_report.by_month(tx, today=_today())
        return payout_report.by_day(tx, _month(), today=_today())


def _by_month() -> bool:
    return request.args.get("by") == "month"


def _month() -> date:
    """The first day of the month that the address names; whatever is none is the present one."""
    present = _today().replace(day=1)
    asked = _MONTH.fullmatch(request.args.get("month", ""))
    return min(date(int(asked[1]), int(asked[2]), 1), present) if asked else present


def _today() -> date:
    return now().astimezone(NAIROBI).date()


def _row(begins: str, of: Figures) -> tuple[Cell, ...]:
    return (
        begins,
        of.asked,
        of.paid,
        csv_out.shillings(of.paid_cents),
        of.given_back,
        of.declined,
        of.paid_after_all,
        of.in_doubt,
        of.on_the_way,
        csv_out.shillings(of.fee_cents),
        csv_out.shillings(of.duty_cents),
    )
