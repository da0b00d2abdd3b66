"""What holds of `decide` for any evidence whatever, and of the model's short forms of it."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from app.payouts.evidence import Act, Class, Decision, Evidence, Situation, Source, decide
from app.payouts.states import SENT_STATES, Needs, State, allowed
from tests.property import payout_messages as messages
from tests.property.payout_messages import Said, evidence, late_form, normal_form
from tests.property.payout_model import TARGET

CONVERSATIONS = (None, "C1", "C2")
RECEIPTS = ("R1", "R2")
MACHINES = tuple(source for source in Source if source is not Source.PERSON)
"""Whoever is not two people."""
UNCERTAIN = (Class.DOUBT, Class.OPEN, Class.ABOUT_QUERY, Class.NOT_KNOWN_NOW)


@st.composite
def told_lists(draw: st.DrawFn, *, sources: Sequence[Source] = MACHINES) -> tuple[Evidence, ...]:
    """Any evidence about one payout, in order."""
    size = draw(st.integers(0, 8))
    return _numbered([draw(_pieces(sources)) for _ in range(size)])


@st.composite
def _pieces(draw: st.DrawFn, sources: Sequence[Source]) -> Evidence:
    of = draw(st.sampled_from(Class))
    return Evidence(
        id=0,
        source=draw(st.sampled_from(sources)),
        of=of,
        receipt=draw(st.sampled_from(RECEIPTS)) if of is Class.SUCCESS else None,
        conversation_id=draw(st.sampled_from(CONVERSATIONS)),
        before_transaction=draw(st.booleans()),
    )


def _numbered(told: Sequence[Evidence]) -> tuple[Evidence, ...]:
    return tuple(replace(e, id=i) for i, e in enumerate(told, 1))


@st.composite
def situations(draw: st.DrawFn, *, states: Sequence[State] = tuple(State)) -> Situation:
    """Any situation."""
    return Situation(
        state=draw(st.sampled_from(sorted(states))),
        frozen=draw(st.booleans()),
        receipt=draw(st.sampled_from((None, *RECEIPTS))),
        moved_by=draw(st.none() | st.integers(1, 8)),
        conversation_id=draw(st.sampled_from(CONVERSATIONS)),
        doubtful_calls=draw(st.integers(0, 3)),
    )


SENT = situations(states=tuple(SENT_STATES))


@given(situations(), told_lists())
def test_every_evidence_has_one_meaning(now: Situation, told: tuple[Evidence, ...]) -> None:
    """Total and deterministic: never an exception, always the same decision."""
    assert decide(now, told) == decide(now, list(told))


@given(situations(), told_lists())
def test_money_moves_only_on_the_evidence_that_the_table_asks_for(
    now: Situation, told: tuple[Evidence, ...]
) -> None:
    """Whatever is decided is a move of the table and stands on the class that it needs."""
    decision = decide(now, told)
    target = TARGET.get(decision.act)
    if target is None or target is now.state:
        return
    assert decision.by in told
    expected = {Needs.NOTHING: None, Needs.SUCCESS: Class.SUCCESS, Needs.REFUSAL: Class.DEFINITE_NO}
    needs = allowed(now.state, target)
    assert decision.by is not None
    assert needs in expected
    assert expected[needs] in {None, decision.by.of}


@given(situations(), st.lists(st.sampled_from((Class.DOUBT, Class.NEVER_SENT)), max_size=8))
def test_time_and_our_own_remarks_never_move_money(now: Situation, own: list[Class]) -> None:
    """However long nobody answers, all that follows is asking."""
    told = _numbered([Evidence(0, Source.OWN, of) for of in own])
    assert decide(now, told).act in {Act.NOTE, Act.IN_DOUBT}


@given(situations(), told_lists())
def test_a_frozen_payout_stays(now: Situation, told: tuple[Evidence, ...]) -> None:
    """A person decides."""
    assert Act.NOTE is decide(replace(now, frozen=True), told).act


@given(situations(), told_lists(), st.sampled_from(Class), told_lists())
def test_what_two_people_rule_ends_what_was_said_before(
    now: Situation, before: tuple[Evidence, ...], of: Class, after: tuple[Evidence, ...]
) -> None:
    """Frozen or not, and whatever it was: only what is said later can still count."""
    ruling = Evidence(0, Source.PERSON, of, receipt="R1" if of is Class.SUCCESS else None)
    alone, all_of_it = _numbered([ruling, *after]), _numbered([*before, ruling, *after])
    expected, found = decide(now, alone), decide(now, all_of_it)
    assert (expected.act, expected.why) == (found.act, found.why)


@given(SENT, told_lists(), st.integers(0, 8))
def test_money_never_goes_back_against_a_status_that_says_paid(
    now: Situation, told: tuple[Evidence, ...], at: int
) -> None:
    """Whoever else says no, before or after."""
    paid = Evidence(0, Source.STATUS, Class.SUCCESS, receipt="R1")
    decision = decide(now, _numbered([*told[:at], paid, *told[at:]]))
    assert decision.act in {Act.SETTLE, Act.FREEZE, Act.NOTE}


@given(
    SENT,
    told_lists(),
    st.integers(0, 8),
    st.sampled_from(UNCERTAIN),
    st.sampled_from((Source.OWN, Source.ACK, Source.CALLBACK, Source.STATUS)),
)
@settings(max_examples=400)
def test_what_is_uncertain_never_gives_money_back(
    now: Situation, told: tuple[Evidence, ...], at: int, of: Class, source: Source
) -> None:
    """Doubt, "at work", "about your query" and "not found" turn nothing into a compensation.

    The one exception is a status answer "does not exist" that confirms a callback which refused
    the only copy before there was a transaction.
    """
    before = decide(now, told)
    uncertain = Evidence(0, source, of)
    after = decide(now, _numbered([*told[:at], uncertain, *told[at:]]))
    if after.act is not Act.COMPENSATE or before.act is Act.COMPENSATE:
        return
    assert (Source.STATUS, Class.NOT_KNOWN_NOW, Act.ASK) == (source, of, before.act)
    assert after.by is not None
    assert after.by.source is Source.CALLBACK
    assert after.by.before_transaction


@given(SENT, told_lists())
def test_more_calls_in_doubt_never_give_money_back(
    now: Situation, told: tuple[Evidence, ...]
) -> None:
    """What compensates with one more call in doubt compensates without it."""
    more = replace(now, doubtful_calls=now.doubtful_calls + 1)
    with_more, without = decide(more, told).act, decide(now, told).act
    assert with_more is not Act.COMPENSATE or without is Act.COMPENSATE


# -- the model's short forms ---------------------------------------------------------------------

SAYINGS = st.sampled_from(
    [
        messages.OWN_DOUBT,
        messages.ACK_DOUBT,
        messages.NOTICE,
        messages.NOT_SENT,
        messages.TURNED_AWAY,
        messages.REFUSED,
        messages.DUPLICATE,
        messages.OPEN,
        messages.NOT_KNOWN,
        messages.ABOUT_QUERY,
        messages.STATUS_NO,
        *(messages.accepted(n) for n in (1, 2)),
        *(messages.callback_no(n) for n in (1, 2)),
        *(messages.callback_no(n, before_transaction=True) for n in (1, 2)),
        *(messages.callback_paid(n, "R1") for n in (1, 2)),
        *(messages.status_paid(receipt) for receipt in RECEIPTS),
    ]
)
SEQUENCES = st.lists(SAYINGS, max_size=7).map(tuple)


def _meaning(decision: Decision, old: int) -> tuple[Act, int]:
    """The act, and which piece of the news it stands on; 0 for anything older."""
    return decision.act, 0 if decision.by is None else max(0, decision.by.id - old)


def _known_to_have_arrived(told: Sequence[Said]) -> int:
    """Calls that must be counted as doubtful, by what their answers say."""
    answers = [s for s in told if s.source is Source.ACK]
    arrived = {Class.ACCEPTED, Class.ACCEPTED_EARLIER, Class.DOUBT}
    return sum(s.of in arrived for s in answers)


@given(SEQUENCES, SEQUENCES, st.sampled_from(sorted(SENT_STATES)), st.integers(0, 2))
@settings(max_examples=1500)
def test_the_normal_form_changes_no_decision(
    told: tuple[Said, ...], later: tuple[Said, ...], state: State, more_calls: int
) -> None:
    """Now or after anything else that is said: so the model may forget what it leaves out."""
    arrived = _known_to_have_arrived((*told, *later)) + more_calls
    now = Situation(state, False, None, None, None, arrived)
    short = normal_form(told)
    expected = _meaning(decide(now, evidence((*told, *later))), len(told))
    assert expected == _meaning(decide(now, evidence((*short, *later))), len(short))


@given(st.sampled_from([messages.status_paid("R1"), messages.STATUS_NO]), SEQUENCES, SEQUENCES)
@settings(max_examples=500)
def test_the_late_form_changes_no_decision(
    end: Said, told: tuple[Said, ...], later: tuple[Said, ...]
) -> None:
    """After the end only success and final refusals count."""
    state = State.PAID if end.of is Class.SUCCESS else State.REVERSED
    now = Situation(state, False, end.receipt, 1, None, 1)
    expected = decide(now, evidence((end, *told, *later)))
    assert expected.act is decide(now, evidence((end, *late_form(told), *later))).act
