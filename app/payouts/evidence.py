"""What counts as what. Pure: evidence and a payout's facts in, a decision out.

Only evidence moves money. Everything anybody says about a payout is classified, kept for ever,
and folded here by rank; a higher rank never gives way to a lower one, and equals that contradict
each other freeze the payout. What two people then rule ends all that was said before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from app.payouts.states import AFTER_THE_END, ENDED_STATES, SENT_STATES, UNSENT_STATES, State


class Class(StrEnum):
    """What a piece of evidence says."""

    SUCCESS = "success"
    DEFINITE_NO = "definite_no"
    NEVER_SENT = "never_sent"
    NOT_SENT = "not_sent"
    """This call never left our host. Says nothing about other calls."""
    NOT_PROCESSED = "not_processed"
    """This call was turned away at the provider's gate. Says nothing about other calls."""
    ACCEPTED = "accepted"
    ACCEPTED_EARLIER = "accepted_earlier"
    DOUBT = "doubt"
    OPEN = "open"
    """The provider says that it is still at work."""
    NOT_KNOWN_NOW = "not_known_now"
    """The provider does not know the request at present. Never a reason to reverse."""
    ABOUT_QUERY = "about_query"
    """The answer speaks of our question, not of the payout."""
    CONTRADICTION = "contradiction"
    TAKEN_BACK = "taken_back"
    """M-PESA paid and took it back. Moves nothing until two people say so."""
    MADE_GOOD = "made_good"
    """The SACCO has back what it was owed. Only people say so."""
    GIVEN_UP = "given_up"
    """The SACCO bears what it was owed. Only people say so."""
    UPHELD = "upheld"
    """What is booked is right, whatever else was said. Only people say so."""


class Source(StrEnum):
    """Who said it, lowest rank first."""

    OWN = "own"
    ACK = "ack"
    CALLBACK = "callback"
    STATUS = "status"
    STATEMENT = "statement"
    PERSON = "person"


RANK: dict[Source, int] = {source: rank for rank, source in enumerate(Source)}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was said about one payout."""

    id: int
    source: Source
    of: Class
    code: str | None = None
    receipt: str | None = None
    conversation_id: str | None = None
    before_transaction: bool = False
    """Its code is one that M-PESA refuses by before it makes a transaction: a status query will
    then truthfully say "does not exist"."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What must be known of a payout to fold its evidence."""

    state: State
    frozen: bool
    receipt: str | None
    """Of the success that settled it."""
    moved_by: int | None
    """The evidence that its last move stands on; what came before it is already weighed."""
    conversation_id: str | None
    """Acknowledged by M-PESA."""
    doubtful_calls: int
    """Calls whose outcome is, or may be, that M-PESA took the request: doubt, accepted,
    accepted earlier, or no outcome recorded at all."""


class Act(StrEnum):
    """What follows."""

    SETTLE = "settle"
    COMPENSATE = "compensate"
    RECOVER = "recover"
    """Paid although reversed: book it, page, never take it from the member by machine."""
    CANCEL = "cancel"
    """It was never sent and never will be."""
    RETURN = "return"
    """M-PESA took the payment back: so does the member's account."""
    MAKE_GOOD = "make_good"
    GIVE_UP = "give_up"
    UPHOLD = "uphold"
    """It stays as it is, and machines may touch it again."""
    SUBMITTED = "submitted"
    IN_DOUBT = "in_doubt"
    SEND_AGAIN = "send_again"
    """Nothing reached the provider: the same request may go out again, under the same id."""
    ASK = "ask"
    """Not enough to act on; ask M-PESA now."""
    FREEZE = "freeze"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and the piece of evidence that it stands on."""

    act: Act
    by: Evidence | None = None
    why: str = ""


_RULINGS: dict[Class, tuple[tuple[frozenset[State], Act], ...]] = {
    Class.SUCCESS: (
        (SENT_STATES, Act.SETTLE),
        (frozenset({State.REVERSED}), Act.RECOVER),
    ),
    Class.DEFINITE_NO: ((SENT_STATES, Act.COMPENSATE),),
    Class.NEVER_SENT: ((UNSENT_STATES, Act.CANCEL),),
    Class.TAKEN_BACK: ((frozenset({State.PAID}), Act.RETURN),),
    Class.MADE_GOOD: ((frozenset({State.RECOVERY}), Act.MAKE_GOOD),),
    Class.GIVEN_UP: ((frozenset({State.RECOVERY}), Act.GIVE_UP),),
}
"""What two people may rule, by where the payout stands. Once it is done, it stands elsewhere."""


def decide(now: Situation, told: Sequence[Evidence]) -> Decision:
    """What the whole of the evidence about a payout means. `told` is all of it, oldest first."""
    rulings = [i for i, e in enumerate(told) if e.source is Source.PERSON]
    if not rulings:
        return _by_machine(now, told)
    ruling, since = told[rulings[-1]], told[rulings[-1] + 1 :]
    for states, act in _RULINGS.get(ruling.of, ()):
        if now.state in states:
            return Decision(act, ruling, "two people decided")
    # It is done, and what it stood on is weighed. What came later may add to it.
    if now.frozen and ruling.of is Class.UPHELD and now.state in ENDED_STATES:
        contradicted_since = _by_machine(replace(now, frozen=False), since).act is Act.FREEZE
        if not contradicted_since:
            return Decision(Act.UPHOLD, ruling, "two people decided")
    return _by_machine(now, since)


def _by_machine(now: Situation, told: Sequence[Evidence]) -> Decision:
    """What follows without any person."""
    if now.frozen:
        return Decision(Act.NOTE, why="frozen: a person decides")
    if any(e.of is Class.CONTRADICTION for e in told):
        return Decision(Act.FREEZE, _last(told, Class.CONTRADICTION), "a result does not fit")
    successes = [e for e in told if e.of is Class.SUCCESS]
    if len({e.receipt for e in successes}) > 1:
        return Decision(Act.FREEZE, successes[-1], "two receipts: possibly paid twice")
    if now.state in AFTER_THE_END:
        return _after_the_end(now, successes, told)
    if now.state not in SENT_STATES:
        return _before_any_call(now, told)
    told = _that_fit(now, told)
    successes = [e for e in told if e.of is Class.SUCCESS]
    refusal, confirmed = _refusal(now, told)
    if successes:
        best = _highest(successes)
        if refusal is not None and RANK[refusal.source] >= RANK[best.source]:
            return Decision(Act.FREEZE, best, "told both paid and refused")
        return Decision(Act.SETTLE, best, "M-PESA says paid")
    if refusal is not None:
        if confirmed:
            return Decision(Act.COMPENSATE, refusal, "M-PESA says no")
        return Decision(Act.ASK, refusal, "a refusal that a status query must confirm")
    return _while_nobody_knows(now, told)


def _after_the_end(now: Situation, successes: list[Evidence], told: Sequence[Evidence]) -> Decision:
    """Late evidence. It never undoes what was booked; it may add to it."""
    if now.state is State.REVERSED and successes:
        return Decision(Act.RECOVER, _highest(successes), "paid after it was reversed")
    if now.state is State.PAID:
        other = [e for e in successes if e.receipt != now.receipt]
        if other:
            return Decision(Act.FREEZE, other[-1], "paid a second time under another receipt")
        final_no = [
            e
            for e in told
            if e.of is Class.DEFINITE_NO
            and e.source is not Source.ACK
            and e.id > (now.moved_by or 0)
        ]
        if final_no:
            return Decision(Act.FREEZE, final_no[-1], "refused after it was paid")
    return Decision(Act.NOTE, why="a repeat")


def _before_any_call(now: Situation, told: Sequence[Evidence]) -> Decision:
    """A provider speaks of a payout that we never sent: our code or somebody's lie."""
    foreign = [e for e in told if e.source is not Source.OWN]
    if foreign:
        return Decision(Act.FREEZE, foreign[-1], f"evidence for a payout that is {now.state}")
    return Decision(Act.NOTE)


def _that_fit(now: Situation, told: Sequence[Evidence]) -> list[Evidence]:
    """Without callbacks whose ConversationID is not the acknowledged one.

    One that is filed after the acknowledgement is classified so; this is for those before it.
    """
    acknowledged = {e.conversation_id for e in told if e.of is Class.ACCEPTED}
    acknowledged = (acknowledged | {now.conversation_id}) - {None}
    return [
        e
        for e in told
        if e.source is not Source.CALLBACK
        or e.of not in {Class.SUCCESS, Class.DEFINITE_NO}
        or not acknowledged
        or e.conversation_id in acknowledged
    ]


def _refusal(now: Situation, told: Sequence[Evidence]) -> tuple[Evidence | None, bool]:
    """The refusal that may be acted on, and whether it is enough to give the money back.

    A synchronous answer speaks of its own call only: once any call is in doubt, it proves
    nothing. A callback carries neither signature, amount nor phone number, so a status answer
    must agree: declined, cancelled or expired, or, for codes by which M-PESA refuses before it
    makes a transaction, "does not exist".
    """
    refusals = [e for e in told if e.of is Class.DEFINITE_NO]
    final = [e for e in refusals if e.source in {Source.STATUS, Source.STATEMENT}]
    if final:
        return _highest(final), True
    callbacks = [e for e in refusals if e.source is Source.CALLBACK]
    if callbacks:
        newest = callbacks[-1]
        asked_after = [e for e in told if e.source is Source.STATUS and e.id > newest.id]
        unknown = any(e.of is Class.NOT_KNOWN_NOW for e in asked_after)
        # With two copies out, one is refused and "does not exist", and the other may yet be paid.
        alone = _copies(now, told) <= 1
        return newest, newest.before_transaction and unknown and alone
    sync = [e for e in refusals if e.source is Source.ACK]
    # M-PESA doubts aloud, so it has the request, whatever our calls were answered.
    spoke = any(e.of is Class.DOUBT and RANK[e.source] > RANK[Source.ACK] for e in told)
    if sync and now.doubtful_calls == 0 and not spoke:
        return sync[-1], True
    return None, False


def _copies(now: Situation, told: Sequence[Evidence]) -> int:
    """Copies of the request that M-PESA may hold: a "duplicate" was not taken a second time."""
    duplicates = [e for e in told if e.source is Source.ACK and e.of is Class.ACCEPTED_EARLIER]
    return now.doubtful_calls - len(duplicates)


def _while_nobody_knows(now: Situation, told: Sequence[Evidence]) -> Decision:
    accepted = _last(told, Class.ACCEPTED)
    if accepted is not None:
        # A worker that was frozen may report an earlier call's doubt after a later call was
        # accepted; the acknowledgement stands.
        doubt_after = [
            e
            for e in told
            if e.id > accepted.id and e.of is Class.DOUBT and e.source is not Source.ACK
        ]
        if doubt_after:
            return Decision(Act.IN_DOUBT, doubt_after[-1], "accepted, then doubtful")
        return Decision(Act.SUBMITTED, accepted, "acknowledged")
    doubts = [e for e in told if e.of in {Class.DOUBT, Class.ACCEPTED_EARLIER}]
    if doubts:
        return Decision(Act.IN_DOUBT, doubts[-1], "no clear answer")
    turned_away = [e for e in told if e.of in {Class.NOT_SENT, Class.NOT_PROCESSED}]
    if turned_away and now.doubtful_calls == 0:
        return Decision(Act.SEND_AGAIN, turned_away[-1], "it never reached M-PESA")
    return Decision(Act.NOTE)


def _last(told: Sequence[Evidence], of: Class) -> Evidence | None:
    return next((e for e in reversed(told) if e.of is of), None)


def _highest(told: Sequence[Evidence]) -> Evidence:
    return max(told, key=lambda e: (RANK[e.source], e.id))
