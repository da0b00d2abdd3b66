"""Bringing in M-PESA's statement: looked at first, then kept, then held against our books."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from app.audit import Actor
from app.csv_rows import UnreadableFile
from app.db import Database, Tx
from app.errors import Refused
from app.operations.reconciliation import matching
from app.payouts import statement_lines
from app.payouts.statement_lines import Imported
from app.providers import mpesa_statement
from app.providers.mpesa_statement import COMPLETED, Movement, Statement

LOOKED_AT_FOR = timedelta(days=1)
FILE_NAME_MAX = 120


class NoSuchUpload(Refused):
    """No file of this digest waits to be imported."""

    code = "RC-30"


@dataclass(frozen=True, slots=True)
class Sum:
    """Lines of one kind in a statement."""

    kind: Movement
    lines: int
    cents: int
    """What they brought to the account; below zero, what they took."""


_STAGE = sa.text(
    "INSERT INTO statement_upload (sha256, file_name, data, uploaded_by)"
    " VALUES (:sha256, :file, :data, :by) ON CONFLICT (sha256) DO NOTHING"
)
_FORGET = sa.text("DELETE FROM statement_upload WHERE uploaded_at < now() - :kept")
_STAGED = sa.text("SELECT file_name, data FROM statement_upload WHERE sha256 = :sha256")
_DONE = sa.text("DELETE FROM statement_upload WHERE sha256 = :sha256")


def sums(statement: Statement) -> list[Sum]:
    """What a statement holds, kind by kind, as far as it moved money."""
    found = []
    for kind in Movement:
        lines = [one for one in statement.lines if one.kind is kind and one.status == COMPLETED]
        if lines:
            cents = sum(one.paid_in_cents - one.withdrawn_cents for one in lines)
            found.append(Sum(kind, len(lines), cents))
    return found


def stage(tx: Tx, data: bytes, *, file: str, by: Actor) -> bytes:
    """Keep a file for whoever looks at it before it is imported. Returns its digest."""
    tx.execute(_FORGET, {"kept": LOOKED_AT_FOR})
    sha256 = hashlib.sha256(data).digest()
    facts = {"sha256": sha256, "file": file[:FILE_NAME_MAX], "data": data, "by": by.staff_id}
    tx.execute(_STAGE, facts)
    return sha256


def staged(tx: Tx, sha256: bytes) -> tuple[str, bytes]:
    """The name and the contents of a file that waits.

    Raises:
        NoSuchUpload: it does not.
    """
    row = tx.execute(_STAGED, {"sha256": sha256}).one_or_none()
    if row is None:
        raise NoSuchUpload("This file was imported or waited for too long; choose it again.")
    return row.file_name, bytes(row.data)


def bring_in(db: Database, data: bytes, *, file: str, shortcode: str, by: Actor) -> Imported:
    """Keep a statement's lines, all or none, and compare everything.

    Raises:
        UnreadableFile: it is no statement, or a line of it has a fault.
        ImportedBefore, OtherShortcode: it was this very file, or is of another account.
    """
    statement, faults = mpesa_statement.read(data)
    if faults:
        raise UnreadableFile(f"{len(faults)} lines have faults; nothing was done")
    sha256 = hashlib.sha256(data).digest()
    with db.transaction() as tx:
        done = statement_lines.keep(
            tx, statement, shortcode=shortcode, file=file, sha256=sha256, by=by
        )
        tx.execute(_DONE, {"sha256": sha256})
    with db.transaction() as tx:
        matching.match(tx)
    return done
