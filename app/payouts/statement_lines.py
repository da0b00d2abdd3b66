"""Keeping M-PESA's statement, and making evidence of what it tells that nobody knew.

A line that names a payout is the best evidence that a machine can have. That a payment is missing
on a statement is no evidence at all: only people may act on it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app import audit, ids
from app.audit import Actor
from app.clock import NAIROBI
from app.db import Tx
from app.errors import Refused
from app.ledger import entries, posting
from app.payouts import claims
from app.payouts.classify import receipt_is_anothers
from app.payouts.evidence import Class
from app.payouts.states import AFTER_THE_END, State
from app.providers.daraja_values import PhoneMatch, same_phone
from app.providers.mpesa_statement import COMPLETED, Line, Movement, Statement

CHUNK = 1000


class ImportedBefore(Refused):
    """This very file was imported."""

    code = "RC-01"


class OtherShortcode(Refused):
    """The statement is that of another account."""

    code = "RC-02"


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a statement."""

    lines: int
    known: int
    """Lines that an earlier file had shown."""
    payments: int
    """New payments that belong to a payout."""
    told: int
    """New lines that told what nobody knew: they are evidence now."""
    booked: int
    """New lines of money that came into the float, which are in the books now."""
    unplaced: int
    """New payments and take-backs that belong to no payout of ours."""


@dataclass(frozen=True, slots=True)
class _Payout:
    id: UUID
    reference: str
    msisdn: str
    amount_cents: int
    state: State
    receipt: str | None


_KNOWN_FILE = sa.text("SELECT imported_at FROM statement_import WHERE sha256 = :sha256")
_IMPORT = sa.text(
    "INSERT INTO statement_import (sha256, file_name, shortcode, covers_from, covers_to, lines,"
    " opening_cents, closing_cents, imported_by) VALUES (:sha256, :file, :shortcode, :covers_from,"
    " :covers_to, :lines, :opening, :closing, :by) RETURNING id"
)
_LINE = sa.text(
    "INSERT INTO statement_line (import_id, receipt, completed_at, kind, details, status,"
    " paid_in_cents, withdrawn_cents, balance_cents, payout_id) VALUES (:import, :receipt,"
    " :completed_at, :kind, :details, :status, :paid_in, :withdrawn, :balance, :payout)"
    " ON CONFLICT DO NOTHING RETURNING id"
)
_PAYOUTS = sa.text(
    "SELECT id, reference, msisdn, amount_cents, state, receipt FROM payout"
    " WHERE id = ANY(:ids) OR receipt = ANY(:receipts)"
).bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid)), sa.bindparam("receipts", type_=ARRAY(sa.Text))
)
_EVIDENCE = sa.text(
    "WITH e AS (INSERT INTO evidence (payout_id, source, class, receipt, amount_cents, detail)"
    " VALUES (:payout, 'statement', :of, :receipt, :cents, :detail) RETURNING id)"
    " UPDATE statement_line SET evidence_id = (SELECT id FROM e) WHERE id = :line"
)
_BOOKED = sa.text("UPDATE statement_line SET entry_id = :entry WHERE id = :line")


def keep(
    tx: Tx, statement: Statement, *, shortcode: str, file: str, sha256: bytes, by: Actor
) -> Imported:
    """Keep a statement's lines, each once, and file as evidence what they tell.

    Raises:
        ImportedBefore: it was this very file. Nothing is done.
        OtherShortcode: it is not the account that payouts are made from.
    """
    if statement.shortcode != shortcode:
        raise OtherShortcode(
            f"This statement is of short code {statement.shortcode}; payouts go out from"
            f" {shortcode} (DARAJA_SHORTCODE)."
        )
    known_since = tx.scalar(_KNOWN_FILE, {"sha256": sha256})
    if known_since is not None:
        raise ImportedBefore(f"This very file was imported on {known_since:%d/%m/%Y}.")
    number = tx.execute(
        _IMPORT,
        {
            "sha256": sha256,
            "file": file,
            "shortcode": shortcode,
            "covers_from": statement.covers_from,
            "covers_to": statement.covers_to,
            "lines": len(statement.lines),
            "opening": statement.opening_cents,
            "closing": statement.closing_cents,
            "by": by.title,
        },
    ).scalar_one()
    counted = _lines(tx, number, statement.lines)
    audit.record(tx, "statement_imported", by=by, file=file, statement=number, lines=counted.lines)
    return counted


def _lines(tx: Tx, number: int, lines: Sequence[Line]) -> Imported:
    known = payments = told = booked = unplaced = 0
    for some in _chunks(lines):
        places = _Places(tx, some)
        for one in some:
            payout = places.of(one)
            line_id = _new_line(tx, number, one, payout)
            if line_id is None:
                known += 1
                continue
            if one.status != COMPLETED:
                continue  # it says nothing about money
            if one.kind is Movement.MONEY_IN:
                _book_money_in(tx, one, line_id)
                booked += 1
            elif one.kind in {Movement.PAYMENT, Movement.TAKEN_BACK}:
                payments += payout is not None and one.kind is Movement.PAYMENT
                unplaced += payout is None
                told += payout is not None and _tell(tx, one, line_id, payout)
    return Imported(len(lines), known, payments, told, booked, unplaced)


class _Places:
    """Which payout each line is about: by our own id in its text, or by M-PESA's receipt."""

    def __init__(self, tx: Tx, lines: Sequence[Line]) -> None:
        wanted = {
            "ids": [one.our_id for one in lines if one.our_id],
            "receipts": [receipt for one in lines for receipt in (one.receipt, *one.undoes)],
        }
        self._by_id: dict[UUID, _Payout] = {}
        self._by_receipt: dict[str, _Payout] = {}
        for row in tx.execute(_PAYOUTS, wanted).mappings():
            payout = _Payout(**{**row, "state": State(row["state"])})
            self._by_id[payout.id] = payout
            if payout.receipt:
                self._by_receipt[payout.receipt] = payout

    def of(self, one: Line) -> _Payout | None:
        if one.our_id in self._by_id:
            return self._by_id[one.our_id]
        named = one.undoes if one.kind is Movement.TAKEN_BACK else (one.receipt,)
        found = [self._by_receipt[one] for one in dict.fromkeys(named) if one in self._by_receipt]
        return found[0] if len(found) == 1 else None  # of two, people choose


def _new_line(tx: Tx, number: int, one: Line, payout: _Payout | None) -> int | None:
    row = {
        "import": number,
        "receipt": one.receipt,
        "completed_at": one.completed_at,
        "kind": one.kind,
        "details": one.details,
        "status": one.status,
        "paid_in": one.paid_in_cents,
        "withdrawn": one.withdrawn_cents,
        "balance": one.balance_cents,
        "payout": payout and payout.id,
    }
    found: int | None = tx.scalar(_LINE, row)
    return found


def _tell(tx: Tx, one: Line, line_id: int, payout: _Payout) -> bool:
    """Make the line evidence, unless it only says what is booked already."""
    of, detail = _says(tx, one, payout)
    if of is Class.SUCCESS and payout.state in AFTER_THE_END and payout.receipt == one.receipt:
        return False
    facts: dict[str, Any] = {
        "payout": payout.id,
        "of": of,
        "receipt": one.receipt if of is Class.SUCCESS else None,
        "cents": one.paid_in_cents or one.withdrawn_cents,
        "detail": detail,
        "line": line_id,
    }
    tx.execute(_EVIDENCE, facts)
    return True


def _says(tx: Tx, one: Line, payout: _Payout) -> tuple[Class, str]:
    """What the line says about the payout: it must fit, or it contradicts."""
    if (one.paid_in_cents or one.withdrawn_cents) != payout.amount_cents:
        return Class.CONTRADICTION, f"{one.receipt} on the statement: amount"
    if one.kind is Movement.TAKEN_BACK:
        return Class.TAKEN_BACK, f"{one.receipt} on the statement"
    if same_phone(payout.msisdn, one.party) is PhoneMatch.DIFFERENT:
        return Class.CONTRADICTION, f"{one.receipt} on the statement: phone"
    if receipt_is_anothers(tx, payout.id, one.receipt):
        return Class.CONTRADICTION, f"{one.receipt} on the statement: receipt of another payout"
    return Class.SUCCESS, "on the statement"


def _book_money_in(tx: Tx, one: Line, line_id: int) -> None:
    """M-PESA itself shows that the float grew."""
    entry = entries.float_top_up(
        entry_id=ids.uuid7(claims.now(tx)),
        effective_on=one.completed_at.astimezone(NAIROBI).date(),
        reference=one.receipt,
        cents=one.paid_in_cents,
    )
    posting.post(tx, entry)
    tx.execute(_BOOKED, {"entry": entry.id, "line": line_id})


def _chunks(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    for start in range(0, len(lines), CHUNK):
        yield lines[start : start + CHUNK]
