"""The states of a payout and the moves between them, as data. Pure.

This table is the only statement of what may happen. `reference_data` loads it into PostgreSQL,
where a trigger refuses every other move; the exhaustive model explores it.
"""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a payout stands. The names are part of our JSON and never change."""

    REQUESTED = "requested"
    """The member confirmed; nothing has been taken from her savings yet."""
    DECLINED = "declined"
    """Our own rules said no before anything was taken."""
    RESERVED = "reserved"
    """The total waits in payouts in transit; nothing was sent."""
    APPROVAL = "approval"
    """Above a limit: waits for a second person."""
    SUBMITTING = "submitting"
    """A call is committed and may be on the wire."""
    SUBMITTED = "submitted"
    """M-PESA took the request into its queue. That is no payment yet."""
    IN_DOUBT = "in_doubt"
    """Nobody knows. The money waits, we ask."""
    PAID = "paid"
    """M-PESA says that the member has the money."""
    REVERSED = "reversed"
    """M-PESA says no; the total is back in her savings."""
    CANCELLED = "cancelled"
    """Taken back before anything was sent; the total is back in her savings."""
    RECOVERY = "recovery"
    """Reversed by us, then paid by M-PESA: the SACCO must get the amount back."""
    RECOVERED = "recovered"
    """The SACCO has the amount back."""
    WRITTEN_OFF = "written_off"
    """The SACCO gave the amount up."""
    RETURNED = "returned"
    """Paid, then taken back by M-PESA: the total is back in her savings."""


class Needs(StrEnum):
    """What a move must stand on. Time is not in this list: time may only ask."""

    NOTHING = "nothing"
    """Moves no money that is not our own to move."""
    SUCCESS = "success"
    """Evidence of class success."""
    REFUSAL = "refusal"
    """Evidence of class definite_no."""
    NEVER_SENT = "never_sent"
    """Proof under the payout's lock that no call was ever committed."""
    TAKEN_BACK = "taken_back"
    """Two people, by evidence of class taken_back."""
    MADE_GOOD = "made_good"
    """Two people, by evidence of class made_good."""
    GIVEN_UP = "given_up"
    """Two people, by evidence of class given_up."""


@dataclass(frozen=True, slots=True)
class Move:
    """One allowed move and what it must stand on."""

    source: State
    target: State
    needs: Needs


_S = State
MOVES: frozenset[Move] = frozenset(
    {
        Move(_S.REQUESTED, _S.RESERVED, Needs.NOTHING),
        Move(_S.REQUESTED, _S.DECLINED, Needs.NEVER_SENT),
        Move(_S.REQUESTED, _S.CANCELLED, Needs.NEVER_SENT),
        Move(_S.REQUESTED, _S.APPROVAL, Needs.NOTHING),
        Move(_S.APPROVAL, _S.RESERVED, Needs.NOTHING),
        Move(_S.APPROVAL, _S.CANCELLED, Needs.NEVER_SENT),
        Move(_S.RESERVED, _S.CANCELLED, Needs.NEVER_SENT),
        Move(_S.RESERVED, _S.SUBMITTING, Needs.NOTHING),
        Move(_S.SUBMITTING, _S.SUBMITTED, Needs.NOTHING),
        Move(_S.SUBMITTING, _S.IN_DOUBT, Needs.NOTHING),
        Move(_S.SUBMITTED, _S.IN_DOUBT, Needs.NOTHING),
        Move(_S.IN_DOUBT, _S.SUBMITTED, Needs.NOTHING),
        Move(_S.SUBMITTING, _S.PAID, Needs.SUCCESS),
        Move(_S.SUBMITTED, _S.PAID, Needs.SUCCESS),
        Move(_S.IN_DOUBT, _S.PAID, Needs.SUCCESS),
        Move(_S.SUBMITTING, _S.REVERSED, Needs.REFUSAL),
        Move(_S.SUBMITTED, _S.REVERSED, Needs.REFUSAL),
        Move(_S.IN_DOUBT, _S.REVERSED, Needs.REFUSAL),
        Move(_S.REVERSED, _S.RECOVERY, Needs.SUCCESS),
        Move(_S.PAID, _S.RETURNED, Needs.TAKEN_BACK),
        Move(_S.RECOVERY, _S.RECOVERED, Needs.MADE_GOOD),
        Move(_S.RECOVERY, _S.WRITTEN_OFF, Needs.GIVEN_UP),
    }
)
"""A call that never left our host keeps its payout in SUBMITTING, to be sent again under its id."""

RESERVED_STATES = frozenset({_S.RESERVED, _S.APPROVAL, _S.SUBMITTING, _S.SUBMITTED, _S.IN_DOUBT})
"""The total waits in payouts in transit; its balance is the sum over these."""

OPEN_STATES = RESERVED_STATES | {_S.REQUESTED}
"""A member has at most one payout in these."""

UNSENT_STATES = frozenset({_S.REQUESTED, _S.RESERVED})
"""Nothing was sent, and nobody else has to agree."""

SENT_STATES = frozenset({_S.SUBMITTING, _S.SUBMITTED, _S.IN_DOUBT})
"""M-PESA may have heard of the payout and has not said how it ended."""

AFTER_THE_END = frozenset(
    {_S.PAID, _S.REVERSED, _S.RECOVERY, _S.RECOVERED, _S.WRITTEN_OFF, _S.RETURNED}
)
"""It was sent and its end is booked. Whatever is said later may add to it, never undo it."""

ENDED_STATES = AFTER_THE_END | {_S.DECLINED, _S.CANCELLED}
"""What is booked stays booked; machines work on it no more."""


def allowed(source: State, target: State) -> Needs | None:
    """What the move needs, or None if there is no such move."""
    return next((m.needs for m in MOVES if (m.source, m.target) == (source, target)), None)
