"""Who did what, to whom, when, from where and why: the record that is only ever added to."""

from flask import request
from flask.typing import ResponseReturnValue

from app import audit as acts
from app import clock
from app.csv_out import Cell
from app.operations import record_seals
from app.operations.context import context
from app.staff import audit
from app.staff.audit import Act
from app.staff.console import files
from app.staff.console.routes import actor, number_given, page, reading, shown
from app.staff.permissions import Permission

TEXT_MAX = 80
COLUMNS = ("id", "at", "who", "action", "about", "reason", "from", "detail")
"""Of the file."""


@page("/record", Permission.SEE_RECORD)
def record() -> ResponseReturnValue:
    """The newest first; all, or what is about one payout, member or colleague."""
    about = _about()
    with reading() as tx:
        found = audit.listed(tx, about=about, before=number_given("before"))
        seals = record_seals.read(tx)
    rows_max = files.EXPORT_ROWS_MAX
    return shown("record.html", found=found, about=about, seals=seals, rows_max=rows_max)


@page("/record/seals", Permission.SEE_RECORD)
def record_seals_page() -> ResponseReturnValue:
    """Every hash of the record worked out anew: whether it still holds what it held."""
    with reading() as tx:
        began = clock.now()
        findings = record_seals.verify(tx)
        seals = record_seals.read(tx)
    took_s = (clock.now() - began).total_seconds()
    return shown("seals.html", findings=findings, seals=seals, took_s=took_s)


@page("/record.csv", Permission.EXPORT_RECORD)
def record_csv() -> ResponseReturnValue:
    """The record as a file, by the same filter, and on record itself."""
    about = _about()
    with reading() as tx:
        found = audit.listed(tx, about=about, limit=files.EXPORT_ROWS_MAX + 1)
    cut = len(found) > files.EXPORT_ROWS_MAX
    kept = found[: files.EXPORT_ROWS_MAX]
    with context().db.transaction() as tx:
        acts.record(tx, "record_exported", by=actor(), rows=len(kept), about=about)
    return files.as_csv("record", COLUMNS, map(_exported, kept), cut=cut)


def _about() -> str:
    return request.args.get("about", "").strip()[:TEXT_MAX]


def _exported(one: Act) -> tuple[Cell, ...]:
    detail = "; ".join(f"{name}: {value}" for name, value in one.more.items())
    return (one.id, one.at, one.who, one.action, one.about, one.reason, one.source, detail)
