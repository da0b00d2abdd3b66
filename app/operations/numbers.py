"""The numbers that tell whether Baraza is well, read from PostgreSQL at one moment."""

from dataclasses import dataclass

import sqlalchemy as sa

from app.db import Tx
from app.ledger import chart, statements
from app.members import pins
from app.operations import alerting
from app.payouts.deadlines import SILENT_S
from app.payouts.states import OPEN_STATES, State

ENDED_STATES = tuple(state for state in State if state not in OPEN_STATES)
LAST_DAY_H = 24


@dataclass(frozen=True, slots=True)
class Numbers:
    """One reading. Ages are seconds, money is cents."""

    open_payouts: dict[State, int]
    """Every open state, also those that hold none."""
    ended_payouts: dict[State, int]
    """Payouts requested in the last 24 hours that have ended, by how they ended."""
    oldest_in_doubt_s: float
    """0 when no payout is in doubt."""
    in_transit_cents: int
    """Members' money between reserve and resolution, as the ledger has it."""
    messages_waiting: int
    """SMS that are not yet handed to the gateway."""
    sms_paused: bool
    """Our account at the SMS gateway is empty, so nothing is sent."""
    sms_failed_last_day: int
    """SMS that were given up or not delivered in the last 24 hours."""
    sms_blocked: int
    """Numbers that take nothing from our sender."""
    wrong_pins_last_hour: int
    """Of all members: one PIN tried on many numbers locks none of them, and shows here."""
    inbox_waiting: int
    """Callbacks that are filed and not yet worked."""
    dead_letters: int
    """Payouts that wait for a person because a step raised every time."""
    alerts_open: dict[str, int]
    """By severity: `page` and `warn`."""
    heartbeats_s: dict[str, float]
    """Seconds since each worker last beat."""

    @property
    def workers_alive(self) -> int:
        """Workers that beat within the time after which one is taken for dead."""
        return sum(age <= SILENT_S for age in self.heartbeats_s.values())

    @property
    def open_count(self) -> int:
        """Payouts that have not ended."""
        return sum(self.open_payouts.values())


# Open payouts are few and have a partial index. Ended ones may be millions, so they are counted
# over one day, along the index on their time.
_OPEN = sa.text("SELECT state, count(*) FROM payout WHERE state = ANY(:states) GROUP BY state")
_ENDED = sa.text(
    "SELECT state, count(*) FROM payout"
    " WHERE requested_at > now() - make_interval(hours => :hours) AND state = ANY(:states)"
    " GROUP BY state"
)
_SINGLE = sa.text(
    """
    SELECT
      (SELECT coalesce(extract(epoch FROM now() - min(state_since)), 0)
         FROM payout WHERE state = 'in_doubt') AS oldest_in_doubt_s,
      (SELECT count(*) FROM message WHERE due_at IS NOT NULL) AS messages_waiting,
      EXISTS (SELECT FROM sms_pause) AS sms_paused,
      (SELECT count(*) FROM message WHERE state = 'failed'
          AND finished_at > now() - make_interval(hours => :hours)) AS sms_failed_last_day,
      (SELECT count(*) FROM sms_block) AS sms_blocked,
      (SELECT count(*) FROM inbox WHERE worked_at IS NULL) AS inbox_waiting,
      (SELECT count(*) FROM dead_letter WHERE closed_at IS NULL) AS dead_letters
    """
)
_HEARTBEATS = sa.text(
    "SELECT name, extract(epoch FROM clock_timestamp() - beat_at)"
    " FROM worker_heartbeat ORDER BY name"
)


def read(tx: Tx) -> Numbers:
    """Read all numbers. A few indexed queries; fit for a scrape every few seconds."""
    single = tx.execute(_SINGLE, {"hours": LAST_DAY_H}).one()
    return Numbers(
        open_payouts=_by_state(tx, _OPEN, tuple(s for s in State if s in OPEN_STATES)),
        ended_payouts=_by_state(tx, _ENDED, ENDED_STATES, hours=LAST_DAY_H),
        oldest_in_doubt_s=float(single.oldest_in_doubt_s),
        # A liability is a credit, and credits are negative; what is in transit is shown positive.
        in_transit_cents=-statements.system_balance(tx, chart.IN_TRANSIT),
        messages_waiting=single.messages_waiting,
        sms_paused=single.sms_paused,
        sms_failed_last_day=single.sms_failed_last_day,
        sms_blocked=single.sms_blocked,
        wrong_pins_last_hour=pins.wrong_tries(tx, minutes=60),
        inbox_waiting=single.inbox_waiting,
        dead_letters=single.dead_letters,
        alerts_open=alerting.open_by_severity(tx),
        heartbeats_s={name: float(age) for name, age in tx.execute(_HEARTBEATS)},
    )


def _by_state(
    tx: Tx, query: sa.TextClause, states: tuple[State, ...], **facts: int
) -> dict[State, int]:
    counted = {State(state): n for state, n in tx.execute(query, {"states": list(states), **facts})}
    return {state: counted.get(state, 0) for state in states}
