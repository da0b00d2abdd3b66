"""Incidents: who must be told until when, who was, and the draft of what to tell them."""

from datetime import datetime

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.clock import NAIROBI, now
from app.money import shillings
from app.operations import incident_report, incidents
from app.operations.context import context
from app.operations.incident_clocks import CLOCKS, Told
from app.operations.incident_report import Draft
from app.operations.incidents import Facts, NotAnIncident
from app.staff.console import files
from app.staff.console.acts import reason
from app.staff.console.routes import actor, page, reading, shown
from app.staff.permissions import Permission

DIGITS_MAX = 9
"""Of members, and of whole shillings: more is a slip."""
YEAR_MIN = 2000


@page("/incidents", Permission.SEE_REPORTS)
def incidents_list() -> ResponseReturnValue:
    """Open incidents first; for managers with the form that opens one."""
    with reading() as tx:
        found = incidents.listed(tx)
    return shown("incidents.html", found=found, now=_present(), right_now=now())


@page("/incidents", Permission.KEEP_INCIDENTS, post=True)
def open_incident() -> ResponseReturnValue:
    """Write down what is known. The clocks run from the moment at which we became aware."""
    facts = _facts()
    with context().db.transaction() as tx:
        number = incidents.begin(tx, facts, by=actor())
    return redirect(url_for("console.incident", number=number), 303)


@page("/incidents/<int:number>", Permission.SEE_REPORTS)
def incident(number: int) -> ResponseReturnValue:
    """Its clocks, what is known, what was added, and the way to the draft."""
    with reading() as tx:
        found = incidents.one(tx, number)
    return shown("incident.html", one=found, now=_present(), right_now=now(), clocks=CLOCKS)


@page("/incidents/<int:number>/notes", Permission.KEEP_INCIDENTS, post=True)
def note_incident(number: int) -> ResponseReturnValue:
    """Add what was learned since."""
    said = _typed("note", incidents.TEXT_MAX)
    with context().db.transaction() as tx:
        incidents.note(tx, number, said, by=actor())
    return _back(number)


@page("/incidents/<int:number>/notices", Permission.KEEP_INCIDENTS, post=True)
def note_notice(number: int) -> ResponseReturnValue:
    """Write down that somebody was told: who, when, under which reference."""
    try:
        told = Told(request.form.get("told", ""))
    except ValueError:
        raise NotAnIncident("Choose who was told.") from None
    sent_at, reference = _moment("sent"), _typed("reference", incidents.REFERENCE_MAX)
    with context().db.transaction() as tx:
        incidents.tell(tx, number, told, sent_at=sent_at, reference=reference, by=actor())
    return _back(number)


@page("/incidents/<int:number>/close", Permission.KEEP_INCIDENTS, post=True)
def close_incident(number: int) -> ResponseReturnValue:
    """Close it for good."""
    why = reason()
    with context().db.transaction() as tx:
        incidents.close(tx, number, reason=why, by=actor())
    return _back(number)


@page("/incidents/<int:number>/draft.txt", Permission.SEE_REPORTS)
def incident_text(number: int) -> ResponseReturnValue:
    """The draft to read, and to copy from."""
    return Response(_draft(number).text(), content_type="text/plain; charset=utf-8")


@page("/incidents/<int:number>/draft.pdf", Permission.SEE_REPORTS)
def incident_pdf(number: int) -> ResponseReturnValue:
    """The draft as a paper."""
    # The library that makes papers takes 40 MB, which a process needs that makes one.
    from app.staff.console import incident_paper

    paper = incident_paper.made(_draft(number), house=context().settings.sacco_name)
    return files.as_pdf(f"incident-{number}", paper)


def _draft(number: int) -> Draft:
    with reading() as tx:
        return incident_report.draft(tx, incidents.one(tx, number))


def _facts() -> Facts:
    if request.form.get("personal") not in {"yes", "no"}:
        raise NotAnIncident("Say whether members' data is concerned.")
    shilling = _count("shillings")
    return Facts(
        title=_typed("title", incidents.TITLE_MAX),
        began_at=_moment("began"),
        aware_at=_moment("aware"),
        happened=_typed("happened", incidents.TEXT_MAX),
        personal_data=request.form["personal"] == "yes",
        cbk_applies=request.form.get("cbk") == "yes",
        members=_count("members"),
        amount_cents=None if shilling is None else shillings(shilling),
    )


def _typed(field: str, letters_max: int) -> str:
    said = request.form.get(field, "").strip()
    if not said:
        raise NotAnIncident("Fill in every field that is not marked as one for later.")
    return said.replace("\r\n", "\n").replace("\x00", "")[:letters_max]


def _moment(field: str) -> datetime:
    try:
        local = datetime.fromisoformat(request.form.get(field, ""))
    except ValueError:
        raise NotAnIncident("A moment is written 2026-11-23T10:02.") from None
    if local.year < YEAR_MIN:
        raise NotAnIncident("Baraza keeps incidents of this century.")
    return local.replace(tzinfo=NAIROBI)


def _count(field: str) -> int | None:
    typed = request.form.get(field, "").replace(",", "").strip()
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) <= DIGITS_MAX):
        raise NotAnIncident("A number is written in digits; leave it empty if it is not known.")
    return int(typed)


def _present() -> str:
    """For fields that take a moment."""
    return f"{now().astimezone(NAIROBI):%Y-%m-%dT%H:%M}"


def _back(number: int) -> ResponseReturnValue:
    return redirect(url_for("console.incident", number=number), 303)
