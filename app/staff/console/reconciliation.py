"""M-PESA's statement beside our books: bring it in, explain what differs, sign the day."""

from datetime import date, datetime, timedelta

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.clock import NAIROBI, now
from app.errors import Refused
from app.operations.context import context
from app.operations.reconciliation import day as days
from app.operations.reconciliation import importing, matching
from app.providers import mpesa_statement
from app.staff.console import files
from app.staff.console.acts import reason
from app.staff.console.routes import actor, page, reading, shown, step_up
from app.staff.permissions import Permission

FILE_BYTES_MAX = 10 * 1024 * 1024
DAYS_SHOWN = 31
BREAKS_SHOWN = 500


class NoFile(Refused):
    """No file was chosen."""

    code = "CO-10"


class NoDay(Refused):
    """What was typed is no day."""

    code = "CO-11"


@page("/reconciliation", Permission.SEE_RECONCILIATION)
def reconciliation() -> ResponseReturnValue:
    """What waits, what was explained, and the days that were signed."""
    with reading() as tx:
        found = matching.listed(tx, everything=False, limit=BREAKS_SHOWN)
        closed = days.latest(tx, limit=DAYS_SHOWN)
    yesterday = (now().astimezone(NAIROBI) - timedelta(days=1)).date()
    return shown("reconciliation.html", breaks=found, closed=closed, yesterday=yesterday)


@page("/reconciliation/upload", Permission.RECONCILE, post=True, bytes_max=FILE_BYTES_MAX)
def upload_statement() -> ResponseReturnValue:
    """Take a file to look at. Nothing of it is imported yet."""
    file = request.files.get("file")
    data = file.read() if file else b""
    if file is None or not data:
        raise NoFile("Choose the file that M-PESA's portal exported.")
    mpesa_statement.read(data)  # what is no statement is not even kept to be looked at
    with context().db.transaction() as tx:
        sha256 = importing.stage(tx, data, file=file.filename or "statement.csv", by=actor())
    return redirect(url_for("console.statement", digest=sha256.hex()), 303)


@page("/reconciliation/statements/<digest>", Permission.RECONCILE)
def statement(digest: str) -> ResponseReturnValue:
    """What is in the file, before it is imported; or what is the matter with it."""
    with reading() as tx:
        name, data = importing.staged(tx, _sha256(digest))
    read, faults = mpesa_statement.read(data)
    return shown(
        "statement.html",
        name=name,
        digest=digest,
        statement=read,
        sums=importing.sums(read),
        faults=sorted(faults)[:50],
        faults_count=len(faults),
    )


@page("/reconciliation/statements/<digest>/import", Permission.RECONCILE, post=True)
def import_statement(digest: str) -> ResponseReturnValue:
    """Import all of it. A payment on it settles what is in doubt within seconds."""
    with context().db.transaction() as tx:
        name, data = importing.staged(tx, _sha256(digest))
    importing.bring_in(
        context().db,
        data,
        file=name,
        shortcode=context().settings.daraja_shortcode,
        by=actor(),
    )
    return redirect(url_for("console.reconciliation", done="imported"), 303)


@page("/reconciliation/compare", Permission.RECONCILE, post=True)
def compare_again() -> ResponseReturnValue:
    """Compare everything anew: what agrees by now goes away by itself."""
    with context().db.transaction() as tx:
        matching.match(tx)
    return redirect(url_for("console.reconciliation", done="compared"), 303)


@page("/reconciliation/breaks/<int:number>/explain", Permission.RECONCILE, post=True)
def explain_break(number: int) -> ResponseReturnValue:
    """Say why a difference needs no mending. It moves no money, and stays on record."""
    why = reason()
    with context().db.transaction() as tx:
        matching.explain(tx, number, reason=why, by=actor())
    return redirect(url_for("console.reconciliation", done="explained"), 303)


@page("/reconciliation/days", Permission.SIGN_DAY, post=True)
def sign_day() -> ResponseReturnValue:
    """Close a day whose movements all agree, and sign its report."""
    step_up()
    wanted = _day(request.form.get("day", ""))
    secret = context().settings.secret_key.get_secret_value()
    with context().db.transaction() as tx:
        days.seal_all(tx)
    with context().db.transaction() as tx:
        days.close(tx, wanted, secret=secret, by=actor())
    return redirect(url_for("console.closed_day", day=wanted.isoformat()), 303)


@page("/reconciliation/days/<day>", Permission.SEE_RECONCILIATION)
def closed_day(day: str) -> ResponseReturnValue:
    """The report as it was signed, and whether it still holds."""
    wanted = _day(day)
    secret = context().settings.secret_key.get_secret_value()
    with reading() as tx:
        found = days.show(tx, wanted)
        wrong = days.verify(tx, wanted, secret=secret)
    return shown("day.html", closed=found, report=days.contents(found), wrong=wrong)


@page("/reconciliation/<day>.pdf", Permission.SEE_RECONCILIATION)
def closed_day_pdf(day: str) -> ResponseReturnValue:
    """The same as a paper, for the file of the day."""
    # The library that makes papers takes 40 MB, which a process needs that makes one.
    from app.staff.console import day_paper

    wanted = _day(day)
    settings = context().settings
    with reading() as tx:
        found = days.show(tx, wanted)
        wrong = days.verify(tx, wanted, secret=settings.secret_key.get_secret_value())
    paper = day_paper.made(found, days.contents(found), wrong, house=settings.sacco_name)
    return files.as_pdf(f"day-{wanted}", paper)


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=NAIROBI).date()
    except ValueError:
        raise NoDay("A day is written 2026-11-23.") from None


def _sha256(digest: str) -> bytes:
    try:
        return bytes.fromhex(digest)
    except ValueError:
        raise importing.NoSuchUpload("There is no such file; choose it again.") from None
