"""A member's statement as a paper to print, in the language of whoever makes it."""

from app import clock
from app.clock import NAIROBI
from app.ledger.entries import Kind
from app.ledger.statements import StatementLine
from app.money import kes
from app.operations.member_statement import Statement
from app.pdf import Column, Paper
from app.staff.console.words import text

WHAT = {
    Kind.OPENING: "Brought in from the books before",
    Kind.RESERVE: "Withdrawal by phone, with fee and duty",
    Kind.COMPENSATE: "Withdrawal by phone, given back",
    Kind.RECOVERED: "Paid back to the SACCO",
    Kind.RETURNED: "Taken back by M-PESA, given back to savings",
    Kind.DEPOSIT: "Deposit",
    Kind.WITHDRAWAL: "Withdrawal at the counter",
    Kind.SALARY: "Salary",
    Kind.CORRECTION: "Correction",
}
"""What a member calls the movements of her account."""
OTHER = "Movement"
TITLE = "Statement of savings"


def made(one: Statement, *, house: str) -> bytes:
    """The statement as PDF."""
    paper = Paper(text(TITLE), house=house, made_at=clock.now(), page=text("page"))
    paper.facts(
        [
            (text("Member number"), one.member.member_no),
            (text("Name"), one.member.name),
            (text("Account"), one.account.name or one.account.product),
            (text("Period"), f"{_day(one.period.since)} - {_day(one.period.until)}"),
            (text("Made at"), f"{clock.now().astimezone(NAIROBI):%d/%m/%Y %H:%M}"),
        ]
    )
    columns = [
        Column(text("Date"), 2.3),
        Column(text("What"), 5),
        Column(text("Reference"), 3.2),
        Column(text("In"), 3, right=True),
        Column(text("Out"), 3, right=True),
        Column(text("Balance"), 3.2, right=True),
    ]
    before = ("", text("Opening balance"), "", "", "", kes(one.opening_cents))
    after = (
        "",
        text("Closing balance"),
        "",
        kes(one.in_cents),
        kes(one.out_cents),
        kes(one.closing_cents),
    )
    paper.table(columns, [before, *map(_row, one.lines), after])
    if not one.lines:
        paper.paragraph(text("Nothing moved on the account in this period."))
    paper.small(
        text("Made from the ledger, in which no entry is ever changed. All amounts are in KES.")
    )
    return paper.written()


def _row(line: StatementLine) -> tuple[str, ...]:
    what = text(WHAT.get(line.kind, OTHER))
    posted = line.posted_at.astimezone(NAIROBI).date()
    if line.effective_on != posted:
        what = text("{what} (of {day})", what=what, day=_day(line.effective_on))
    return (
        _day(posted),
        what,
        line.reference,
        kes(line.cents) if line.cents > 0 else "",
        kes(-line.cents) if line.cents < 0 else "",
        kes(line.balance_cents),
    )


def _day(day: object) -> str:
    return f"{day:%d/%m/%Y}"
