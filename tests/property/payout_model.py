"""One payout and the world around it, as a finite machine that can be explored to the end.

Our side is the real code: what we do next is `evidence.decide` on everything we were told, every
move is looked up in `states.MOVES`, and whether a request may go out again is asked of
`Schedule.next_resend`. The world is as unkind as it may be: requests, answers, callbacks and
status answers are lost, late and repeated, processes die anywhere, M-PESA's status lags behind.

What the world may *not* do is what our safety stands on, so it is said here, once:

* one call puts at most one copy of the request on the wire;
* a call that was turned away (401, 429) or refused (400) has not been taken into the queue;
* while the resend window is open and for as long as a copy is under way, M-PESA remembers a
  request that became a transaction, and answers "duplicate" to its id;
* nobody forges a callback without its token.

A request that M-PESA refused before it made a transaction may be forgotten at once: nothing is
published about that.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from app.payouts.deadlines import Schedule
from app.payouts.evidence import Act, Class, Decision, Evidence, Situation, Source, decide
from app.payouts.states import SENT_STATES, Needs, State, allowed

WAITING_MAX = 2
"""Messages that may be filed before resolve folds them together."""


class Said(NamedTuple):
    """What one message says. Its place in the sequence of all messages is its evidence's id."""

    source: Source
    of: Class
    receipt: str | None = None
    conversation_id: str | None = None
    before_transaction: bool = False


class Call(StrEnum):
    """Where one committed call stands."""

    UNSENT = "unsent"
    UNDER_WAY = "under way"
    UNDER_WAY_GIVEN_UP = "under way, we stopped waiting"
    SILENT = "arrived or lost, no outcome recorded"
    IN_DOUBT = "in doubt"
    ANSWER_ACCEPTED = "M-PESA answered: accepted"
    ANSWER_DUPLICATE = "M-PESA answered: duplicate"
    ANSWER_REFUSED = "M-PESA answered: refused"
    ANSWER_TURNED_AWAY = "M-PESA answered: not processed"
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


COPY_OUT = frozenset({Call.UNSENT, Call.UNDER_WAY, Call.UNDER_WAY_GIVEN_UP})
"""The request may still reach M-PESA."""
ANSWERED = frozenset(c for c in Call if c.name.startswith("ANSWER"))
UNRECORDED = frozenset({Call.UNSENT, Call.UNDER_WAY, Call.SILENT}) | ANSWERED


class Mpesa(StrEnum):
    """What M-PESA has made of the request."""

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
    """Evidence that was folded, in its normal form."""
    moved_by: int = 0
    """Place in `told` of what the final move stands on."""
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
    """Result and timeout messages under way to us; each may arrive any number of times."""
    answer: Said | None = None
    """A status answer under way to us."""


class Rules(NamedTuple):
    """What is put to the test: our rules, and how long M-PESA remembers."""

    decide: Callable[[Situation, Sequence[Evidence]], Decision] = decide
    may_resend: Callable[[bool], bool] = lambda closed: window_lets_resend(closed)  # noqa: PLW0108
    new_id_on_retry: bool = False
    forgets_at_any_time: bool = False
    calls_max: int = 3


class Step(NamedTuple):
    """One thing that may happen next, and which rule our side broke by it, if any."""

    label: str
    world: World
    broken: str | None = None


Steps = Iterator[Step]

_FIRST_CALL = datetime(2026, 1, 1, tzinfo=UTC)
_SCHEDULE = Schedule(
    resend_after_s=(5, 30, 120),
    ask_after_s=(90, 300),
    doubt_after_s=120,
    notice_after_s=120,
    call_s_max=30,
)


@cache
def window_lets_resend(closed: bool) -> bool:  # noqa: FBT001 - it is the only argument
    """The real rule, asked within the window and after it."""
    now = _FIRST_CALL + timedelta(days=1 if closed else 0)
    return _SCHEDULE.next_resend(first_call_at=_FIRST_CALL, now=now) is not None


def steps(world: World, rules: Rules) -> Steps:
    """Everything that may happen next."""
    yield from _before_any_call(world)
    yield from _committing(world, rules)
    for i in range(len(world.calls)):
        yield from _calling(world, i, rules)
    yield from _mpesa_works(world, rules)
    yield from _messages_travel(world)
    yield from _asking(world)
    yield from _resolving(world, rules)


def payable(world: World, *, new_id_on_retry: bool = False) -> bool:
    """M-PESA holds, or may still get, a request that it would take for new and pay."""
    if world.mpesa is Mpesa.QUEUED:
        return True
    fresh = world.mpesa is Mpesa.UNSEEN or not world.remembers or new_id_on_retry
    return fresh and any(c in COPY_OUT for c in world.calls)


# -- our side, before M-PESA hears of it ---------------------------------------------------------


def _before_any_call(world: World) -> Steps:
    """The debit, the second person, a cancel, an expiry: none of them needs evidence."""
    if world.ours is State.REQUESTED:
        for to in (State.RESERVED, State.DECLINED, State.APPROVAL):
            yield _move(world, to, f"debit: {to}")
    if world.ours is State.APPROVAL:
        yield _move(world, State.RESERVED, "a second person approves")
    if world.ours in {State.APPROVAL, State.RESERVED}:
        yield _move(world, State.CANCELLED, "cancelled or expired")


def _committing(world: World, rules: Rules) -> Steps:
    """Pay commits the intent to call, and only then calls."""
    if world.frozen or len(world.calls) >= rules.calls_max:
        return
    after = world._replace(
        calls=_sorted((*world.calls, Call.UNSENT)), called=True, send_again=False
    )
    if world.ours is State.RESERVED:
        yield _move(after, State.SUBMITTING, "call committed")
    if world.ours is State.SUBMITTING and world.send_again:
        yield Step("call committed again", after)
    if world.ours is State.IN_DOUBT and rules.may_resend(world.window_closed):
        yield Step("resend committed", after)


def _calling(world: World, i: int, rules: Rules) -> Steps:
    """One call on its way out and back. A process that dies just does none of this any more."""
    match world.calls[i]:
        case Call.UNSENT:
            yield Step("request sent", _call(world, i, Call.UNDER_WAY))
            yield from _record(world, i, None, Said(Source.ACK, Class.NOT_SENT))
        case Call.UNDER_WAY:
            yield Step("request lost", _call(world, i, Call.SILENT))
            yield from _record(
                world, i, Call.UNDER_WAY_GIVEN_UP, Said(Source.ACK, Class.DOUBT), "call times out"
            )
            yield from _arriving(world, i, rules)
        case Call.UNDER_WAY_GIVEN_UP:
            yield Step("request lost", _call(world, i, Call.IN_DOUBT))
            yield from _arriving(world, i, rules)
        case Call.SILENT:
            yield from _record(
                world, i, Call.IN_DOUBT, Said(Source.ACK, Class.DOUBT), "call times out"
            )
        case answered if answered in ANSWERED:
            yield Step("answer lost", _call(world, i, Call.SILENT))
            yield from _reading(world, i, answered)
        case _:
            pass


def _arriving(world: World, i: int, rules: Rules) -> Steps:
    """A copy of the request reaches M-PESA, which may check anything before it checks the id."""
    heard = world.calls[i] is Call.UNDER_WAY

    def answer(with_: Call) -> World:
        return _call(world, i, with_ if heard else Call.IN_DOUBT)

    yield Step("M-PESA turns it away", answer(Call.ANSWER_TURNED_AWAY))
    yield Step("M-PESA refuses it at once", answer(Call.ANSWER_REFUSED))
    seen = world.mpesa is not Mpesa.UNSEEN and world.remembers
    if seen and not rules.new_id_on_retry:
        yield Step("M-PESA has it already", answer(Call.ANSWER_DUPLICATE))
    else:
        yield Step(
            "M-PESA accepts",
            answer(Call.ANSWER_ACCEPTED)._replace(
                mpesa=Mpesa.QUEUED, remembers=True, taken=world.taken + 1
            ),
        )


def _reading(world: World, i: int, answered: Call) -> Steps:
    """Our process reads the answer and records it as evidence."""
    match answered:
        case Call.ANSWER_ACCEPTED:
            said = Said(Source.ACK, Class.ACCEPTED, conversation_id=f"C{world.taken}")
            yield from _record(world, i, Call.ACCEPTED, said)
        case Call.ANSWER_DUPLICATE:
            yield from _record(
                world, i, Call.DUPLICATE, Said(Source.ACK, Class.ACCEPTED_EARLIER)
            )
        case Call.ANSWER_REFUSED:
            yield from _record(world, i, Call.REFUSED, Said(Source.ACK, Class.DEFINITE_NO))
        case _:
            yield from _record(world, i, None, Said(Source.ACK, Class.NOT_PROCESSED))


def _record(world: World, i: int, call: Call | None, said: Said, label: str = "") -> Steps:
    """Keep a call's outcome and its evidence. A call that never reached M-PESA frees its place."""
    calls = list(world.calls)
    calls[i : i + 1] = [] if call is None else [call]
    yield from _file(world._replace(calls=_sorted(calls)), said, label or f"recorded: {said.of}")


# -- M-PESA --------------------------------------------------------------------------------------


def _mpesa_works(world: World, rules: Rules) -> Steps:
    conversation = f"C{world.taken}"
    if world.mpesa is Mpesa.QUEUED:
        paid = Said(Source.CALLBACK, Class.SUCCESS, f"R{world.paid + 1}", conversation)
        declined = Said(Source.CALLBACK, Class.DEFINITE_NO, None, conversation)
        yield Step("M-PESA pays", _result(world, Mpesa.PAID, paid)._replace(paid=world.paid + 1))
        yield Step("M-PESA declines", _result(world, Mpesa.DECLINED, declined))
        yield Step(
            "M-PESA refuses before a transaction",
            _result(world, Mpesa.TURNED_DOWN, declined._replace(before_transaction=True)),
        )
        vague = Said(Source.CALLBACK, Class.DOUBT, None, conversation)
        yield Step("queue-timeout notice", _result(world, Mpesa.QUEUED, vague))
    if world.remembers and _may_forget(world, rules):
        yield Step("M-PESA forgets the id", world._replace(remembers=False))


def _may_forget(world: World, rules: Rules) -> bool:
    if world.mpesa is Mpesa.TURNED_DOWN or rules.forgets_at_any_time:
        return True
    late = world.window_closed and not any(c in COPY_OUT for c in world.calls)
    return late and world.mpesa is not Mpesa.QUEUED


def _result(world: World, to: Mpesa, callback: Said) -> World:
    callbacks = world.callbacks if world.frozen else world.callbacks | {callback}
    return world._replace(mpesa=to, callbacks=callbacks)


def _messages_travel(world: World) -> Steps:
    for callback in world.callbacks:
        kept = world._replace(callbacks=world.callbacks - {callback})
        yield Step(f"callback lost for good: {callback.of}", kept)
        if callback not in world.waiting:
            yield from _file(world, callback, f"callback: {callback.of}")
    if world.answer is not None:
        gone = world._replace(answer=None)
        yield Step("status answer lost", gone)
        yield from _file(gone, world.answer, f"status says {world.answer.of}")


def _asking(world: World) -> Steps:
    """A status query. M-PESA's answer may be true, late, behind the times, or about the query."""
    asked = world.ours in {State.SUBMITTED, State.IN_DOUBT} and not world.frozen
    if not asked or world.answer is not None:
        return
    says = {
        Mpesa.QUEUED: Said(Source.STATUS, Class.OPEN),
        Mpesa.PAID: Said(Source.STATUS, Class.SUCCESS, f"R{world.paid}"),
        Mpesa.DECLINED: Said(Source.STATUS, Class.DEFINITE_NO),
    }
    answers = {
        Said(Source.STATUS, Class.NOT_KNOWN_NOW),
        Said(Source.STATUS, Class.ABOUT_QUERY),
        says.get(world.mpesa, Said(Source.STATUS, Class.NOT_KNOWN_NOW)),
    }
    for answer in sorted(answers, key=str):
        yield Step(f"status asked, M-PESA answers {answer.of}", world._replace(answer=answer))


# -- our side, resolve ---------------------------------------------------------------------------

_TARGET = {
    Act.SETTLE: State.PAID,
    Act.COMPENSATE: State.REVERSED,
    Act.RECOVER: State.RECOVERY,
    Act.SUBMITTED: State.SUBMITTED,
    Act.IN_DOUBT: State.IN_DOUBT,
    Act.ASK: State.IN_DOUBT,
}
_ONLY_ON_NEWS = frozenset({Act.SUBMITTED, Act.IN_DOUBT, Act.ASK, Act.SEND_AGAIN})
_ENDS = frozenset({State.PAID, State.REVERSED, State.RECOVERY})


def _file(world: World, said: Said, label: str) -> Steps:
    """A message becomes evidence; resolve will fold it, sooner or later."""
    if world.frozen:
        yield Step(label, world)
    elif len(world.waiting) < WAITING_MAX:
        yield Step(label, world._replace(waiting=(*world.waiting, said)))


def _resolving(world: World, rules: Rules) -> Steps:
    if world.waiting:
        yield _fold(world, rules, "resolve")
    overdue = world.ours is State.SUBMITTED or (
        world.ours is State.SUBMITTING and any(c in UNRECORDED for c in world.calls)
    )
    if overdue and not world.frozen:
        doubt = Said(Source.OWN, Class.DOUBT)
        late = world._replace(waiting=(*world.waiting, doubt))
        yield _fold(late, rules, "deadline passes")
    if world.called and not world.window_closed:
        yield Step("resend window closes", world._replace(window_closed=True))


def _fold(world: World, rules: Rules, label: str) -> Step:
    """What resolve does: all evidence together, one decision, and what `outcome` makes of it."""
    told = (*world.told, *world.waiting)
    decision = rules.decide(_situation(world), evidence(told))
    by = decision.by.id if decision.by is not None else 0
    label = f"{label}: {decision.act}"
    folded = world._replace(told=normal_form(told), waiting=())
    if world.ours in _ENDS:
        weighed = world.moved_by
        folded = folded._replace(told=told[:weighed] + normal_form(told[weighed:]))
    if decision.act is Act.FREEZE:
        return Step(label, _frozen(folded), _unfounded_freeze(told))
    if decision.act in _ONLY_ON_NEWS and by <= len(world.told):
        return Step(label, folded)
    if decision.act is Act.SEND_AGAIN:
        return Step(label, folded._replace(send_again=True))
    if decision.act not in _TARGET:
        return Step(label, folded)
    to = _TARGET[decision.act]
    if to in _ENDS:
        before = normal_form(told[: by - 1])
        kept = (*before, told[by - 1], *normal_form(told[by:]))
        folded = folded._replace(told=kept, moved_by=len(before) + 1, send_again=False)
    if decision.act is Act.SUBMITTED:
        folded = folded._replace(acknowledged=told[by - 1].conversation_id)
    return _move(folded, to, label, told[by - 1])


def _situation(world: World) -> Situation:
    paid = world.ours is State.PAID
    return Situation(
        state=world.ours,
        frozen=world.frozen,
        receipt=world.told[world.moved_by - 1].receipt if paid else None,
        moved_by=world.moved_by or None,
        conversation_id=world.acknowledged,
        calls=len(world.calls),
        doubtful_calls=sum(c is not Call.REFUSED for c in world.calls),
    )


@cache
def evidence(told: tuple[Said, ...]) -> tuple[Evidence, ...]:
    """The same, as the real code's evidence, numbered in order."""
    return tuple(
        Evidence(
            id=i,
            source=said.source,
            of=said.of,
            receipt=said.receipt,
            conversation_id=said.conversation_id,
            before_transaction=said.before_transaction,
        )
        for i, said in enumerate(told, 1)
    )


@cache
def normal_form(told: tuple[Said, ...]) -> tuple[Said, ...]:
    """One form for all sequences that mean the same, so that the worlds are finitely many.

    A repeat counts only where it came last, except "duplicate", of which each speaks of its own
    call. Order matters in two places alone: doubt after an acceptance, and "does not exist" after
    a refusal. `test_evidence` holds that this changes no decision, now or later.
    """
    last = {said: i for i, said in enumerate(told)}
    kept = [
        said
        for i, said in enumerate(told)
        if last[said] == i or said.of is Class.ACCEPTED_EARLIER
    ]
    accepted = max((i for i, s in enumerate(kept) if s.of is Class.ACCEPTED), default=-1)

    def chain(said: Said, i: int) -> int:
        if _refused_or_unknown(said):
            return 3
        if said.of is Class.ACCEPTED:
            return 1
        late = said.of is Class.DOUBT and said.source is not Source.ACK and -1 < accepted < i
        return 2 if late else 0

    def key(numbered: tuple[int, Said]) -> tuple[int, int, str]:
        i, said = numbered
        group = chain(said, i)
        return (group, i, "") if group in {1, 3} else (group, 0, str(said))

    return tuple(said for _, said in sorted(enumerate(kept), key=key))


def _refused_or_unknown(said: Said) -> bool:
    refused = said.source is Source.CALLBACK and said.of is Class.DEFINITE_NO
    return refused or (said.source is Source.STATUS and said.of is Class.NOT_KNOWN_NOW)


# -- small things --------------------------------------------------------------------------------


def _move(world: World, to: State, label: str, by: Said | None = None) -> Step:
    """Change our state, and hold the change against the real table of moves."""
    after = world._replace(ours=to)
    if to is world.ours:
        return Step(label, after)
    needs = allowed(world.ours, to)
    proved = {
        None: False,
        Needs.NOTHING: True,
        Needs.SUCCESS: by is not None and by.of is Class.SUCCESS,
        Needs.REFUSAL: by is not None and by.of is Class.DEFINITE_NO,
        Needs.NEVER_SENT: not world.called,
    }[needs]
    return Step(label, after, None if proved else "a move that the table does not allow")


def _unfounded_freeze(told: tuple[Said, ...]) -> str | None:
    classes = {said.of for said in told}
    receipts = {said.receipt for said in told if said.of is Class.SUCCESS}
    founded = {Class.SUCCESS, Class.DEFINITE_NO} <= classes or len(receipts) > 1
    return None if founded else "frozen without a contradiction"


def _frozen(world: World) -> World:
    """Nothing that is said to a frozen payout changes anything; forget it."""
    return world._replace(
        frozen=True, send_again=False, told=(), moved_by=0, callbacks=frozenset(), answer=None
    )


def _call(world: World, i: int, to: Call) -> World:
    return world._replace(calls=_sorted((*world.calls[:i], to, *world.calls[i + 1 :])))


def _sorted(calls: Sequence[Call]) -> tuple[Call, ...]:
    """Calls are alike: their order says nothing."""
    return tuple(sorted(calls))


__all__ = ["SENT_STATES", "Rules", "Said", "Step", "World", "evidence", "normal_form", "steps"]
