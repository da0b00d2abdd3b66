"""No order of losses, delays, repeats and deaths loses a shilling; and each rule is needed."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from app.payouts.evidence import Act, Class, Decision, Evidence, Situation, decide
from app.payouts.states import MOVES, SENT_STATES, Needs, State
from tests.property import payout_explorer as explorer
from tests.property.payout_explorer import Explored, explore
from tests.property.payout_world import COPY_OUT, Mpesa, Rules, World

REFUSED_BY_TABLE = "a move that the table refuses"
WORLDS = {
    "three calls": Rules(calls_max=3, notices=False),
    "two calls, callbacks repeat": Rules(calls_max=2, repeats=True),
    "two calls, filed and folded apart": Rules(calls_max=2, waiting_max=1, notices=False),
    "one call, batches, callbacks repeat": Rules(calls_max=1, waiting_max=2, repeats=True),
    "two calls, and people": Rules(
        calls_max=2,
        people_may_rule=lambda window_closed, may_yet_pay: window_closed and not may_yet_pay,
    ),
}
PEOPLE = "two calls, and people"
BY_PEOPLE = {Needs.TAKEN_BACK, Needs.MADE_GOOD, Needs.GIVEN_UP}
"""What people decide about a payout that has ended."""
SMALL = Rules(calls_max=2, notices=False)
"""Two calls are enough for every wrong rule to lose money."""


@pytest.fixture(scope="module")
def explored() -> dict[str, Explored]:
    """Every kind of world, walked to its end under the real rules."""
    return {name: explore(rules) for name, rules in WORLDS.items()}


@pytest.mark.parametrize("name", WORLDS)
def test_no_order_of_events_loses_money(explored: dict[str, Explored], name: str) -> None:
    """Never paid twice, never back while it may be paid, never settled for nothing.

    Nor a move that the table refuses, a freeze without a contradiction, or a recovery.
    """
    found = explored[name]
    print(f"{name}: {len(found.worlds)} worlds")  # noqa: T201 - shown with -rP
    assert {} == found.violations


def test_the_walk_reaches_every_move_of_machines(explored: dict[str, Explored]) -> None:
    """A walk that saw little would prove little. Recovery needs a rule to be broken."""
    moves = set.union(*(found.moves for found in explored.values()))
    table = {(m.source, m.target) for m in MOVES if m.needs not in BY_PEOPLE}
    assert table - {(State.REVERSED, State.RECOVERY)} == moves


def test_one_call_is_never_frozen(explored: dict[str, Explored]) -> None:
    """An honest M-PESA that got one copy cannot contradict itself."""
    found = explored["one call, batches, callbacks repeat"]
    assert [] == [w for w in found.worlds if w.frozen]


def test_what_only_a_person_can_finish(explored: dict[str, Explored]) -> None:
    """Machines finish all but three sorts, and in each the money waits."""
    alone = [found for name, found in explored.items() if name != PEOPLE]
    left = [w for found in alone for w in found.only_a_person()]
    expected = {
        "M-PESA never got it, and the resends are over",
        "M-PESA refused it before there was a transaction",
        "M-PESA took it again after it had refused it",
    }
    assert expected == {_why_stuck(w) for w in left}
    assert [] == [w for w in left if w.ours not in SENT_STATES and not w.frozen]


def test_people_can_finish_whatever_machines_cannot(explored: dict[str, Explored]) -> None:
    """By a statement of the day and a day's patience: nothing is stuck for ever."""
    assert [] == explored[PEOPLE].only_a_person()


def _why_stuck(world: World) -> str:
    copy_out = any(call in COPY_OUT for call in world.calls)
    if world.mpesa is Mpesa.UNSEEN and not copy_out:
        return "M-PESA never got it, and the resends are over"
    if world.mpesa is Mpesa.TURNED_DOWN:
        return "M-PESA refused it before there was a transaction"
    if world.taken == 2:
        return "M-PESA took it again after it had refused it"
    return f"unexpected: {world}"


# -- every rule is needed: take one out and the walk finds the loss --------------------------------


Rule = Callable[[Situation, Sequence[Evidence]], Decision]


def _instead(wrong: Callable[[Situation, Sequence[Evidence], Decision], Evidence | None]) -> Rule:
    """The real rule, but it compensates by whatever evidence `wrong` names."""

    def rule(now: Situation, told: Sequence[Evidence]) -> Decision:
        decision = decide(now, told)
        by = wrong(now, told, decision) if now.state in SENT_STATES else None
        return decision if by is None else Decision(Act.COMPENSATE, by, "the wrong rule")

    return rule


def _on_timeout(_: Situation, __: Sequence[Evidence], decision: Decision) -> Evidence | None:
    return decision.by if decision.act is Act.IN_DOUBT else None


def _on_not_found(_: Situation, told: Sequence[Evidence], decision: Decision) -> Evidence | None:
    lost = [e for e in told if e.of is Class.NOT_KNOWN_NOW]
    return lost[-1] if lost and decision.act is not Act.SETTLE else None


def _on_failure_callback(
    now: Situation, _: Sequence[Evidence], decision: Decision
) -> Evidence | None:
    unconfirmed = decision.act is Act.ASK and now.doubtful_calls > 1
    return decision.by if unconfirmed else None


def _on_not_found_with_two_copies(
    _: Situation, told: Sequence[Evidence], decision: Decision
) -> Evidence | None:
    by = decision.by
    if decision.act is not Act.ASK or by is None or not by.before_transaction:
        return None
    lost = any(e.of is Class.NOT_KNOWN_NOW and e.id > by.id for e in told)
    return by if lost else None


def _sync_refusal_of_any_call(now: Situation, told: Sequence[Evidence]) -> Decision:
    """A synchronous answer speaks of one call only; this rule forgets the others."""
    return decide(replace(now, doubtful_calls=0), told)


BACK_AND_PAID = explorer.BACK_AND_PAID
WRONG = {
    "compensate on timeout": (
        SMALL._replace(decide=_instead(_on_timeout)),
        {BACK_AND_PAID, REFUSED_BY_TABLE},
    ),
    "compensate on 'not found'": (
        SMALL._replace(decide=_instead(_on_not_found)),
        {BACK_AND_PAID, REFUSED_BY_TABLE},
    ),
    "new id on retry": (SMALL._replace(new_id_on_retry=True), {explorer.PAID_TWICE}),
    "a sync refusal reverses though another call is in doubt": (
        SMALL._replace(decide=_sync_refusal_of_any_call),
        {BACK_AND_PAID},
    ),
    "a failure callback reverses unconfirmed while two calls are out": (
        SMALL._replace(decide=_instead(_on_failure_callback)),
        {BACK_AND_PAID},
    ),
    "'does not exist' confirms a refusal while two copies are out": (
        SMALL._replace(decide=_instead(_on_not_found_with_two_copies)),
        {BACK_AND_PAID},
    ),
    "a cancel trusts the state that it saw before pay took the payout": (
        SMALL._replace(may_cancel=lambda ours, _called: ours is State.SUBMITTING),
        {BACK_AND_PAID, REFUSED_BY_TABLE},
    ),
    "a cancel after a call that brought no answer": (
        SMALL._replace(may_cancel=lambda ours, called: ours is State.IN_DOUBT or not called),
        {BACK_AND_PAID, REFUSED_BY_TABLE},
    ),
    "people rule while M-PESA may still pay": (
        SMALL._replace(people_may_rule=lambda _closed, _may_yet_pay: True),
        {BACK_AND_PAID},
    ),
    "the resend window never closes": (
        SMALL._replace(may_resend=lambda _closed: True),
        {explorer.PAID_TWICE},
    ),
    "M-PESA forgets within the resend window": (
        SMALL._replace(forgets_at_any_time=True),
        {explorer.PAID_TWICE},
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_walk_catches_a_wrong_rule(name: str) -> None:
    """A checker that would not see these would be worthless.

    The last one is no rule of ours but what we rely on, and why the resend window is short.
    """
    rules, expected = WRONG[name]
    found = explore(rules, until=expected)
    for kind, trace in found.violations.items():
        print(f"{name}: {kind}: {trace}")  # noqa: T201 - shown with -rP
    assert expected <= set(found.violations)


def test_the_shortest_loss_by_a_cancel() -> None:
    """Pay has committed its call; the member's screen still says that she may cancel."""
    rules, _ = WRONG["a cancel trusts the state that it saw before pay took the payout"]
    found = explore(rules, until={BACK_AND_PAID})
    trace = found.violations[BACK_AND_PAID]
    assert trace.index("call committed") < trace.index("cancelled")


def test_the_shortest_loss_by_a_sync_refusal() -> None:
    """The 400 of one call is read while the other is under way, and is taken for the payout's."""
    rules, _ = WRONG["a sync refusal reverses though another call is in doubt"]
    found = explore(rules, until={explorer.BACK_TOO_EARLY})
    trace = found.violations[explorer.BACK_TOO_EARLY]
    assert "resend committed" in trace
    assert trace.endswith("recorded: definite_no: compensate")
