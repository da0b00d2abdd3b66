"""Closing a day: what happened on it, that everything agrees, and a signature over both.

The report is kept word for word as it was signed, with the head of the books' hash chain. Whoever
has the report and the public key can tell later, without us, whether anything in it was changed;
the head hash tells whether the books before it were.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app import audit
from app.audit import Actor
from app.clock import NAIROBI
from app.db import Tx
from app.errors import Refused
from app.ledger import sealing
from app.operations import invariants, record_seals
from app.operations.reconciliation import matching

FORM = 2
"""Of the report; a later form has another number, so that old reports stay readable."""
SHOWN_MAX = 5
ALL = 1_000_000


class CannotClose(Refused):
    """Something must be done first; the message says what."""

    code = "RC-20"


class OwnExplanation(Refused):
    """Whoever explained a difference does not sign that all is right."""

    code = "RC-22"


class NotClosed(Refused):
    """The day was not closed."""

    code = "RC-21"


@dataclass(frozen=True, slots=True)
class Closed:
    """A day's report as it was signed."""

    day: date
    closed_at: datetime
    closed_by: str
    report: str
    sha256: str
    signature: str
    public_key: str


_PAYOUTS = sa.text(
    "SELECT v.to_state AS state, count(*) AS payouts, sum(p.amount_cents)::bigint AS amount_cents,"
    " sum(p.total_cents)::bigint AS total_cents FROM payout_event v"
    " JOIN payout p ON p.id = v.payout_id WHERE v.at >= :begins AND v.at < :ends"
    " AND v.to_state IN ('requested', 'declined', 'paid', 'reversed', 'cancelled', 'recovery',"
    " 'recovered', 'written_off', 'returned') GROUP BY 1 ORDER BY 1"
)
_ACCOUNTS = sa.text(
    "SELECT d.gl_code, a.name, sum(d.debit_cents)::bigint AS debit_cents,"
    " sum(d.credit_cents)::bigint AS credit_cents FROM ledger.gl_daily d"
    " JOIN ledger.gl_account a ON a.code = d.gl_code WHERE d.effective_on = :day"
    " GROUP BY 1, 2 ORDER BY 1"
)
_LINES = sa.text(
    "SELECT kind, count(*) AS lines, sum(paid_in_cents - withdrawn_cents)::bigint AS cents"
    " FROM statement_line WHERE status = 'completed' AND completed_at >= :begins"
    " AND completed_at < :ends GROUP BY 1 ORDER BY 1"
)
_COVERED = sa.text(
    """
    WITH RECURSIVE covered AS (
        SELECT CAST(:begins AS timestamptz) AS until
        UNION
        SELECT i.covers_to FROM covered c
          JOIN statement_import i ON i.covers_from <= c.until AND i.covers_to > c.until
    ) SELECT max(until) >= :ends FROM covered
    """
)
_EXPLAINED = sa.text(
    "SELECT b.rule, b.subject, b.cents, b.explanation, s.email AS by, s.id AS by_id"
    " FROM reconciliation_break b"
    " JOIN staff s ON s.id = b.explained_by WHERE b.cleared_at IS NULL ORDER BY b.id"
)
_HEAD = sa.text(
    "SELECT block_no, encode(hash, 'hex') AS hash FROM ledger.journal_block"
    " ORDER BY block_no DESC LIMIT 1"
)
_BLOCK = sa.text("SELECT encode(hash, 'hex') FROM ledger.journal_block WHERE block_no = :number")
_RECORD_HEAD = sa.text(
    "SELECT block_no, encode(hash, 'hex') AS hash FROM staff_action_block"
    " ORDER BY block_no DESC LIMIT 1"
)
_RECORD_BLOCK = sa.text(
    "SELECT encode(hash, 'hex') FROM staff_action_block WHERE block_no = :number"
)
_KEEP = sa.text(
    "INSERT INTO day_close (day, closed_by, report, sha256, signature, public_key)"
    " VALUES (:day, :by, :report, sha256(convert_to(:report, 'UTF8')), :signature, :key)"
)
_SHOW = sa.text(
    "SELECT c.day, c.closed_at, s.email AS closed_by, c.report, encode(c.sha256, 'hex') AS sha256,"
    " encode(c.signature, 'hex') AS signature, encode(c.public_key, 'hex') AS public_key"
    " FROM day_close c JOIN staff s ON s.id = c.closed_by"
    " WHERE CAST(:day AS date) IS NULL OR c.day = :day ORDER BY c.day DESC LIMIT :limit"
)


def seal_all(tx: Tx) -> None:
    """Seal whatever is committed, so that the day's sums and the head hashes hold all of it."""
    record_seals.seal(tx)
    while sealing.seal(tx) > 0:
        pass


def close(tx: Tx, day: date, *, secret: str, by: Actor) -> Closed:
    """Close a day whose movements all agree, and sign its report.

    Raises:
        CannotClose: it is not over, is closed, has no statement, or something does not agree.
        OwnExplanation: the signer explained one of the differences that stand.
    """
    begins = datetime(day.year, day.month, day.day, tzinfo=NAIROBI)
    ends = begins + timedelta(days=1)
    _require_over(tx, day, ends)
    if not tx.scalar(_COVERED, {"begins": begins, "ends": ends}):
        raise CannotClose(
            f"No statement covers the whole of {day}. Import it: `baraza reconcile FILE.csv`."
        )
    matching.match(tx)
    open_breaks = matching.listed(tx, everything=False, limit=ALL)
    if open_breaks:
        named = ", ".join(f"{one.id} ({one.subject})" for one in open_breaks[:SHOWN_MAX])
        raise CannotClose(
            f"{len(open_breaks)} differences wait: {named}. Mend or explain them: `baraza breaks`."
        )
    own = [one for one in _explained(tx) if one["by_id"] == by.staff_id]
    if own:
        raise OwnExplanation(
            f"You explained {own[0]['subject']} yourself; somebody else must look and sign."
        )
    findings = invariants.run(tx)
    if broken := [one.name for one in findings if not one.ok]:
        raise CannotClose(f"A rule of the books is broken: {broken[0]}. See `baraza audit`.")
    report = _canonical(_report(tx, day, begins, ends, rules=len(findings), by=by))
    key = _key(secret)
    facts = {
        "day": day,
        "by": by.staff_id,
        "report": report,
        "signature": key.sign(report.encode()),
        "key": key.public_key().public_bytes_raw(),
    }
    tx.execute(_KEEP, facts)
    audit.record(tx, "day_closed", by=by, day=day.isoformat())
    return show(tx, day)


def show(tx: Tx, day: date) -> Closed:
    """The report of a closed day.

    Raises:
        NotClosed: there is none.
    """
    found = tx.execute(_SHOW, {"day": day, "limit": 1}).mappings().one_or_none()
    if found is None:
        raise NotClosed(f"{day} was not closed; `baraza day close {day} --as EMAIL` does.")
    return Closed(**found)


def latest(tx: Tx, *, limit: int) -> list[Closed]:
    """The days closed last, the newest first."""
    return [Closed(**row) for row in tx.execute(_SHOW, {"day": None, "limit": limit}).mappings()]


def contents(closed: Closed) -> dict[str, Any]:
    """What the report of a closed day says, by its parts."""
    found: dict[str, Any] = json.loads(closed.report)
    return found


def verify(tx: Tx, day: date, *, secret: str) -> list[str]:
    """What does not hold of a closed day; nothing if all does.

    Raises:
        NotClosed: there is none.
    """
    closed = show(tx, day)
    wrong = []
    if closed.public_key != _key(secret).public_key().public_bytes_raw().hex():
        wrong.append("it was signed under another SECRET_KEY than this installation's")
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(closed.public_key))
        key.verify(bytes.fromhex(closed.signature), closed.report.encode())
    except InvalidSignature:
        wrong.append("the signature does not fit the report: one of them was changed")
    report = json.loads(closed.report)
    head = report["books"]["head"]
    if head is not None and tx.scalar(_BLOCK, {"number": head["block_no"]}) != head["hash"]:
        wrong.append(f"the books before block {head['block_no']} were changed since")
    acts = report.get("record", {}).get("head")  # days of form 1 do not name it
    if acts is not None and tx.scalar(_RECORD_BLOCK, {"number": acts["block_no"]}) != acts["hash"]:
        wrong.append(f"the record of acts before block {acts['block_no']} was changed since")
    begins = datetime(day.year, day.month, day.day, tzinfo=NAIROBI)
    now = _totals(tx, day, begins, begins + timedelta(days=1))
    was = {name: report[name] for name in now}
    wrong += [f"{name} of that day are different now" for name in now if now[name] != was[name]]
    return wrong


def _require_over(tx: Tx, day: date, ends: datetime) -> None:
    if tx.scalar(sa.text("SELECT now() < :ends"), {"ends": ends}):
        raise CannotClose(f"{day} is not over in Nairobi.")
    if tx.execute(_SHOW, {"day": day, "limit": 1}).one_or_none() is not None:
        raise CannotClose(f"{day} is closed already; see `baraza day show {day}`.")


def _report(
    tx: Tx, day: date, begins: datetime, ends: datetime, *, rules: int, by: Actor
) -> dict[str, Any]:
    head = tx.execute(_HEAD).mappings().one_or_none()
    acts = tx.execute(_RECORD_HEAD).mappings().one_or_none()
    return {
        "form": FORM,
        "day": day.isoformat(),
        "closed_by": by.name,
        "rules_that_hold": rules,
        "explained": [_without_id(one) for one in _explained(tx)],
        "books": {"head": dict(head) if head else None},
        "record": {"head": dict(acts) if acts else None},
        **_totals(tx, day, begins, ends),
    }


def _explained(tx: Tx) -> list[dict[str, Any]]:
    return [dict(row) for row in tx.execute(_EXPLAINED).mappings()]


def _without_id(explained: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in explained.items() if name != "by_id"}


def _totals(tx: Tx, day: date, begins: datetime, ends: datetime) -> dict[str, Any]:
    """What can be counted again at any time."""
    within = {"begins": begins, "ends": ends}
    return {
        "payouts": [dict(row) for row in tx.execute(_PAYOUTS, within).mappings()],
        "accounts": [dict(row) for row in tx.execute(_ACCOUNTS, {"day": day}).mappings()],
        "statement": [dict(row) for row in tx.execute(_LINES, within).mappings()],
    }


def _canonical(report: dict[str, Any]) -> str:
    return json.dumps(report, sort_keys=True, ensure_ascii=False, indent=1)


def _key(secret: str) -> Ed25519PrivateKey:
    """This installation's signing key: whoever has SECRET_KEY has it, and nobody else."""
    derived = HKDF(SHA256(), length=32, salt=None, info=b"baraza day close")
    return Ed25519PrivateKey.from_private_bytes(derived.derive(secret.encode()))
