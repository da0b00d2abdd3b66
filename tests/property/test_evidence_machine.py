"""One payout lives through anything that may be said, in any order, on a clock of its own.

The rules of the game are the real ones: `evidence.decide`, the table of moves and the schedule.
What is said is any nonsense at all; what must hold is checked after each fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.payouts.deadlines import Schedule
from app.payouts.evidence import Act, Class, Decision, Evidence, Situation, Source, decide
from app.payouts.states import (
    ENDED_STATES,
    RESERVED_STATES,
    SENT_STATES,
    UNSENT_STATES,
    Needs,
    State,
    allowed,
)

SCHEDULE = Schedule(
    resend_after_s=(5, 30), ask_after_s=(90, 300), doubt_after_s=120, notice_after_s=120,
    call_s_max=30,
)  # fmt: skip
TARGET = {
    Act.SETTLE: State.PAID,
    Act.COMPENSATE: State.REVERSED,
    Act.RECOVER: State.RECOVERY,
    Act.CANCEL: State.CANCELLED,
    Act.RETURN: State.RETURNED,
    Act.MAKE_GOOD: State.RECOVERED,
    Act.GIVE_UP: State.WRITTEN_OFF,
    Act.SUBMITTED: State.SUBMITTED,
    Act.IN_DOUBT: State.IN_DOUBT,
    Act.ASK: State.IN_DOUBT,
}
ONCE = frozenset({Act.SUBMITTED, Act.IN_DOUBT, Act.ASK, Act.SEND_AGAIN})
"""What is done once for each piece of evidence that it stands on."""
WEIGHTY = frozenset({Act.SETTLE, Act.COMPENSATE, Act.FREEZE, Act.RECOVER})
PROOF = {
    Needs.SUCCESS: Class.SUCCESS,
    Needs.REFUSAL: Class.DEFINITE_NO,
    Needs.TAKEN_BACK: Class.TAKEN_BACK,
    Needs.MADE_GOOD: Class.MADE_GOOD,
    Needs.GIVEN_UP: Class.GIVEN_UP,
}
ARRIVED = frozenset({Class.ACCEPTED, Class.ACCEPTED_EARLIER, Class.DOUBT})
"""Outcomes of calls that M-PESA may have taken."""
RECEIPTS = st.sampled_from(("R1", "R2"))
CONVERSATIONS = st.sampled_from((None, "C1", "C2"))


@dataclass
class Call:
    """One committed call; no outcome yet, or for ever."""

    outcome: Class | None = None


class OnePayout(RuleBasedStateMachine):
    """Rules are what happens; the invariants are what must not."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 11, 23, 6, tzinfo=UTC)
        self.state = State.REQUESTED
        self.frozen = False
        self.told: list[Evidence] = []
        self.folded = 0
        self.calls: list[Call] = []
        self.send_again = False
        self.first_call_at: datetime | None = None
        self.doubt_due_at: datetime | None = None
        self.receipt: str | None = None
        self.conversation: str | None = None
        self.moved_by: int | None = None
        self.entries: list[str] = []
        """What the books hold, oldest first."""

    # Our side.

    @precondition(lambda self: self.state is State.REQUESTED and not self.frozen)
    @rule(covered=st.booleans())
    def debit(self, covered: bool) -> None:  # noqa: FBT001 - Hypothesis calls it by name
        """The money goes into transit, or there is too little."""
        self._move(State.RESERVED if covered else State.DECLINED)
        if covered:
            self.entries.append("reserve")

    @precondition(lambda self: self.state in UNSENT_STATES and not self.frozen and not self.calls)
    @rule()
    def cancel(self) -> None:
        """The member takes it back, or it expires."""
        self._give_back(State.CANCELLED)

    @precondition(lambda self: not self.frozen)
    @rule()
    def call(self) -> None:
        """A first call, one again for what never arrived, or a resend while its window is open."""
        planned = self.state is State.RESERVED or (
            self.state is State.SUBMITTING and self.send_again
        )
        resend = (
            self.state is State.IN_DOUBT
            and self.first_call_at is not None
            and SCHEDULE.may_resend(first_call_at=self.first_call_at, now=self.now)
        )
        assume(planned or resend)
        self.calls.append(Call())
        self.send_again = False
        self.first_call_at = self.first_call_at or self.now
        self.doubt_due_at = self.now + timedelta(seconds=SCHEDULE.lease_s)
        if self.state is State.RESERVED:
            self._move(State.SUBMITTING)

    @precondition(lambda self: any(call.outcome is None for call in self.calls))
    @rule(
        of=st.sampled_from(
            (Class.ACCEPTED, Class.ACCEPTED_EARLIER, Class.DEFINITE_NO, Class.NOT_SENT,
             Class.NOT_PROCESSED, Class.DOUBT)
        ),
        conversation=CONVERSATIONS,
    )  # fmt: skip
    def call_ends(self, of: Class, conversation: str | None) -> None:
        """The outcome of a call is recorded."""
        call = next(call for call in self.calls if call.outcome is None)
        call.outcome = of
        heard = conversation if of is Class.ACCEPTED else None
        self._say(Source.ACK, of, conversation_id=heard)

    @rule(seconds=st.sampled_from((1, 6, 40, 200, 90_000)))
    def time_passes(self, seconds: int) -> None:
        """A deadline that passes is our own remark, and no more than that."""
        self.now += timedelta(seconds=seconds)
        overdue = self.doubt_due_at is not None and self.doubt_due_at <= self.now
        if overdue and self.state in {State.SUBMITTING, State.SUBMITTED}:
            self.doubt_due_at = None
            self._say(Source.OWN, Class.DOUBT)

    # What others say: anything.

    @rule(
        source=st.sampled_from((Source.CALLBACK, Source.STATUS, Source.STATEMENT)),
        of=st.sampled_from(
            (Class.SUCCESS, Class.DEFINITE_NO, Class.DOUBT, Class.OPEN, Class.NOT_KNOWN_NOW,
             Class.ABOUT_QUERY, Class.CONTRADICTION, Class.TAKEN_BACK)
        ),
        receipt=RECEIPTS,
        conversation=CONVERSATIONS,
        before_transaction=st.booleans(),
    )  # fmt: skip
    def somebody_says(
        self,
        source: Source,
        of: Class,
        receipt: str,
        conversation: str | None,
        before_transaction: bool,  # noqa: FBT001 - Hypothesis calls it by name
    ) -> None:
        """True, false, late, forged: it is filed."""
        self._say(
            source, of, receipt=receipt if of is Class.SUCCESS else None,
            conversation_id=conversation, before_transaction=before_transaction,
        )  # fmt: skip

    @rule(
        of=st.sampled_from(
            (Class.SUCCESS, Class.DEFINITE_NO, Class.NEVER_SENT, Class.TAKEN_BACK,
             Class.MADE_GOOD, Class.GIVEN_UP, Class.UPHELD)
        ),
        receipt=RECEIPTS,
    )  # fmt: skip
    def two_people_rule(self, of: Class, receipt: str) -> None:
        """What two people found, which the proposal lets them say of this payout only."""
        assume(of is not Class.NEVER_SENT or not self.calls)
        self._say(Source.PERSON, of, receipt=receipt if of is Class.SUCCESS else None)

    # Resolve.

    @rule()
    def fold(self) -> None:
        """All that was said becomes one decision, and the decision a change."""
        now, told = self._situation(), tuple(self.told)
        decision = decide(now, told)
        before = (self.state, self.frozen, tuple(self.entries))
        self._check(now, told, decision)
        self._apply(decision)
        self._note_as_weighed(decision)
        if now.frozen and before != (self.state, self.frozen, tuple(self.entries)):
            assert decision.by is not None
            assert Source.PERSON is decision.by.source
        if self.folded == len(self.told):
            self._folding_again_changes_nothing()

    def _note_as_weighed(self, decision: Decision) -> None:
        """A ruling is followed alone; what was said after it stays news for the next fold."""
        by = decision.by
        is_ruling = by is not None and by.source is Source.PERSON
        self.folded = by.id if by is not None and is_ruling else len(self.told)

    def _folding_again_changes_nothing(self) -> None:
        before = (self.state, self.frozen, tuple(self.entries), self.send_again)
        self._apply(decide(self._situation(), self.told))
        assert before == (self.state, self.frozen, tuple(self.entries), self.send_again)

    def _check(self, now: Situation, told: Sequence[Evidence], decision: Decision) -> None:
        """What a decision must stand on."""
        by = decision.by
        if decision.act in {Act.COMPENSATE, Act.CANCEL, Act.RETURN}:
            assert by is not None
            assert by in told
        if decision.act is not Act.COMPENSATE or by is None or by.source is Source.PERSON:
            return
        assert by.of is Class.DEFINITE_NO
        match by.source:
            case Source.STATUS | Source.STATEMENT:
                pass
            case Source.CALLBACK:
                later = [e for e in told if e.id > by.id and e.source is Source.STATUS]
                assert by.before_transaction
                assert any(e.of is Class.NOT_KNOWN_NOW for e in later)
            case Source.ACK:
                assert 0 == now.doubtful_calls
            case _:
                raise AssertionError(f"money went back on the word of {by.source}")

    def _apply(self, decision: Decision) -> None:
        act, by = decision.act, decision.by
        if act in ONCE and (by is None or by.id <= self.folded):
            return
        if act is Act.FREEZE:
            assert not self.frozen
            self.frozen = True
        elif act is Act.UPHOLD:
            self.frozen = False
        elif act is Act.SEND_AGAIN:
            self.send_again = True
        elif act in TARGET:
            assert by is not None
            self._follow(act, by)

    def _follow(self, act: Act, by: Evidence) -> None:
        if by.source is Source.PERSON:
            self.frozen = False  # what froze it is what they ruled on
        if act is Act.SUBMITTED:
            self.conversation = by.conversation_id
            self.doubt_due_at = self.now + timedelta(seconds=SCHEDULE.doubt_after_s)
        if act is Act.COMPENSATE or act is Act.CANCEL:
            self._give_back(TARGET[act], by)
            return
        if act in {Act.SETTLE, Act.RECOVER}:
            self.receipt = by.receipt
        if act not in ONCE:
            self.entries.append(str(act))
        self._move(TARGET[act], by)

    def _give_back(self, to: State, by: Evidence | None = None) -> None:
        if self.state is not State.REQUESTED:
            self.entries.append("compensate")
        self._move(to, by)

    def _move(self, to: State, by: Evidence | None = None) -> None:
        if to is self.state:
            return
        assert not self.frozen
        needs = allowed(self.state, to)
        assert needs is not None, f"{self.state} to {to} is no move"
        if needs is Needs.NEVER_SENT:
            assert not self.calls
        if needs in PROOF:
            assert by is not None
            assert PROOF[needs] is by.of
        self.state = to
        self.moved_by = None if by is None else by.id

    def _say(
        self,
        source: Source,
        of: Class,
        *,
        receipt: str | None = None,
        conversation_id: str | None = None,
        before_transaction: bool = False,
    ) -> None:
        self.told.append(
            Evidence(
                id=len(self.told) + 1, source=source, of=of, receipt=receipt,
                conversation_id=conversation_id, before_transaction=before_transaction,
            )
        )  # fmt: skip

    def _situation(self) -> Situation:
        doubtful = sum(call.outcome is None or call.outcome in ARRIVED for call in self.calls)
        return Situation(
            state=self.state, frozen=self.frozen, receipt=self.receipt, moved_by=self.moved_by,
            conversation_id=self.conversation, doubtful_calls=doubtful,
        )  # fmt: skip

    # What must hold at every moment.

    @invariant()
    def the_books_fit_the_state(self) -> None:
        """Reserved once, then settled or given back, never both; the rest only after that."""
        expected: dict[State, tuple[str, ...]] = {
            State.REQUESTED: (),
            State.DECLINED: (),
            State.PAID: ("reserve", "settle"),
            State.RETURNED: ("reserve", "settle", "return"),
            State.REVERSED: ("reserve", "compensate"),
            State.RECOVERY: ("reserve", "compensate", "recover"),
            State.RECOVERED: ("reserve", "compensate", "recover", "make_good"),
            State.WRITTEN_OFF: ("reserve", "compensate", "recover", "give_up"),
            **dict.fromkeys(RESERVED_STATES, ("reserve",)),
        }
        found = tuple(self.entries)
        if self.state is State.CANCELLED:
            assert found in {(), ("reserve", "compensate")}
        else:
            assert expected[self.state] == found

    @invariant()
    def nothing_unsent_was_called(self) -> None:
        """A call is committed only with its move."""
        if self.state in UNSENT_STATES | {State.CANCELLED, State.DECLINED}:
            assert not self.calls


OnePayout.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
test_one_payout = OnePayout.TestCase


# -- the order in which it is told -----------------------------------------------------------------

ORDERLY = st.builds(
    Evidence,
    id=st.just(0),
    source=st.sampled_from((Source.STATUS, Source.STATEMENT, Source.ACK, Source.CALLBACK)),
    of=st.sampled_from(
        (Class.SUCCESS, Class.DEFINITE_NO, Class.DOUBT, Class.OPEN, Class.NOT_KNOWN_NOW)
    ),
    receipt=st.none(),
    conversation_id=CONVERSATIONS,
).map(lambda e: replace(e, receipt="R1") if e.of is Class.SUCCESS else e)
"""All but the one thing whose order counts: a callback's refusal, which is confirmed afterwards."""


def _numbered(told: Sequence[Evidence]) -> tuple[Evidence, ...]:
    return tuple(replace(e, id=i) for i, e in enumerate(told, 1))


@given(
    st.lists(ORDERLY, max_size=6).flatmap(
        lambda told: st.tuples(st.just(told), st.permutations(told))
    ),
    st.sampled_from(sorted(SENT_STATES | ENDED_STATES - {State.PAID})),
    st.integers(0, 2),
)  # fmt: skip
@settings(max_examples=400)
def test_money_moves_the_same_way_whatever_is_told_first(
    orders: tuple[list[Evidence], list[Evidence]], state: State, doubtful: int
) -> None:
    """Settled, given back, owed or frozen: none of it depends on which message was quicker."""
    now = Situation(state, False, None, None, None, doubtful)
    first, second = (decide(now, _numbered(told)).act for told in orders)
    if WEIGHTY & {first, second}:
        assert first is second
