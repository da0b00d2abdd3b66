"""Who did what, to whom, when, from where and why: the record that is only ever added to."""

from flask import request
from flask.typing import ResponseReturnValue

from app import clock
from app.operations import record_seals
from app.staff import audit
from app.staff.console.routes import page, reading, shown
from app.staff.permissions import Permission

TEXT_MAX = 80


@page("/record", Permission.SEE_RECORD)
def record() -> ResponseReturnValue:
    """The newest first; all, or what is about one payout, member or colleague."""
    about = request.args.get("about", "").strip()[:TEXT_MAX]
    before = request.args.get("before", "")
    with reading() as tx:
        found = audit.listed(
            tx, about=about, before=int(before) if before.isascii() and before.isdigit() else None
        )
        seals = record_seals.read(tx)
    return shown("record.html", found=found, about=about, seals=seals)


@page("/record/seals", Permission.SEE_RECORD)
def record_seals_page() -> ResponseReturnValue:
    """Every hash of the record worked out anew: whether it still holds what it held."""
    with reading() as tx:
        began = clock.now()
        findings = record_seals.verify(tx)
        seals = record_seals.read(tx)
    took_s = (clock.now() - began).total_seconds()
    return shown("seals.html", findings=findings, seals=seals, took_s=took_s)
