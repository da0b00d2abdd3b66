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

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from app.payouts.deadlines import Schedule
from app.payouts.evidence import Act, Class, Decision, Evidence, Situation, Source, decide
from app.payouts.states import SENT_STATES, Needs, State, allowed


@dataclass(frozen=True, eq=False, slots=True)
class Said:
    """What one message says. Its place in the sequence of all messages is its evidence's id.

    Made by `said` alone, so that equal ones are the same object: that is quick to compare.
    """

    source: Source
    of: Class
    receipt: str | None
    conversation_id: str | None
    before_transaction: bool
    name: str


@cache
def said(
    source: Source,
    of: Class,
    *,
    receipt: str | None = None,
    conversation_id: str | None = None,
    before_transaction: bool = False,
) -> Said:
    """The one object for what a message says."""
    early = "before a transaction" if before_transaction else ""
    words = (source, of, early, receipt, conversation_id)
    name = " ".join(word for word in words if word)
    return Said(source, of, receipt, conversation_id, before_transaction, name)


class Call(StrEnum):
    """Where one committed call stands."""

    __hash__ = str.__hash__  # the enum's own is slow, and worlds are hashed a million times

    UNSENT = "unsent"
    UNDER_WAY = "under way"
    UNDER_WAY_GIVEN_UP = "under way, we stopped waiting"
    SILENT = "arrived or lost, no outcome recorded"
    OVER = "over; M-PESA may have it"
    ANSWER_ACCEPTED = "M-PESA answered: accepted"
    ANSWER_DUPLICATE = "M-PESA answered: duplicate"
    ANSWER_REFUSED = "M-PESA answered: refused"
    ANSWER_TURNED_AWAY = "M-PESA answered: not processed"
    REFUSED = "refused"


COPY_OUT = frozenset({Call.UNSENT, Call.UNDER_WAY, Call.UNDER_WAY_GIVEN_UP})
"""The request may still reach M-PESA."""
ANSWERED = frozenset(c for c in Call if c.name.startswith("ANSWER"))
UNRECORDED = frozenset({Call.UNSENT, Call.UNDER_WAY, Call.SILENT}) | ANSWERED


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
    first, and of the rest what came later."""
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
    """Messages of M-PESA that may arrive, any number of times. What is lost never got here."""


class Rules(NamedTuple):
    """What is put to the test: our rules, and how long M-PESA remembers."""

    decide: Callable[[Situation, Sequence[Evidence]], Decision] = decide
    may_resend: Callable[[bool], bool] = lambda closed: window_lets_resend(closed)  # noqa: PLW0108
    new_id_on_retry: bool = False
    forgets_at_any_time: bool = False
    calls_max: int = 3
    waiting_max: int = 0
    """Messages that may lie filed before resolve folds them. With 0 each is folded at once, which
    is the same as if it had come later; more shows what it changes that they are folded together.
    """


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
    yield from _callbacks_arrive(world, rules)
    yield from _asking(world, rules)
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
    if _resend_is_planned(world) and rules.may_resend(world.window_closed):
        yield Step("resend committed", after)


def _resend_is_planned(world: World) -> bool:
    """As `outcome` plans it: in doubt, and neither acknowledged nor refused by a callback."""
    refused = any(s.source is Source.CALLBACK and s.of is Class.DEFINITE_NO for s in world.told)
    return world.ours is State.IN_DOUBT and world.acknowledged is None and not refused


def _calling(world: World, i: int, rules: Rules) -> Steps:
    """One call on its way out and back. A process that dies just does none of this any more."""
    match world.calls[i]:
        case Call.UNSENT:
            yield Step("request sent", _call(world, i, Call.UNDER_WAY))
            yield from _record(world, i, None, Said(Source.ACK, Class.NOT_SENT), rules)
        case Call.UNDER_WAY:
            yield Step("request lost", _call(world, i, Call.SILENT))
            yield from _record(
                world,
                i,
                Call.UNDER_WAY_GIVEN_UP,
                Said(Source.ACK, Class.DOUBT),
                rules,
                "call times out",
            )
            yield from _arriving(world, i, rules)
        case Call.UNDER_WAY_GIVEN_UP:
            yield Step("request lost", _call(world, i, Call.OVER))
            yield from _arriving(world, i, rules)
        case Call.SILENT:
            yield from _record(
                world, i, Call.OVER, Said(Source.ACK, Class.DOUBT), rules, "call times out"
            )
        case answered if answered in ANSWERED:
            yield Step("answer lost", _call(world, i, Call.SILENT))
            yield from _reading(world, i, answered, rules)
        case _:
            pass


def _arriving(world: World, i: int, rules: Rules) -> Steps:
    """A copy of the request reaches M-PESA, which may check anything before it checks the id."""
    heard = world.calls[i] is Call.UNDER_WAY

    def answer(with_: Call) -> World:
        return _call(world, i, with_ if heard else Call.OVER)

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


def _reading(world: World, i: int, answered: Call, rules: Rules) -> Steps:
    """Our process reads the answer and records it as evidence."""
    match answered:
        case Call.ANSWER_ACCEPTED:
            said = Said(Source.ACK, Class.ACCEPTED, conversation_id=f"C{world.taken}")
            yield from _record(world, i, Call.OVER, said, rules)
        case Call.ANSWER_DUPLICATE:
            yield from _record(
                world, i, Call.OVER, Said(Source.ACK, Class.ACCEPTED_EARLIER), rules
            )
        case Call.ANSWER_REFUSED:
            yield from _record(world, i, Call.REFUSED, Said(Source.ACK, Class.DEFINITE_NO), rules)
        case _:
            yield from _record(world, i, None, Said(Source.ACK, Class.NOT_PROCESSED), rules)


def _record(
    world: World, i: int, call: Call | None, said: Said, rules: Rules, label: str = ""
) -> Steps:
    """Keep a call's outcome and its evidence. A call that never reached M-PESA frees its place."""
    calls = list(world.calls)
    calls[i : i + 1] = [] if call is None else [call]
    yield from _file(
        world._replace(calls=_sorted(calls)), said, label or f"recorded: {said.of}", rules
    )


# -- M-PESA --------------------------------------------------------------------------------------


def _mpesa_works(world: World, rules: Rules) -> Steps:
    conversation = f"C{world.taken}"
    if world.mpesa is Mpesa.QUEUED:
        paid = Said(Source.CALLBACK, Class.SUCCESS, f"R{world.paid + 1}", conversation)
        no = Said(Source.CALLBACK, Class.DEFINITE_NO, None, conversation)
        early_no = no._replace(before_transaction=True)
        vague = Said(Source.CALLBACK, Class.DOUBT, None, conversation)
        after = world._replace(paid=world.paid + 1)
        yield from _result(after, Mpesa.PAID, paid, "M-PESA pays")
        yield from _result(world, Mpesa.DECLINED, no, "M-PESA declines")
        yield from _result(
            world, Mpesa.TURNED_DOWN, early_no, "M-PESA refuses before a transaction"
        )
        yield from _result(world, Mpesa.QUEUED, vague, "M-PESA sends a queue-timeout notice")
    if world.remembers and _may_forget(world, rules):
        yield Step("M-PESA forgets the id", world._replace(remembers=False))


def _may_forget(world: World, rules: Rules) -> bool:
    if world.mpesa is Mpesa.TURNED_DOWN or rules.forgets_at_any_time:
        return True
    late = world.window_closed and not any(c in COPY_OUT for c in world.calls)
    return late and world.mpesa is not Mpesa.QUEUED


def _result(world: World, to: Mpesa, callback: Said, label: str) -> Steps:
    after = world._replace(mpesa=to)
    yield Step(f"{label}, its callback is lost", after)
    if not world.frozen:
        yield Step(label, after._replace(callbacks=world.callbacks | {callback}))


def _callbacks_arrive(world: World, rules: Rules) -> Steps:
    for callback in world.callbacks:
        if callback not in world.waiting and callback not in world.told:
            yield from _file(world, callback, f"callback: {callback.of}", rules)


def _asking(world: World, rules: Rules) -> Steps:
    """A status query and its answer, which may be true, behind the times, or about the query.

    An answer that comes late says nothing else than one that is behind the times.
    """
    if world.frozen or world.ours not in {State.SUBMITTED, State.IN_DOUBT}:
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
        yield from _file(world, answer, f"status says {answer.of}", rules)


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
ENDED = frozenset({State.PAID, State.REVERSED, State.RECOVERY})


def _file(world: World, said: Said, label: str, rules: Rules) -> Steps:
    """A message becomes evidence, and resolve folds it, at once or together with others."""
    if world.frozen:
        yield Step(label, world)
        return
    filed = world._replace(waiting=(*world.waiting, said))
    if len(world.waiting) < rules.waiting_max:
        yield Step(label, filed)
    elif rules.waiting_max == 0:
        yield _fold(filed, rules, label)


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
    folded = _quiet(world._replace(told=normal_form(told), waiting=()))
    if world.ours in ENDED:
        folded = folded._replace(told=(told[0], *late_form(told[1:])))
    if decision.act is Act.FREEZE:
        return Step(label, _frozen(folded), _unfounded_freeze(told))
    if decision.act in _ONLY_ON_NEWS and by <= len(world.told):
        return Step(label, folded)
    if decision.act is Act.SEND_AGAIN:
        return Step(label, folded._replace(send_again=True))
    if decision.act not in _TARGET:
        return Step(label, folded)
    to = _TARGET[decision.act]
    if to in ENDED:
        return _move(_ended(folded, told, by), to, label, told[by - 1])
    if decision.act is Act.SUBMITTED:
        folded = folded._replace(acknowledged=told[by - 1].conversation_id)
    return _move(folded, to, label, told[by - 1])


def _situation(world: World) -> Situation:
    paid = world.ours is State.PAID
    return Situation(
        state=world.ours,
        frozen=world.frozen,
        receipt=world.told[0].receipt if paid else None,
        moved_by=1 if world.ours in ENDED else None,
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

    `test_evidence` holds that it changes no decision, whatever else is said later. A repeat counts
    only where it came last, except "duplicate", of which each speaks of its own call. What says
    nothing is left out: talk about the query, doubt before an acceptance, a call that was turned
    away once another is in doubt. Order matters in two places: doubt after an acceptance, and
    "does not exist" after a refusal.
    """
    last = {said: i for i, said in enumerate(told)}
    accepted = max((i for i, s in enumerate(told) if s.of is Class.ACCEPTED), default=-1)
    known = accepted >= 0 or any(s.of in {Class.DOUBT, Class.ACCEPTED_EARLIER} for s in told)
    loose: set[Said] = set()
    duplicates: list[Said] = []
    acceptances: list[Said] = []
    doubts_after: set[Said] = set()
    refusals: list[Said] = []
    for i, said in enumerate(told):
        match said.of:
            case Class.ACCEPTED_EARLIER:
                duplicates.append(said)
            case _ if last[said] != i:
                pass
            case Class.ABOUT_QUERY | Class.OPEN:
                pass
            case Class.ACCEPTED:
                acceptances.append(said)
            case Class.DOUBT if accepted < 0:
                loose.add(said if said.source is Source.CALLBACK else _DOUBT)
            case Class.DOUBT:
                if i > accepted and said.source is not Source.ACK:
                    doubts_after.add(_DOUBT)
            case Class.NOT_SENT | Class.NOT_PROCESSED:
                if not known:
                    loose.add(_TURNED_AWAY)
            case Class.DEFINITE_NO if said.source is Source.CALLBACK:
                refusals.append(said)
            case Class.NOT_KNOWN_NOW:
                if refusals and said.source is Source.STATUS:
                    refusals.append(said)
            case _:
                loose.add(said)
    return (
        *sorted(loose, key=str), *duplicates, *acceptances, *doubts_after, *refusals,
    )  # fmt: skip


@cache
def late_form(told: tuple[Said, ...]) -> tuple[Said, ...]:
    """The same for what was said after the end: only success and final refusals count."""
    heard = {
        said
        for said in told
        if said.of is Class.SUCCESS
        or (said.of is Class.DEFINITE_NO and said.source is not Source.ACK)
    }
    return tuple(sorted(heard, key=str))


_DOUBT_IS_KNOWN = frozenset({Class.DOUBT, Class.ACCEPTED})
_DOUBT = Said(Source.OWN, Class.DOUBT)
_TURNED_AWAY = Said(Source.ACK, Class.NOT_SENT)


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


def _ended(world: World, told: tuple[Said, ...], by: int) -> World:
    """After the end only what was said later counts, and no answer to a call."""
    return world._replace(
        told=(told[by - 1], *late_form(told[by:])),
        send_again=False,
        acknowledged=None,
        calls=_copies_out(world.calls),
    )


def _frozen(world: World) -> World:
    """Nothing that is said to a frozen payout changes anything; forget it."""
    return world._replace(
        frozen=True,
        send_again=False,
        acknowledged=None,
        told=(),
        callbacks=frozenset(),
        calls=_copies_out(world.calls),
    )


def _copies_out(calls: tuple[Call, ...]) -> tuple[Call, ...]:
    return tuple(Call.UNDER_WAY_GIVEN_UP for c in calls if c in COPY_OUT)


def _call(world: World, i: int, to: Call) -> World:
    return _quiet(world._replace(calls=_sorted((*world.calls[:i], to, *world.calls[i + 1 :]))))


def _quiet(world: World) -> World:
    """A call that brings nothing but doubt says nothing any more once doubt is known."""
    if Call.SILENT in world.calls and any(s.of in _DOUBT_IS_KNOWN for s in world.told):
        calls = (Call.OVER if c is Call.SILENT else c for c in world.calls)
        return world._replace(calls=_sorted(tuple(calls)))
    return world


def _sorted(calls: Sequence[Call]) -> tuple[Call, ...]:
    """Calls are alike: their order says nothing."""
    return tuple(sorted(calls))


__all__ = ["SENT_STATES", "Rules", "Said", "Step", "World", "evidence", "normal_form", "steps"]
