"""Who did what, to whom, when, from where and why: the record that is only ever added to."""

from flask import request
from flask.typing import ResponseReturnValue

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
    return shown("record.html", found=found, about=about)
