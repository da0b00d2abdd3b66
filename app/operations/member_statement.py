"""A member's statement: what the ledger says of one of her accounts between two days."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.clock import NAIROBI
from app.db import Tx
from app.errors import Refused
from app.ledger import statements
from app.ledger.statements import StatementLine
from app.members import directory
from app.members.directory import Member, MemberAccount

DAYS_MAX = 731
"""Two years, of which one may have a day more."""
LINES_MAX = 2000


class NoPeriod(Refused):
    """The days do not make a period that a statement can be about."""

    code = "ST-01"


class NoAccount(Refused):
    """The member has no such account."""

    code = "ST-02"


class TooLong(Refused):
    """There are more movements than one paper takes."""

    code = "ST-03"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in Nairobi, both of them within."""

    since: date
    until: date

    def __post_init__(self) -> None:
        if self.until < self.since:
            raise NoPeriod("The last day must not be before the first.")
        if (self.until - self.since).days >= DAYS_MAX:
            raise NoPeriod("A statement is about 24 months at most: make two.")

    @property
    def begins(self) -> datetime:
        """The first moment of it."""
        return datetime(self.since.year, self.since.month, self.since.day, tzinfo=NAIROBI)

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        after = self.until + timedelta(days=1)
        return datetime(after.year, after.month, after.day, tzinfo=NAIROBI)


@dataclass(frozen=True, slots=True)
class Statement:
    """What came in, what went out, and what the member had before and after."""

    member: Member
    account: MemberAccount
    period: Period
    opening_cents: int
    lines: tuple[StatementLine, ...]

    @property
    def in_cents(self) -> int:
        """All that came in."""
        return sum(one.cents for one in self.lines if one.cents > 0)

    @property
    def out_cents(self) -> int:
        """All that went out, without a sign."""
        return -sum(one.cents for one in self.lines if one.cents < 0)

    @property
    def closing_cents(self) -> int:
        """What the member had at the end."""
        return self.lines[-1].balance_cents if self.lines else self.opening_cents


def read(tx: Tx, member: Member, *, account_id: int | None, period: Period) -> Statement:
    """The statement of one of her accounts: of the first if none is named.

    Raises:
        NoAccount: it is not hers, or she has none.
        TooLong: the period has more movements than a statement takes.
    """
    hers = directory.accounts(tx, member.id)
    account = next((one for one in hers if account_id in {None, one.account_id}), None)
    if account is None:
        raise NoAccount(f"{member.member_no} has no such account.")
    opening, lines = statements.between(
        tx, account.account_id, begins=period.begins, ends=period.ends, limit=LINES_MAX + 1
    )
    if len(lines) > LINES_MAX:
        raise TooLong(f"There are more than {LINES_MAX:,} movements: choose fewer days.")
    return Statement(member, account, period, opening, tuple(lines))
