"""A closed day's signed report as a paper, with what proves it."""

from typing import Any

from app import clock
from app.clock import NAIROBI
from app.money import kes
from app.operations.reconciliation.day import Closed
from app.operations.state_titles import TITLES
from app.payouts.states import State
from app.pdf import Column, Paper
from app.providers.mpesa_statement import Movement
from app.staff.console.showing import MOVEMENTS
from app.staff.console.words import text

TITLE = "Report of {day}"


def made(closed: Closed, report: dict[str, Any], wrong: list[str], *, house: str) -> bytes:
    """What the page of the day shows, as PDF.

    Args:
        closed: The day and its signature.
        report: What the signed report says.
        wrong: What does not hold of it any more; nothing if it is as it was signed.
        house: The SACCO's name.
    """
    title = text(TITLE, day=f"{closed.day:%d/%m/%Y}")
    paper = Paper(title, house=house, made_at=clock.now(), page=text("page"))
    paper.facts(
        [
            (text("Closed"), f"{closed.closed_at.astimezone(NAIROBI):%d/%m/%Y %H:%M:%S}"),
            (text("By"), closed.closed_by),
            (text("Rules of the books that hold"), str(report["rules_that_hold"])),
            (text("State"), text("changed since") if wrong else text("as it was signed")),
        ]
    )
    for fault in wrong:
        paper.paragraph(fault)
    _payouts(paper, report["payouts"])
    _books(paper, report["accounts"])
    _statement(paper, report["statement"])
    _explained(paper, report["explained"])
    _proof(paper, closed, report["books"]["head"])
    return paper.written()


def _payouts(paper: Paper, rows: list[dict[str, Any]]) -> None:
    paper.heading(text("Payouts"))
    columns = [
        Column(text("State"), 3),
        Column(text("Number"), 1, right=True),
        Column(text("Amount"), 2, right=True),
        Column(text("With fee and duty"), 2, right=True),
    ]
    cells = [
        (
            text(TITLES[State(one["state"])]),
            f"{one['payouts']:,}",
            kes(one["amount_cents"]),
            kes(one["total_cents"]),
        )
        for one in rows
    ]
    paper.table(columns, cells)


def _books(paper: Paper, rows: list[dict[str, Any]]) -> None:
    paper.heading(text("In the books"))
    columns = [
        Column(text("Account"), 4),
        Column(text("Debit"), 2, right=True),
        Column(text("Credit"), 2, right=True),
    ]
    cells = [
        (f"{one['gl_code']} {one['name']}", kes(one["debit_cents"]), kes(one["credit_cents"]))
        for one in rows
    ]
    paper.table(columns, cells)


def _statement(paper: Paper, rows: list[dict[str, Any]]) -> None:
    paper.heading(text("M-PESA's statement"))
    columns = [
        Column(text("What"), 4),
        Column(text("Lines"), 1, right=True),
        Column(text("Amount"), 2, right=True),
    ]
    cells = [
        (text(MOVEMENTS[Movement(one["kind"])]), f"{one['lines']:,}", kes(one["cents"]))
        for one in rows
    ]
    paper.table(columns, cells)


def _explained(paper: Paper, rows: list[dict[str, Any]]) -> None:
    """Differences that stand, and who said why."""
    if not rows:
        return
    paper.heading(text("Explained"))
    columns = [
        Column(text("What"), 2),
        Column(text("Amount"), 2, right=True),
        Column(text("Why"), 4),
        Column(text("By"), 3),
    ]
    cells = [(one["subject"], kes(one["cents"]), one["explanation"], one["by"]) for one in rows]
    paper.table(columns, cells)


def _proof(paper: Paper, closed: Closed, head: dict[str, Any] | None) -> None:
    paper.heading(text("Proof"))
    if head:
        paper.facts([(text("Head of the books"), f"{head['block_no']} {head['hash']}")])
    paper.facts(
        [
            ("SHA-256", closed.sha256),
            (f"{text('Signature')} (Ed25519)", closed.signature),
            (text("Public key"), closed.public_key),
        ]
    )
    paper.small(
        text(
            "The signature is over the report as Baraza keeps it, word for word; this is its print."
        )
    )
