"""What M-PESA may do with what reaches it, and what it may say of it.

It is as unkind as it may be. What it may *not* do is what our safety stands on, so it is said
here, once:

* one call puts at most one copy of the request on the wire;
* a call that was turned away (401, 429) or refused (400) has not been taken into the queue;
* while the resend window is open, and for as long as a copy is under way, M-PESA remembers a
  request that became a transaction, and answers "duplicate" to its id;
* nobody forges a callback without its token.

A request that M-PESA refused before it made a transaction may be forgotten at once: nothing is
published about that. It takes a forgotten request anew at most once.
"""

from tests.property import payout_messages as messages
from tests.property.payout_messages import Said
from tests.property.payout_world import (
    COPY_OUT,
    TAKEN_MAX,
    Call,
    Mpesa,
    Rules,
    Step,
    Steps,
    World,
    with_call,
)


def payable(world: World, rules: Rules) -> bool:
    """M-PESA holds, or may still get, a request that it would take for new and pay."""
    under_way = any(c in COPY_OUT for c in world.calls)
    return world.mpesa is Mpesa.QUEUED or (under_way and _is_new(world, rules))


def arriving(world: World, i: int, rules: Rules) -> Steps:
    """A copy of the request reaches M-PESA, which may check anything before it checks the id."""
    heard = world.calls[i] is Call.UNDER_WAY

    def answered(answer: Call) -> World:
        return with_call(world, i, answer if heard else Call.OVER)

    yield Step("M-PESA turns it away", answered(Call.ANSWER_TURNED_AWAY))
    yield Step("M-PESA refuses it at once", answered(Call.ANSWER_REFUSED))
    if _is_new(world, rules):
        anew = Call.ANSWER_ACCEPTED_ANEW if world.taken else Call.ANSWER_ACCEPTED
        taken = answered(anew)._replace(taken=world.taken + 1)
        yield Step("M-PESA accepts", taken._replace(mpesa=Mpesa.QUEUED, remembers=True))
    else:
        yield Step("M-PESA has it already", answered(Call.ANSWER_DUPLICATE))


def _is_new(world: World, rules: Rules) -> bool:
    known = world.mpesa is not Mpesa.UNSEEN and world.remembers and not rules.new_id_on_retry
    return world.taken < TAKEN_MAX and not known


def working(world: World, rules: Rules) -> Steps:
    """What becomes of a request that it took."""
    n = world.taken
    if world.mpesa is Mpesa.QUEUED:
        callback = messages.callback_paid(n, receipt(world.paid + 1))
        paid = world._replace(paid=world.paid + 1)
        yield from _result(paid, Mpesa.PAID, callback, "M-PESA pays")
        callback = messages.callback_no(n)
        yield from _result(world, Mpesa.DECLINED, callback, "M-PESA declines")
        callback = messages.callback_no(n, before_transaction=True)
        label = "M-PESA refuses before a transaction"
        yield from _result(world, Mpesa.TURNED_DOWN, callback, label)
        if rules.notices:
            yield from _result(world, Mpesa.QUEUED, messages.NOTICE, "queue-timeout notice")
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


def answers(world: World) -> list[Said]:
    """To a status query: what is true, behind the times, or about the query.

    An answer that comes late says nothing else than one that is behind the times.
    """
    told = [messages.ABOUT_QUERY, messages.NOT_KNOWN]
    match world.mpesa:
        case Mpesa.QUEUED:
            told.append(messages.OPEN)
        case Mpesa.PAID:
            told.append(messages.status_paid(receipt(world.paid)))
        case Mpesa.DECLINED:
            told.append(messages.STATUS_NO)
        case _:
            pass
    return told


def receipt(n: int) -> str:
    """Of the first or second time that it paid."""
    return f"R{n}"
