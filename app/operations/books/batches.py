"""Batches of rows from the SACCO's own books: one person proposes, another one has them posted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from app import audit, ids
from app.audit import Actor
from app.csv_rows import Fault
from app.db import Tx, constraint_of
from app.errors import Refused
from app.ledger import entries, posting
from app.ledger.entries import Kind
from app.members.import_plan import batches
from app.operations.books.rows import Row

LINES_MAX = 5_000
"""Rows for one statement, so that none comes near the statement timeout."""
LISTED_MAX = 50

Advance = Callable[[int], None]


class NoSuchBatch(Refused):
    """There is no batch with this number, or somebody has decided on it already."""

    code = "BK-01"


class SamePerson(Refused):
    """Whoever made a batch cannot approve it."""

    code = "BK-02"


class PostedBefore(Refused):
    """The file, or a row's reference, is in another batch that was not rejected."""

    code = "BK-03"


class CannotBePosted(Refused):
    """Some lines cannot be posted as things stand. Nothing was."""

    code = "BK-04"


@dataclass(frozen=True, slots=True)
class Line:
    """A row whose account is known."""

    line: int
    account: int
    kind: Kind
    effective_on: date
    cents: int
    reference: str
    narration: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What `baraza ledger batches` lists."""

    id: int
    state: str
    file: str
    lines: int
    in_cents: int
    out_cents: int
    maker: str
    proposed_at: datetime
    checker: str | None
    decided_at: datetime | None
    reason: str | None


_ACCOUNTS = sa.text("""
    SELECT m.member_no, a.name, a.account_id, b.is_closed
      FROM member m
      LEFT JOIN member_account a ON a.member_id = m.id
      LEFT JOIN ledger.account_balance b USING (account_id)
     WHERE m.member_no = ANY(CAST(:numbers AS text[]))
""")
_CLOSED_THROUGH = sa.text("SELECT max(closed_through) FROM ledger.accounting_period")
_USED = sa.text("""
    SELECT reference, batch_id FROM posting_batch_line
     WHERE NOT is_void AND reference = ANY(CAST(:references AS text[]))
""")
_SAME_FILE = sa.text(
    "SELECT id, state FROM posting_batch WHERE file_sha256 = :sha256 AND state <> 'rejected'"
)
_AVAILABLE = sa.text("""
    SELECT account_id, CASE WHEN is_closed THEN 0
                            ELSE credit_cents - debit_cents - held_cents - min_cents END AS cents
      FROM ledger.account_balance WHERE account_id = ANY(CAST(:accounts AS bigint[]))
""")
_NOW = sa.text("SELECT clock_timestamp()")
_ADD = sa.text("""
    INSERT INTO posting_batch (file_name, file_sha256, line_count, in_cents, out_cents, maker_id)
    VALUES (:file, :sha256, :lines, :in_cents, :out_cents, :maker) RETURNING id
""")
_ADD_LINES = sa.text("""
    INSERT INTO posting_batch_line
           (batch_id, line, entry_id, account_id, kind, effective_on, cents, reference, narration)
    SELECT :batch, * FROM unnest(
           CAST(:lines AS integer[]), CAST(:ids AS uuid[]), CAST(:accounts AS bigint[]),
           CAST(:kinds AS text[]), CAST(:days AS date[]), CAST(:cents AS bigint[]),
           CAST(:references AS text[]), CAST(:narrations AS text[]))
""")
_TAKE = sa.text(
    "SELECT id, maker_id FROM posting_batch WHERE id = :id AND state = 'proposed' FOR UPDATE"
)
_LINES = sa.text("""
    SELECT line, entry_id, account_id, kind, effective_on, cents, reference, narration
      FROM posting_batch_line WHERE batch_id = :id ORDER BY line
""")
_DECIDE = sa.text("""
    UPDATE posting_batch SET state = :state, checker_id = :by, decided_at = now(), reason = :reason
     WHERE id = :id
""")
_LIST = sa.text("""
    SELECT b.id, b.state, b.file_name AS file, b.line_count AS lines, b.in_cents, b.out_cents,
           m.name AS maker, b.proposed_at, c.name AS checker, b.decided_at, b.reason
      FROM posting_batch b
      JOIN staff m ON m.id = b.maker_id
      LEFT JOIN staff c ON c.id = b.checker_id
     ORDER BY b.id DESC LIMIT :limit
""")


def place(tx: Tx, rows: Sequence[Row]) -> tuple[list[Line], list[Fault]]:
    """Find each row's account, and the rows that the books as they are now would refuse."""
    numbers = list({row.member_no for row in rows})
    found = tx.execute(_ACCOUNTS, {"numbers": numbers}).all()
    members = {one.member_no for one in found}
    accounts = {(one.member_no, one.name): one for one in found}
    closed_through = tx.scalar(_CLOSED_THROUGH) or date.min
    used: dict[str, int] = {
        one.reference: one.batch_id
        for one in tx.execute(_USED, {"references": [row.reference for row in rows]})
    }
    lines: list[Line] = []
    faults: list[Fault] = []
    for row in rows:
        account = accounts.get((row.member_no, row.account))
        fault: tuple[str, str, str] | None = None
        if row.member_no not in members:
            fault = ("member_no", "is nobody's", "see `baraza members show`")
        elif account is None or account.account_id is None:
            fault = ("account", "is not one of this member's", "see `baraza members show`")
        elif account.is_closed:
            fault = ("account", "is closed", "a closed account stays empty")
        elif row.effective_on <= closed_through:
            fault = ("date", f"the books are closed through {closed_through}", "use a later date")
        elif row.reference in used:
            cure = "the same row is never posted twice; leave it out"
            fault = ("reference", f"is in batch {used[row.reference]} already", cure)
        if fault or account is None:
            faults.append(Fault(row.line, *(fault or ("", "", ""))))
            continue
        lines.append(
            Line(
                row.line,
                account.account_id,
                row.kind,
                row.effective_on,
                row.cents,
                row.reference,
                row.narration,
            )
        )
    return lines, faults


def short_of_money(tx: Tx, lines: Sequence[Line]) -> list[Fault]:
    """The lines that take more than there is at that point of the file. Locks nothing."""
    accounts = list({line.account for line in lines})
    rows = tx.execute(_AVAILABLE, {"accounts": accounts})
    return _short({row.account_id: row.cents for row in rows}, lines)


def refuse_known_file(tx: Tx, sha256: str) -> None:
    """Stop at a file that was proposed before.

    Raises:
        PostedBefore: and in which batch it is.
    """
    known = tx.execute(_SAME_FILE, {"sha256": sha256}).one_or_none()
    if known is not None:
        raise PostedBefore(f"This very file is batch {known.id}, {known.state}. Nothing was done.")


def propose(tx: Tx, lines: Sequence[Line], *, file: str, sha256: str, by: Actor) -> int:
    """Keep the lines, each with the id that its entry will have. Returns the batch's number.

    Raises:
        PostedBefore: the file or a reference was proposed by somebody else meanwhile.
    """
    totals = {
        "in_cents": sum(line.cents for line in lines if line.cents > 0),
        "out_cents": -sum(line.cents for line in lines if line.cents < 0),
    }
    facts = {"file": file, "sha256": sha256, "lines": len(lines)}
    try:
        batch: int = tx.execute(_ADD, {**facts, **totals, "maker": by.staff_id}).scalar_one()
        for some in batches(lines, LINES_MAX):
            _keep(tx, batch, some)
    except sa.exc.IntegrityError as refused:
        if constraint_of(refused) in {"posting_batch_file", "posting_batch_line_reference"}:
            raise PostedBefore(
                "Somebody else proposed the same file or rows meanwhile. Nothing was done."
            ) from None
        raise
    audit.record(tx, "batch_proposed", by=by, batch=batch, **facts, **totals)
    return batch


def lines_of(tx: Tx, batch: int) -> list[Line]:
    """A proposed batch's lines, in the order of its file.

    Raises:
        NoSuchBatch: nothing is proposed under this number.
    """
    _take(tx, batch)
    return [_line(row) for row in tx.execute(_LINES, {"id": batch})]


def approve(tx: Tx, batch: int, *, by: Actor, advance: Advance = lambda _: None) -> None:
    """Post every line, and keep who approved it.

    Raises:
        NoSuchBatch: nothing is proposed under this number.
        SamePerson: the checker is the maker.
        CannotBePosted: some accounts have too little; it names the first lines.
        ClosedPeriod, ClosedAccount: the books have been closed since.
    """
    if _take(tx, batch) == by.staff_id:
        raise SamePerson(f"You made batch {batch}; somebody else must approve it.")
    rows = tx.execute(_LINES, {"id": batch}).all()
    # All members' rows first and in one order. The lines are posted in the order of the file, and
    # without this two lists could wait for each other in a circle.
    free = posting.lock_available(tx, list({row.account_id for row in rows}))
    if faults := _short(free, [_line(row) for row in rows]):
        named = ", ".join(str(fault.line) for fault in faults[:10])
        raise CannotBePosted(f"Insufficient funds on lines {named}. Nothing was posted.")
    for some in batches(rows, posting.BATCH_MAX):
        posting.post_many(tx, [_entry(row) for row in some])
        advance(len(some))
    tx.execute(_DECIDE, {"id": batch, "state": "posted", "by": by.staff_id, "reason": None})
    audit.record(tx, "batch_approved", by=by, batch=batch, lines=len(rows))


def reject(tx: Tx, batch: int, *, by: Actor, reason: str) -> None:
    """Let go of a proposal. Its file and its references may be used again.

    Raises:
        NoSuchBatch: nothing is proposed under this number.
    """
    _take(tx, batch)
    tx.execute(_DECIDE, {"id": batch, "state": "rejected", "by": by.staff_id, "reason": reason})
    audit.record(tx, "batch_rejected", by=by, batch=batch, reason=reason)


def latest(tx: Tx) -> list[Batch]:
    """The last batches, newest first."""
    return [Batch(**row) for row in tx.execute(_LIST, {"limit": LISTED_MAX}).mappings()]


def _take(tx: Tx, batch: int) -> int:
    """Lock a proposed batch. Returns its maker's id."""
    found = tx.execute(_TAKE, {"id": batch}).one_or_none()
    if found is None:
        raise NoSuchBatch(f"No batch {batch} waits for a decision. See `baraza ledger batches`.")
    maker: int = found.maker_id
    return maker


def _keep(tx: Tx, batch: int, lines: Sequence[Line]) -> None:
    at = tx.execute(_NOW).scalar_one()
    columns = {
        "batch": batch,
        "lines": [line.line for line in lines],
        # In the order of the file: the books post one account's entries in the order of their ids.
        "ids": sorted(ids.uuid7(at) for _ in lines),
        "accounts": [line.account for line in lines],
        "kinds": [line.kind.value for line in lines],
        "days": [line.effective_on for line in lines],
        "cents": [line.cents for line in lines],
        "references": [line.reference for line in lines],
        "narrations": [line.narration for line in lines],
    }
    tx.execute(_ADD_LINES, columns)


def _line(row: sa.Row[tuple[object, ...]]) -> Line:
    return Line(
        row.line,
        row.account_id,
        Kind(row.kind),
        row.effective_on,
        row.cents,
        row.reference,
        row.narration,
    )


def _entry(row: sa.Row[tuple[object, ...]]) -> entries.JournalEntry:
    return entries.from_books(
        entry_id=row.entry_id,
        kind=Kind(row.kind),
        effective_on=row.effective_on,
        reference=row.reference,
        account=row.account_id,
        cents=row.cents,
    )


def _short(free: dict[int, int], lines: Sequence[Line]) -> list[Fault]:
    left = dict(free)
    faults = []
    for line in lines:
        after = left.get(line.account, 0) + line.cents
        if line.cents < 0 and after < 0:
            cure = "leave it out, or bring money in on an earlier line"
            faults.append(Fault(line.line, "amount", "is more than there is", cure))
        else:
            left[line.account] = after
    return faults
