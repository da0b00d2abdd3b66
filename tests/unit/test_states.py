"""The table of moves: what it allows, what it never allows, and what each move must stand on."""

import pytest

from app.payouts.states import (
    AFTER_THE_END,
    ENDED_STATES,
    MOVES,
    OPEN_STATES,
    RESERVED_STATES,
    SENT_STATES,
    Needs,
    State,
    allowed,
)

MONEY_BACK = {State.REVERSED, State.CANCELLED}


@pytest.mark.parametrize(
    ("source", "target", "needs"),
    [
        (State.REQUESTED, State.RESERVED, Needs.NOTHING),
        (State.REQUESTED, State.DECLINED, Needs.NEVER_SENT),
        (State.RESERVED, State.SUBMITTING, Needs.NOTHING),
        (State.RESERVED, State.CANCELLED, Needs.NEVER_SENT),
        (State.APPROVAL, State.CANCELLED, Needs.NEVER_SENT),
        (State.SUBMITTING, State.IN_DOUBT, Needs.NOTHING),
        (State.IN_DOUBT, State.SUBMITTED, Needs.NOTHING),
        (State.SUBMITTED, State.PAID, Needs.SUCCESS),
        (State.IN_DOUBT, State.REVERSED, Needs.REFUSAL),
        (State.REVERSED, State.RECOVERY, Needs.SUCCESS),
        (State.PAID, State.RETURNED, Needs.TAKEN_BACK),
        (State.RECOVERY, State.RECOVERED, Needs.MADE_GOOD),
        (State.RECOVERY, State.WRITTEN_OFF, Needs.GIVEN_UP),
    ],
)
def test_a_move_and_what_it_needs(source: State, target: State, needs: Needs) -> None:
    """The table answers with the proof that the move asks for."""
    assert needs is allowed(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (State.SUBMITTING, State.CANCELLED),
        (State.SUBMITTED, State.CANCELLED),
        (State.IN_DOUBT, State.CANCELLED),
        (State.IN_DOUBT, State.RESERVED),
        (State.RESERVED, State.PAID),
        (State.RESERVED, State.REVERSED),
        (State.REQUESTED, State.SUBMITTING),
        (State.PAID, State.REVERSED),
        (State.REVERSED, State.PAID),
        (State.CANCELLED, State.PAID),
        (State.PAID, State.PAID),
    ],
)
def test_what_is_not_in_the_table_is_no_move(source: State, target: State) -> None:
    """Among them: a cancel once a call was committed, and any way from one end to another."""
    assert allowed(source, target) is None


def test_each_move_has_one_need() -> None:
    """Two needs for one move would make the weaker one the rule."""
    assert len(MOVES) == len({(m.source, m.target) for m in MOVES})


def test_money_goes_back_only_on_a_refusal_or_if_nothing_was_sent() -> None:
    """No other proof leads to the member's savings."""
    assert {Needs.REFUSAL, Needs.NEVER_SENT} == {m.needs for m in MOVES if m.target in MONEY_BACK}
    assert {Needs.TAKEN_BACK} == {m.needs for m in MOVES if m.target is State.RETURNED}


def test_money_is_spent_only_on_a_success() -> None:
    """Paid, and paid after all."""
    spent = {State.PAID, State.RECOVERY}
    assert {Needs.SUCCESS} == {m.needs for m in MOVES if m.target in spent}


def test_every_state_is_reached_from_the_first() -> None:
    """No state is only a name."""
    reached = {State.REQUESTED}
    for _ in State:
        reached |= {m.target for m in MOVES if m.source in reached}
    assert set(State) == reached


def test_every_state_is_open_or_an_end_and_never_both() -> None:
    """Declined and cancelled ended without a call; the others were sent."""
    never_sent = {State.DECLINED, State.CANCELLED}
    assert AFTER_THE_END | never_sent == ENDED_STATES
    assert set(State) == OPEN_STATES | ENDED_STATES
    assert len(State) == len(OPEN_STATES) + len(ENDED_STATES)


def test_money_waits_in_every_open_state_but_the_first() -> None:
    """Sent is a part of reserved, reserved is a part of open."""
    assert {State.REQUESTED} == OPEN_STATES - RESERVED_STATES
    assert SENT_STATES < RESERVED_STATES
    assert {State.RESERVED, State.APPROVAL} == RESERVED_STATES - SENT_STATES


def test_the_names_are_those_that_other_programs_rely_on() -> None:
    """Part of our JSON."""
    names = (
        "requested reserved declined submitting submitted in_doubt paid reversed cancelled"
        " approval recovery recovered written_off returned"
    )
    assert set(names.split()) == set(State)
