"""Incidents: what went wrong badly enough for somebody outside the SACCO to be told.

What was written down stays. What is learned later is added beside it, notices that were sent
stand with their time and reference, and a closed incident takes nothing more.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app import audit
from app.audit import Actor
from app.db import Tx
from app.errors import Refused
from app.operations import incident_clocks
from app.operations.incident_clocks import Notice, Running, Told

TITLE_MAX = 120
TEXT_MAX = 4000
REFERENCE_MAX = 200
ENTRIES_MAX = 100
"""Notes and notices of one incident."""
LISTED_MAX = 200
_NOTE = "note"


class NotAnIncident(Refused):
    """Something that must be known of an incident is missing, or does not fit."""

    code = "IN-01"


class NoSuchIncident(Refused):
    """There is no incident of this number."""

    code = "IN-02"


class IncidentClosed(Refused):
    """A closed incident takes nothing more."""

    code = "IN-03"


class NotThen(Refused):
    """A notice goes out after one became aware, and not in the future."""

    code = "IN-04"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an incident when it is opened."""

    title: str
    began_at: datetime
    aware_at: datetime
    happened: str
    personal_data: bool
    """Members' data is concerned."""
    cbk_applies: bool
    """The Central Bank's guidelines bind whoever runs this installation."""
    members: int | None = None
    """None: not known yet. The same holds for the amount."""
    amount_cents: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What was learned later."""

    at: datetime
    said: str
    by: str


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident, and what was added to it."""

    id: int
    facts: Facts
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    closed_by: str | None
    closed_why: str | None
    notes: tuple[Note, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def clocks(self) -> list[Running]:
        """Who is to be told, until when, and who was."""
        return incident_clocks.running(
            self.facts.aware_at,
            self.notices,
            personal_data=self.facts.personal_data,
            cbk_applies=self.facts.cbk_applies,
        )


_OPEN = sa.text(
    "INSERT INTO incident (title, began_at, aware_at, happened, personal_data, cbk_applies,"
    " members, amount_cents, opened_by) SELECT :title, :began_at, :aware_at, :happened,"
    " :personal_data, :cbk_applies, :members, :amount_cents, :by"
    " WHERE CAST(:began_at AS timestamptz) <= CAST(:aware_at AS timestamptz)"
    " AND CAST(:aware_at AS timestamptz) <= now() RETURNING id"
)
_LIST = sa.text(
    "SELECT i.*, o.email AS opener, c.email AS closer FROM incident i"
    " JOIN staff o ON o.id = i.opened_by LEFT JOIN staff c ON c.id = i.closed_by"
    " WHERE CAST(:id AS bigint) IS NULL OR i.id = :id"
    " ORDER BY i.closed_at IS NOT NULL, i.id DESC LIMIT :limit"
)
_ENTRIES = sa.text(
    "SELECT e.incident_id, e.kind, e.at, e.said, s.email AS by FROM incident_entry e"
    " JOIN staff s ON s.id = e.made_by WHERE e.incident_id = ANY(:ids) ORDER BY e.id"
)
_TAKE = sa.text(
    "SELECT closed_at, aware_at, (SELECT count(*) FROM incident_entry WHERE incident_id = i.id)"
    " AS entries, now() AS now FROM incident i WHERE i.id = :id FOR UPDATE"
)
_ADD = sa.text(
    "INSERT INTO incident_entry (incident_id, kind, at, said, made_by)"
    " VALUES (:id, :kind, coalesce(:at, now()), :said, :by)"
)
_CLOSE = sa.text(
    "UPDATE incident SET closed_at = now(), closed_by = :by, closed_why = :why WHERE id = :id"
)


def begin(tx: Tx, facts: Facts, *, by: Actor) -> int:
    """Open an incident; its clocks run from the moment of which the facts say "aware".

    Raises:
        NotAnIncident: the moments are not in their order.
    """
    number: int | None = tx.scalar(
        _OPEN,
        {
            "title": facts.title,
            "began_at": facts.began_at,
            "aware_at": facts.aware_at,
            "happened": facts.happened,
            "personal_data": facts.personal_data,
            "cbk_applies": facts.cbk_applies,
            "members": facts.members,
            "amount_cents": facts.amount_cents,
            "by": by.staff_id,
        },
    )
    if number is None:
        raise NotAnIncident("It began first, then we became aware of it, and neither is to come.")
    audit.record(tx, "incident_opened", by=by, incident=number, reason=facts.title)
    return number


def note(tx: Tx, number: int, said: str, *, by: Actor) -> None:
    """Add what was learned since.

    Raises:
        NoSuchIncident: there is none.
        IncidentClosed: it is closed, or full.
    """
    _open_one(tx, number)
    tx.execute(_ADD, {"id": number, "kind": _NOTE, "at": None, "said": said, "by": by.staff_id})
    audit.record(tx, "incident_noted", by=by, incident=number)


def tell(tx: Tx, number: int, told: Told, *, sent_at: datetime, reference: str, by: Actor) -> None:
    """Write down that a notice was sent. Baraza sends none itself.

    Raises:
        NoSuchIncident: there is none.
        IncidentClosed: it is closed, or full.
        NotThen: it cannot have been sent at that moment.
    """
    row = _open_one(tx, number)
    if not row.aware_at <= sent_at <= row.now:
        raise NotThen("A notice is sent after one became aware, and not in the future.")
    facts = {"id": number, "kind": told, "at": sent_at, "said": reference, "by": by.staff_id}
    tx.execute(_ADD, facts)
    audit.record(
        tx, "incident_notice_sent", by=by, incident=number, to=told, sent_at=sent_at.isoformat()
    )


def close(tx: Tx, number: int, *, reason: str, by: Actor) -> None:
    """Close it for good, whatever was sent or not: the reason says why that is right.

    Raises:
        NoSuchIncident: there is none.
        IncidentClosed: it is closed already.
    """
    _open_one(tx, number, adds=False)
    tx.execute(_CLOSE, {"id": number, "by": by.staff_id, "why": reason})
    audit.record(tx, "incident_closed", by=by, incident=number, reason=reason)


def one(tx: Tx, number: int) -> Incident:
    """An incident with all that was added to it.

    Raises:
        NoSuchIncident: there is none.
    """
    found = _read(tx, number=number, limit=1)
    if not found:
        raise NoSuchIncident(f"There is no incident {number}.")
    return found[0]


def listed(tx: Tx) -> list[Incident]:
    """Open ones first, then the newest."""
    return _read(tx, number=None, limit=LISTED_MAX)


def _read(tx: Tx, *, number: int | None, limit: int) -> list[Incident]:
    rows = tx.execute(_LIST, {"id": number, "limit": limit}).all()
    notes: dict[int, list[Note]] = {row.id: [] for row in rows}
    notices: dict[int, list[Notice]] = {row.id: [] for row in rows}
    for entry in tx.execute(_ENTRIES, {"ids": list(notes)}):
        if entry.kind == _NOTE:
            notes[entry.incident_id].append(Note(entry.at, entry.said, entry.by))
        else:
            notices[entry.incident_id].append(
                Notice(Told(entry.kind), entry.at, entry.said, entry.by)
            )
    return [
        Incident(
            id=row.id,
            facts=Facts(
                row.title,
                row.began_at,
                row.aware_at,
                row.happened,
                row.personal_data,
                row.cbk_applies,
                row.members,
                row.amount_cents,
            ),
            opened_at=row.opened_at,
            opened_by=row.opener,
            closed_at=row.closed_at,
            closed_by=row.closer,
            closed_why=row.closed_why,
            notes=tuple(notes[row.id]),
            notices=tuple(notices[row.id]),
        )
        for row in rows
    ]


def _open_one(tx: Tx, number: int, *, adds: bool = True) -> sa.Row[tuple[object, ...]]:
    """Lock an incident that takes more."""
    row = tx.execute(_TAKE, {"id": number}).one_or_none()
    if row is None:
        raise NoSuchIncident(f"There is no incident {number}.")
    if row.closed_at is not None:
        raise IncidentClosed(f"Incident {number} is closed. Open another one and name it there.")
    if adds and row.entries >= ENTRIES_MAX:
        raise IncidentClosed(f"Incident {number} has {ENTRIES_MAX} entries. Open another one.")
    return row
