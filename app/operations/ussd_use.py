"""How members use the menus: how far they come, what is said to them, when PINs are wrong.

Only hops that show a quote or have an effect are stored, and never what was typed: a transcript
ends in a PIN. So the funnel counts what is kept, and a session shows only these screens.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.db import Tx
from app.msisdn import mask

PAGE = 50
DAYS = (1, 7)
"""What may be looked at."""
OUTCOMES_MAX = 30
HOURS = 24


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way to money, and how many came so far."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an effect ended in, by the screen that it belongs to."""

    screen: str
    outcome: str
    count: int


@dataclass(frozen=True, slots=True)
class Share:
    """Sessions of one language at one service code."""

    language: str
    service_code: str
    sessions: int
    strangers: int
    """From phones that belong to no member."""


@dataclass(frozen=True, slots=True)
class WrongPins:
    """Wrong PINs of all members within an hour."""

    begins: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Session:
    """One session in one line."""

    session_id: str
    started_at: datetime
    member_no: str | None
    phone: str
    """Masked."""
    language: str
    service_code: str
    screen: str | None
    """The last one that is kept."""
    outcome: str | None
    reference: str | None
    """The payout that came of it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One screen that is kept."""

    position: int
    """How many answers the member had given."""
    screen: str
    outcome: str | None
    body: str
    at: datetime


STEPS = ("dialled", "saw the price", "typed the right PIN", "asked for the money", "were paid")
"""The names of the funnel's steps, in their order."""
# Of the sessions that began in this time, each counted once: so no step has more than the one
# before it. A PIN that was typed before the price was shown was for something else.
_FUNNEL = sa.text(
    """
    SELECT count(DISTINCT s.session_id), count(DISTINCT q.session_id),
           count(DISTINCT q.session_id) FILTER (WHERE p.id IS NOT NULL OR EXISTS (
               SELECT FROM pin_attempt a WHERE a.session_id = q.session_id
                  AND a.outcome = 'right' AND a.at >= q.shown_at)),
           count(DISTINCT q.session_id) FILTER (WHERE p.id IS NOT NULL),
           count(DISTINCT q.session_id) FILTER (WHERE p.state IN (
               'paid', 'returned', 'recovery', 'recovered', 'written_off'))
      FROM ussd_session s LEFT JOIN quote q ON q.session_id = s.session_id
      LEFT JOIN payout p ON p.quote_id = q.id
     WHERE s.started_at >= now() - make_interval(days => :days)
    """
)
_OUTCOMES = sa.text(
    "SELECT screen, outcome, count(*) AS count FROM ussd_hop WHERE outcome IS NOT NULL"
    " AND at >= now() - make_interval(days => :days) GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
    " LIMIT :limit"
)
_SHARES = sa.text(
    "SELECT language, service_code, count(*) AS sessions,"
    " count(*) FILTER (WHERE member_id IS NULL) AS strangers FROM ussd_session"
    " WHERE started_at >= now() - make_interval(days => :days) GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
)
_WRONG = sa.text(
    "SELECT h.begins, count(a.at)::integer AS count"
    " FROM generate_series(now() - make_interval(hours => :hours), now() - interval '1 hour',"
    "  interval '1 hour') AS h(begins)"
    " LEFT JOIN (SELECT at FROM pin_attempt WHERE outcome = 'wrong'"
    "   AND at >= now() - make_interval(hours => :hours)) a"
    "  ON a.at >= h.begins AND a.at < h.begins + interval '1 hour' GROUP BY 1 ORDER BY 1"
)
_SESSIONS = (
    "SELECT s.session_id, s.started_at, m.member_no, s.msisdn AS phone, s.language,"
    " s.service_code, h.screen, h.outcome, p.reference FROM ussd_session s"
    " LEFT JOIN member m ON m.id = s.member_id"
    " LEFT JOIN LATERAL (SELECT screen, outcome FROM ussd_hop"
    "   WHERE session_id = s.session_id ORDER BY at DESC, position DESC LIMIT 1) h ON true"
    " LEFT JOIN LATERAL (SELECT o.reference FROM quote q JOIN payout o ON o.quote_id = q.id"
    "   WHERE q.session_id = s.session_id LIMIT 1) p ON true"
)
# Sessions may begin in the same moment, so their ids take part in the order.
_LIST = sa.text(
    f"{_SESSIONS} WHERE s.started_at <= coalesce(CAST(:at AS timestamptz), 'infinity')"
    " AND (CAST(:at AS timestamptz) IS NULL OR s.started_at < :at OR s.session_id > :before)"
    " ORDER BY s.started_at DESC, s.session_id LIMIT :limit"
)
_BEGAN = sa.text("SELECT started_at FROM ussd_session WHERE session_id = :id")
_ONE = sa.text(f"{_SESSIONS} WHERE s.session_id = :id")
_HOPS = sa.text(
    "SELECT position, screen, outcome, body, at FROM ussd_hop WHERE session_id = :id"
    " ORDER BY at, position"
)


def funnel(tx: Tx, *, days: int) -> list[Step]:
    """How many came how far."""
    counts = tx.execute(_FUNNEL, {"days": days}).one()
    return [Step(name, count) for name, count in zip(STEPS, counts, strict=True)]


def outcomes(tx: Tx, *, days: int) -> list[Outcome]:
    """What effects ended in, the most frequent first."""
    rows = tx.execute(_OUTCOMES, {"days": days, "limit": OUTCOMES_MAX}).mappings()
    return [Outcome(**row) for row in rows]


def shares(tx: Tx, *, days: int) -> list[Share]:
    """Languages and service codes."""
    return [Share(**row) for row in tx.execute(_SHARES, {"days": days}).mappings()]


def wrong_pins(tx: Tx) -> list[WrongPins]:
    """By the hour of the last day. One PIN tried on many numbers locks none, and shows here."""
    return [WrongPins(**row) for row in tx.execute(_WRONG, {"hours": HOURS}).mappings()]


def sessions(tx: Tx, *, before: str | None) -> list[Session]:
    """A page of sessions and one more if there is one, the newest first.

    Args:
        tx: Where to look.
        before: The session that the page before ended with. One that is not there begins anew.
    """
    at = tx.scalar(_BEGAN, {"id": before})
    rows = tx.execute(_LIST, {"at": at, "before": before, "limit": PAGE + 1}).mappings()
    return [Session(**{**row, "phone": mask(row["phone"])}) for row in rows]


def session(tx: Tx, session_id: str) -> tuple[Session, list[Shown]] | None:
    """One session with the screens that are kept. None: there is none."""
    row = tx.execute(_ONE, {"id": session_id}).mappings().one_or_none()
    if row is None:
        return None
    hops = [Shown(**hop) for hop in tx.execute(_HOPS, {"id": session_id}).mappings()]
    return Session(**{**row, "phone": mask(row["phone"])}), hops
