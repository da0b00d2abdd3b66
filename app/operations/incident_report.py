"""The draft of a report on an incident, for whoever must be told: facts, timeline, figures.

It is a draft: a person reads it, completes it and sends it. Baraza puts no name of a member or a
colleague into it: what it recorded comes in as moments and counts. Texts that people typed lose
their phone numbers and e-mails; a name in them is for that person to find. It is in
English, as the authorities are written to.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.clock import NAIROBI
from app.db import Tx
from app.money import kes
from app.operations import payout_report
from app.operations.incident_clocks import Running
from app.operations.incidents import Incident
from app.operations.payout_report import Figures

SPAN_MAX = timedelta(days=31)
"""What Baraza recorded longer after the beginning is not gathered."""
EVENTS_MAX = 200
ACTIONS_MAX = 100
_NUMBER = re.compile(r"(?<!\d)(?:\+?254|0)(?:[ -]?\d){9}(?!\d)")
"""A phone number, in whatever groups somebody typed it."""
_EMAIL = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,255}")
_EVENTS = sa.text(
    """
    SELECT at, what FROM (
        SELECT stopped_at AS at, 'Withdrawals were stopped.' AS what FROM withdrawal_stop
        UNION ALL SELECT resumed_at, 'Withdrawals went on.' FROM withdrawal_stop
        UNION ALL
        SELECT min(opened_at), format('Alert opened: %s (%s), %s of it.', rule, severity, count(*))
          FROM alert WHERE opened_at >= :begins AND opened_at < :ends
         GROUP BY rule, severity, date_trunc('minute', opened_at)
        UNION ALL
        SELECT min(cleared_at), format('Alert over: %s (%s), %s of it.', rule, severity, count(*))
          FROM alert WHERE opened_at >= :looked_back AND opened_at < :ends
         GROUP BY rule, severity, date_trunc('minute', cleared_at)
        UNION ALL
        SELECT at, CASE action WHEN 'provider_paused' THEN 'Calls to M-PESA were held back.'
                               ELSE 'Calls to M-PESA went on.' END
          FROM staff_action WHERE at >= :begins AND at < :ends
           AND action IN ('provider_paused', 'provider_resumed')
    ) e WHERE at >= :begins AND at < :ends ORDER BY at LIMIT :limit
    """
)
_DONE = sa.text(
    "SELECT action, count(*) AS times FROM staff_action WHERE at >= :begins AND at < :ends"
    " GROUP BY action ORDER BY times DESC, action LIMIT :limit"
)
# What comes into doubt does so within minutes of being asked for, or of a resend: a day before the
# span is enough, and keeps it to the index on the request's time.
_DOUBTS = sa.text(
    """
    SELECT count(*) AS payouts, coalesce(sum(p.amount_cents), 0)::bigint AS cents FROM payout p
     WHERE p.requested_at >= :day_before AND p.requested_at < :ends
       AND EXISTS (SELECT FROM payout_event v WHERE v.payout_id = p.id AND v.to_state = 'in_doubt'
                      AND v.at >= :begins AND v.at < :ends)
    """
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the report."""

    title: str
    text: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """The report as it would be sent now."""

    title: str
    made_at: datetime
    parts: tuple[Part, ...]

    @property
    def intro(self) -> str:
        """What it is, so that nobody takes it for more."""
        return (
            f"Draft, made by Baraza at {_moment(self.made_at)}. A person reads and completes it"
            " before it is sent. All times are East Africa Time."
        )

    def text(self) -> str:
        """All of it as plain text."""
        lines = [self.title, "=" * len(self.title), "", self.intro]
        for part in self.parts:
            lines += ["", part.title, "-" * len(part.title)]
            lines += [part.text] if part.text else []
            lines += [f"{name}: {value}" for name, value in part.facts]
        return "\n".join(lines) + "\n"


def draft(tx: Tx, incident: Incident) -> Draft:
    """The report of this moment."""
    now = tx.scalar(sa.select(sa.func.now()))
    assert isinstance(now, datetime)
    begins = incident.facts.began_at
    ends = min(incident.closed_at or now, begins + SPAN_MAX)
    return Draft(
        _inert(f"Incident {incident.id}: {incident.facts.title}"),
        now,
        (
            Part("Facts", facts=tuple(_facts(incident))),
            Part("What happened", _inert(incident.facts.happened)),
            _notes(incident),
            Part("Who was told", facts=tuple(_told(one, now) for one in incident.clocks)),
            _timeline(tx, begins, ends),
            _figures(tx, begins, ends),
            _done(tx, begins, ends),
        ),
    )


def _facts(incident: Incident) -> Iterator[tuple[str, str]]:
    known = incident.facts
    yield "Began", _moment(known.began_at)
    yield "We became aware", _moment(known.aware_at)
    yield "Opened in Baraza", _moment(incident.opened_at)
    yield "Personal data concerned", "yes" if known.personal_data else "no"
    yield "Members concerned", "not known yet" if known.members is None else f"{known.members:,}"
    yield (
        "Amount concerned",
        "not known yet" if known.amount_cents is None else kes(known.amount_cents),
    )
    if incident.closed_at:
        yield "Closed", f"{_moment(incident.closed_at)}: {_inert(incident.closed_why or '')}"
    else:
        yield "Closed", "no, it is being worked on"


def _notes(incident: Incident) -> Part:
    found = tuple((_moment(one.at), _inert(one.said)) for one in incident.notes)
    return Part("What was learned since", "" if found else "Nothing was added.", found)


def _told(one: Running, now: datetime) -> tuple[str, str]:
    name = f"{one.clock.title} ({one.clock.hours} hours)"
    if one.notice:
        late = ", late" if one.is_late(now) else ""
        sent = f"told at {_moment(one.notice.sent_at)}{late}; reference: {one.notice.reference}"
        return name, _inert(sent)
    missing = "overdue since" if one.is_late(now) else "not told yet, due by"
    return name, f"{missing} {_moment(one.due_at)}"


def _timeline(tx: Tx, begins: datetime, ends: datetime) -> Part:
    rows = tx.execute(
        _EVENTS,
        {
            "begins": begins,
            "ends": ends,
            "looked_back": begins - SPAN_MAX,
            "limit": EVENTS_MAX + 1,
        },
    ).all()
    title = f"What Baraza recorded, until {_moment(ends)}"
    if not rows:
        return Part(title, "No stop of withdrawals, and no alert.")
    events = tuple((_moment(row.at), row.what) for row in rows[:EVENTS_MAX])
    more = (("Then", "more, which is left out here."),) if len(rows) > EVENTS_MAX else ()
    return Part(title, facts=(*events, *more))


def _figures(tx: Tx, begins: datetime, ends: datetime) -> Part:
    span = {"begins": begins, "ends": ends, "day_before": begins - timedelta(days=1)}
    doubts = tx.execute(_DOUBTS, span).one()
    asked: Figures = payout_report.within(tx, begins, ends)
    return Part(
        "Withdrawals asked for in that time, as they stand now",
        facts=(
            ("Asked for", f"{asked.asked:,}"),
            ("Paid", f"{asked.paid:,}, {kes(asked.paid_cents)}"),
            ("Given back to savings", f"{asked.given_back:,}"),
            ("Given back and paid all the same", f"{asked.paid_after_all:,}"),
            ("Declined", f"{asked.declined:,}"),
            ("On the way", f"{asked.on_the_way:,}"),
            ("In doubt now", f"{asked.in_doubt:,}"),
            ("Came into doubt in that time", f"{doubts.payouts:,}, {kes(doubts.cents)}"),
        ),
    )


def _done(tx: Tx, begins: datetime, ends: datetime) -> Part:
    span = {"begins": begins, "ends": ends, "limit": ACTIONS_MAX}
    found = tuple(
        (row.action.replace("_", " ").capitalize(), f"{row.times:,}")
        for row in tx.execute(_DONE, span)
    )
    return Part(
        "What people did in that time, and how often",
        "" if found else "Nothing is on record.",
        found,
    )


def _inert(text: str) -> str:
    """What somebody typed, without phone numbers, e-mails and letters that steer a terminal."""
    shown = "".join(one if one == "\n" or one.isprintable() else " " for one in text)
    return _EMAIL.sub("(e-mail left out)", _NUMBER.sub("(number left out)", shown))


def _moment(at: datetime) -> str:
    return f"{at.astimezone(NAIROBI):%d/%m/%Y %H:%M}"
