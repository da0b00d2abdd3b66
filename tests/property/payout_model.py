"""One payout and the world around it, as a finite machine that can be explored to the end.

Our side is the real code: what we do next is `evidence.decide` on everything we were told, every
move is looked up in `states.MOVES`, and whether a request may go out again is asked of
`Schedule.next_resend`. The world is as unkind as it may be: requests, answers, callbacks and
status answers are lost, late and repeated, processes die anywhere, M-PESA's status lags behind.
`payout_mpesa` says what is relied on.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache

from app.payouts.evidence import Act, Class, Decision, Evidence, Situation, Source
from app.payouts.states import SENT_STATES, Needs, State, allowed
from tests.property import payout_messages as messages
from tests.property.payout_messages import Said, evidence, late_form, normal_form
from tests.property.payout_mpesa import answers, arriving, receipt, working
from tests.property.payout_world import (
    COPY_OUT,
    READ,
    UNRECORDED,
    Call,
    Mpesa,
    Rules,
    Step,
    Steps,
    World,
    ended,
    frozen,
    in_order,
    quiet,
    with_call,
)

ENDED = frozenset({State.PAID, State.REVERSED, State.RECOVERY})


def steps(world: World, rules: Rules) -> Steps:
    """Everything that may happen next."""
    yield from _before_any_call(world)
    yield from _cancelling(world, rules)
    yield from _committing(world, rules)
    for i in range(len(world.calls)):
        yield from _calling(world, i, rules)
    yield from working(world, rules)
    yield from _callbacks_arrive(world, rules)
    yield from _asking(world, rules)
    yield from _resolving(world, rules)
    yield from _ruling(world, rules)


# -- our side: debit and pay ---------------------------------------------------------------------


def _before_any_call(world: World) -> Steps:
    """The debit and the second person: neither needs evidence."""
    if world.ours is State.REQUESTED:
        for to in (State.RESERVED, State.DECLINED, State.APPROVAL):
            yield _move(world, to, f"debit: {to}")
    if world.ours is State.APPROVAL:
        yield _move(world, State.RESERVED, "a second person approves")


def _cancelling(world: World, rules: Rules) -> Steps:
    """The member, a fresh SIM card or an expiry takes it back, at any moment before the end."""
    if not world.frozen and rules.may_cancel(world.ours, world.called):
        yield _move(ended(world, ()), State.CANCELLED, "cancelled")


def _committing(world: World, rules: Rules) -> Steps:
    """Pay commits the intent to call, and only then calls."""
    if world.frozen or len(world.calls) >= rules.calls_max:
        return
    calls = in_order((*world.calls, Call.UNSENT))
    after = world._replace(calls=calls, called=True, send_again=False)
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
    """One call on its way out and back. A process that died just does none of this any more."""
    call = world.calls[i]
    if call is Call.UNSENT:
        yield Step("request sent", with_call(world, i, Call.UNDER_WAY))
        yield from _record(world, i, None, messages.NOT_SENT, rules)
    if call in {Call.UNDER_WAY, Call.GIVEN_UP}:
        lost = Call.SILENT if call is Call.UNDER_WAY else Call.OVER
        yield Step("request lost", with_call(world, i, lost))
        yield from arriving(world, i, rules)
    if call in {Call.UNDER_WAY, Call.SILENT}:
        after = Call.GIVEN_UP if call is Call.UNDER_WAY else Call.OVER
        yield from _record(world, i, after, messages.ACK_DOUBT, rules)
    if call in READ:
        yield Step("answer lost", with_call(world, i, Call.SILENT))
        yield from _record(world, i, *READ[call], rules)


def _record(world: World, i: int, call: Call | None, said: Said, rules: Rules) -> Steps:
    """Keep a call's outcome and its evidence, in one database transaction."""
    yield from _file(with_call(world, i, call), said, f"recorded: {said.of}", rules)


# -- what is said to us ---------------------------------------------------------------------------


def _callbacks_arrive(world: World, rules: Rules) -> Steps:
    for callback in sorted(world.callbacks, key=lambda s: s.name):
        left = world.callbacks if rules.repeats else world.callbacks - {callback}
        if callback not in world.waiting:
            label = f"callback: {callback.of}"
            yield from _file(world._replace(callbacks=left), callback, label, rules)


def _asking(world: World, rules: Rules) -> Steps:
    """A status query and its answer."""
    if world.frozen or world.ours not in {State.SUBMITTED, State.IN_DOUBT}:
        return
    for answer in answers(world):
        yield from _file(world, answer, f"status: {answer.of}", rules)


# -- our side: resolve ---------------------------------------------------------------------------

TARGET = {
    Act.SETTLE: State.PAID,
    Act.COMPENSATE: State.REVERSED,
    Act.RECOVER: State.RECOVERY,
    Act.SUBMITTED: State.SUBMITTED,
    Act.IN_DOUBT: State.IN_DOUBT,
    Act.ASK: State.IN_DOUBT,
}
ONLY_ON_NEWS = frozenset({Act.SUBMITTED, Act.IN_DOUBT, Act.ASK, Act.SEND_AGAIN})
"""What `outcome` does once for each piece of evidence that it stands on."""


def _file(world: World, said: Said, label: str, rules: Rules) -> Steps:
    """A message becomes evidence, and resolve folds it, at once or together with others."""
    filed = world._replace(waiting=(*world.waiting, said))
    if world.frozen:
        yield Step(label, world)
    elif rules.waiting_max == 0:
        yield _fold(filed, rules, label)
    elif len(world.waiting) < rules.waiting_max:
        yield Step(label, filed)


def _resolving(world: World, rules: Rules) -> Steps:
    """Resolve takes the payout up, for what waits or for a deadline, which only adds a doubt."""
    if world.waiting:
        yield _fold(world, rules, "resolve")
    unrecorded = any(c in UNRECORDED for c in world.calls)
    overdue = world.ours is State.SUBMITTED or (world.ours is State.SUBMITTING and unrecorded)
    if overdue and not world.frozen:
        late = world._replace(waiting=(*world.waiting, messages.OWN_DOUBT))
        yield _fold(late, rules, "deadline passes")
    if world.called and not world.window_closed:
        yield Step("resend window closes", world._replace(window_closed=True))


def _ruling(world: World, rules: Rules) -> Steps:
    """Two people say how it ended, out of a contradiction too."""
    if rules.people_may_rule is None:
        return
    if world.frozen and world.ours in ENDED:
        upheld = world._replace(waiting=(*world.waiting, messages.PEOPLE_UPHOLD))
        yield _fold(upheld, rules, "two people uphold it")
    if world.ours not in SENT_STATES:
        return
    under_way = any(call is Call.UNSENT or call in COPY_OUT for call in world.calls)
    if rules.people_may_rule(world.window_closed, under_way or world.mpesa is Mpesa.QUEUED):
        paid = messages.people_say_paid(receipt(world.paid))
        said = paid if world.paid else messages.PEOPLE_SAY_NO
        yield _fold(world._replace(waiting=(*world.waiting, said)), rules, "two people rule")


def _fold(world: World, rules: Rules, label: str) -> Step:
    """All evidence together, one decision, and what `outcome` makes of it."""
    told = (*world.told, *world.waiting)
    decision = _decision(world, rules, told)
    label = f"{label}: {decision.act}"
    folded = quiet(world._replace(told=normal_form(told), waiting=()))
    if world.ours in ENDED:
        folded = folded._replace(told=(told[0], *late_form(told[1:])))
    if decision.act is Act.FREEZE:
        return Step(label, frozen(folded), _unfounded_freeze(told))
    by = 0 if decision.by is None else decision.by.id
    if decision.act in ONLY_ON_NEWS and by <= len(world.told):
        return Step(label, folded)
    if decision.act is Act.SEND_AGAIN:
        return Step(label, folded._replace(send_again=True))
    if decision.act is Act.NOTE:
        return Step(label, folded)
    if decision.act is Act.UPHOLD:
        return Step(label, folded._replace(frozen=False))
    to, because = TARGET[decision.act], told[by - 1]
    if to in ENDED:
        folded = ended(folded, (because, *late_form(told[by:])))._replace(frozen=False)
    if to is State.SUBMITTED:
        folded = folded._replace(acknowledged=because.conversation_id)
    return _move(folded, to, label, because)


def _decision(world: World, rules: Rules, told: tuple[Said, ...]) -> Decision:
    situation = Situation(
        state=world.ours,
        frozen=world.frozen,
        receipt=told[0].receipt if world.ours is State.PAID else None,
        moved_by=1 if world.ours in ENDED else None,
        conversation_id=world.acknowledged,
        doubtful_calls=sum(c is not Call.REFUSED for c in world.calls),
    )
    return _decided(rules.decide, situation, told)


@cache
def _decided(
    rule: Callable[[Situation, Sequence[Evidence]], Decision],
    situation: Situation,
    told: tuple[Said, ...],
) -> Decision:
    """The rule is pure, so each question is put to it once."""
    return rule(situation, evidence(told))


def _move(world: World, to: State, label: str, by: Said | None = None) -> Step:
    """Change our state, and hold the change against the real table of moves."""
    after = world._replace(ours=to)
    if to is world.ours:
        return Step(label, after)
    proved = {
        None: False,
        Needs.NOTHING: True,
        Needs.SUCCESS: by is not None and by.of is Class.SUCCESS,
        Needs.REFUSAL: by is not None and by.of is Class.DEFINITE_NO,
        Needs.NEVER_SENT: not world.called,
    }
    allowed_now = proved[allowed(world.ours, to)]
    return Step(label, after, None if allowed_now else "a move that the table refuses")


def _unfounded_freeze(told: Iterable[Said]) -> str | None:
    classes = {said.of for said in told}
    receipts = {said.receipt for said in told if said.of is Class.SUCCESS}
    founded = {Class.SUCCESS, Class.DEFINITE_NO} <= classes or len(receipts) > 1
    return None if founded else "frozen without a contradiction"
