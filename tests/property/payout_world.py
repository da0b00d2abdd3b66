"""The world around one payout, as a value: our side, the calls on the wire, M-PESA."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from app.payouts.deadlines import Schedule
from app.payouts.evidence import Class, Decision, Evidence, Situation, decide
from app.payouts.states import UNSENT_STATES, State
from tests.property import payout_messages as messages
from tests.property.payout_messages import Said

TAKEN_MAX = 2


class Call(StrEnum):
    """Where one committed call stands."""

    __hash__ = str.__hash__  # the enum's own is slow, and worlds are hashed a million times

    UNSENT = "unsent"
    UNDER_WAY = "under way"
    GIVEN_UP = "under way, we stopped waiting"
    SILENT = "arrived or lost, no outcome recorded"
    ANSWER_ACCEPTED = "answered: accepted"
    ANSWER_ACCEPTED_ANEW = "answered: accepted, after it was forgotten"
    ANSWER_DUPLICATE = "answered: duplicate"
    ANSWER_REFUSED = "answered: refused"
    ANSWER_TURNED_AWAY = "answered: not processed"
    OVER = "over, M-PESA may have it"
    REFUSED = "over, refused"


COPY_OUT = frozenset({Call.UNSENT, Call.UNDER_WAY, Call.GIVEN_UP})
"""The request may still reach M-PESA."""
READ: dict[Call, tuple[Call | None, Said]] = {
    Call.ANSWER_ACCEPTED: (Call.OVER, messages.accepted(1)),
    Call.ANSWER_ACCEPTED_ANEW: (Call.OVER, messages.accepted(2)),
    Call.ANSWER_DUPLICATE: (Call.OVER, messages.DUPLICATE),
    Call.ANSWER_REFUSED: (Call.REFUSED, messages.REFUSED),
    Call.ANSWER_TURNED_AWAY: (None, messages.TURNED_AWAY),
}
"""What an answer is recorded as. A call that never reached M-PESA gives its place free."""
UNRECORDED = frozenset({Call.UNSENT, Call.UNDER_WAY, Call.SILENT, *READ})


class Mpesa(StrEnum):
    """What M-PESA has made of the request."""

    __hash__ = str.__hash__

    UNSEEN = "unseen"
    QUEUED = "queued"
    PAID = "paid"
    DECLINED = "declined"
    """A transaction was made and declined; a status query says so."""
    TURNED_DOWN = "turned down"
    """Refused before there was a transaction; a status query finds nothing."""


class World(NamedTuple):
    """Everything that matters about one payout at one moment."""

    ours: State = State.REQUESTED
    frozen: bool = False
    send_again: bool = False
    """Resolve found that nothing has reached M-PESA; pay may call again."""
    acknowledged: str | None = None
    """The ConversationID that the payout row holds."""
    told: tuple[Said, ...] = ()
    """Evidence that was folded, in its normal form. After the end, what the end stands on comes
    first, and of the rest only what was said later."""
    waiting: tuple[Said, ...] = ()
    """Evidence that was filed and not folded yet."""
    calls: tuple[Call, ...] = ()
    called: bool = False
    """A call was ever committed, even one that never left."""
    window_closed: bool = False
    mpesa: Mpesa = Mpesa.UNSEEN
    remembers: bool = False
    taken: int = 0
    """How often M-PESA took a copy for a new request."""
    paid: int = 0
    callbacks: frozenset[Said] = frozenset()
    """Messages of M-PESA on their way. What is lost never got here."""


_FIRST_CALL = datetime(2026, 1, 1, tzinfo=UTC)
_SCHEDULE = Schedule(
    resend_after_s=(5, 30, 120),
    ask_after_s=(90, 300),
    doubt_after_s=120,
    notice_after_s=120,
    call_s_max=30,
)


@cache
def window_lets_resend(window_closed: bool) -> bool:  # noqa: FBT001 - its only argument
    """The real rule, asked within the window and after it."""
    now = _FIRST_CALL + timedelta(days=1 if window_closed else 0)
    return _SCHEDULE.next_resend(first_call_at=_FIRST_CALL, now=now) is not None


def never_sent(ours: State, called: bool) -> bool:  # noqa: FBT001 - as the world holds it
    """The rule of `cancel`: an early state, and no call was ever committed."""
    return ours in UNSENT_STATES | {State.APPROVAL} and not called


class Rules(NamedTuple):
    """Our rules, which are put to the test, and the bounds of the world."""

    decide: Callable[[Situation, Sequence[Evidence]], Decision] = decide
    may_resend: Callable[[bool], bool] = window_lets_resend
    may_cancel: Callable[[State, bool], bool] = never_sent
    people_may_rule: Callable[[bool, bool], bool] | None = None
    """Whether two people may decide, by: the resend window is closed; M-PESA holds the request or
    a copy is under way. What they say is true at that moment. None: there are only machines."""
    new_id_on_retry: bool = False
    forgets_at_any_time: bool = False
    calls_max: int = 3
    waiting_max: int = 0
    """Messages that may lie filed before resolve folds them together. With 0 each is folded when
    it comes; one that lies is much like one that is late."""
    notices: bool = True
    """M-PESA may send queue-timeout notices."""
    repeats: bool = False
    """Callbacks come again in other words. The same words are filed once."""


class Step(NamedTuple):
    """One thing that may happen next, and the rule that our side broke by it, if any."""

    label: str
    world: World
    broken: str | None = None


Steps = Iterator[Step]


def ended(world: World, told: tuple[Said, ...]) -> World:
    """After the end no answer to a call counts, only copies that may still arrive."""
    out = tuple(Call.GIVEN_UP for c in world.calls if c in COPY_OUT)
    return world._replace(told=told, send_again=False, acknowledged=None, calls=out)


def frozen(world: World) -> World:
    """Nothing that is said to a frozen payout changes anything; forget it."""
    return ended(world, ())._replace(frozen=True, callbacks=frozenset())


def with_call(world: World, i: int, to: Call | None) -> World:
    """One call stands elsewhere now; None takes it out, as if it had never been made."""
    put = () if to is None else (to,)
    return quiet(world._replace(calls=in_order((*world.calls[:i], *put, *world.calls[i + 1 :]))))


def quiet(world: World) -> World:
    """A call that can bring nothing but doubt says nothing once doubt or acceptance is known."""
    known = any(s.of in {Class.DOUBT, Class.ACCEPTED} for s in world.told)
    if known and Call.SILENT in world.calls:
        calls = tuple(Call.OVER if c is Call.SILENT else c for c in world.calls)
        return world._replace(calls=in_order(calls))
    return world


def in_order(calls: tuple[Call, ...]) -> tuple[Call, ...]:
    """Calls are alike: their order says nothing."""
    return tuple(sorted(calls))
