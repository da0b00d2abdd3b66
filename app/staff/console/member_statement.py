"""A member's statement, handed out for a reason that is recorded."""

from datetime import date

from flask import request
from flask.typing import ResponseReturnValue

from app import audit, clock
from app.clock import NAIROBI
from app.operations import member_file, member_statement
from app.operations.context import context
from app.operations.member_statement import NoAccount, NoPeriod, Period
from app.staff.console import files
from app.staff.console.acts import reason
from app.staff.console.routes import actor, page, reading
from app.staff.permissions import Permission

ACCOUNT_DIGITS_MAX = 18


@page("/members/<member_no>/statement.pdf", Permission.MAKE_STATEMENT, post=True)
def make_statement(member_no: str) -> ResponseReturnValue:
    """What the ledger says of her account between two days, as a paper; first it is on record."""
    # The library that makes papers takes 40 MB, which a process needs that makes one.
    from app.staff.console import statement_paper

    why = reason()
    period = Period(_day("from"), _day("until"))
    if period.until > clock.now().astimezone(NAIROBI).date():
        raise NoPeriod("The last day has not come yet.")
    with reading() as tx:
        member = member_file.found(tx, member_no)
        found = member_statement.read(tx, member, account_id=_account(), period=period)
    with context().db.transaction() as tx:
        audit.record(
            tx,
            "statement_made",
            by=actor(),
            member_no=member.member_no,
            account=found.account.account_id,
            since=period.since.isoformat(),
            until=period.until.isoformat(),
            reason=why,
        )
    paper = statement_paper.made(found, house=context().settings.sacco_name)
    return files.as_pdf(f"statement-{member.member_no}-{period.until}", paper)


def _day(field: str) -> date:
    try:
        return date.fromisoformat(request.form.get(field, ""))
    except ValueError:
        raise NoPeriod("Choose the first and the last day; a day is written 2026-11-23.") from None


def _account() -> int | None:
    typed = request.form.get("account", "")
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) <= ACCOUNT_DIGITS_MAX):
        raise NoAccount("There is no such account.")
    return int(typed)
