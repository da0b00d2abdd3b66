"""What counts as what: each kind of evidence, alone and against others."""

from dataclasses import replace

import pytest

from app.payouts.evidence import Act, Class, Evidence, Situation, Source, decide
from app.payouts.states import State

CONVERSATION = "AG_1"
SUBMITTED = Situation(
    state=State.SUBMITTED,
    frozen=False,
    receipt=None,
    moved_by=1,
    conversation_id=CONVERSATION,
    doubtful_calls=1,
)
SUBMITTING = replace(SUBMITTED, state=State.SUBMITTING, conversation_id=None)
IN_DOUBT = replace(SUBMITTING, state=State.IN_DOUBT)
NONE_IN_DOUBT = replace(SUBMITTING, doubtful_calls=0)
PAID = replace(SUBMITTED, state=State.PAID, receipt="R1", moved_by=2)
REVERSED = replace(SUBMITTED, state=State.REVERSED, moved_by=2)


def ack(of: Class, conversation_id: str | None = None) -> Evidence:
    """What a call brought."""
    return Evidence(0, Source.ACK, of, conversation_id=conversation_id)


def callback(
    of: Class, *, early: bool = False, receipt: str | None = None, conversation: str = CONVERSATION
) -> Evidence:
    """What a result said; `early` if by a code that refuses before a transaction."""
    return Evidence(
        0,
        Source.CALLBACK,
        of,
        receipt=receipt,
        conversation_id=conversation,
        before_transaction=early,
    )


def status(of: Class, receipt: str | None = None) -> Evidence:
    """What a status query brought."""
    return Evidence(0, Source.STATUS, of, receipt=receipt)


def person(of: Class) -> Evidence:
    """What two people found."""
    return Evidence(0, Source.PERSON, of)


OWN_DOUBT = Evidence(0, Source.OWN, Class.DOUBT)
ACCEPTED = ack(Class.ACCEPTED, CONVERSATION)
CALL_IN_DOUBT = ack(Class.DOUBT)
REFUSED_AT_ONCE = ack(Class.DEFINITE_NO)
DUPLICATE = ack(Class.ACCEPTED_EARLIER)
PAID_BY_CALLBACK = callback(Class.SUCCESS, receipt="R1")
PAID_BY_STATUS = status(Class.SUCCESS, "R1")
DECLINED_BY_CALLBACK = callback(Class.DEFINITE_NO)
UNKNOWN_CUSTOMER = callback(Class.DEFINITE_NO, early=True)
DECLINED_BY_STATUS = status(Class.DEFINITE_NO)
NOT_FOUND = status(Class.NOT_KNOWN_NOW)
ABOUT_QUERY = status(Class.ABOUT_QUERY)


def act(now: Situation, *told: Evidence) -> Act:
    """What is decided, with the evidence numbered in order."""
    return decide(now, [replace(e, id=i) for i, e in enumerate(told, 1)]).act


# -- what each says alone ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "said", "expected"),
    [
        (SUBMITTED, PAID_BY_CALLBACK, Act.SETTLE),
        (IN_DOUBT, PAID_BY_STATUS, Act.SETTLE),
        (SUBMITTING, Evidence(0, Source.STATEMENT, Class.SUCCESS, receipt="R1"), Act.SETTLE),
        (IN_DOUBT, DECLINED_BY_STATUS, Act.COMPENSATE),
        (IN_DOUBT, Evidence(0, Source.STATEMENT, Class.DEFINITE_NO), Act.COMPENSATE),
        (IN_DOUBT, person(Class.DEFINITE_NO), Act.COMPENSATE),
        (NONE_IN_DOUBT, REFUSED_AT_ONCE, Act.COMPENSATE),
        (SUBMITTED, DECLINED_BY_CALLBACK, Act.ASK),
        (SUBMITTED, UNKNOWN_CUSTOMER, Act.ASK),
        (SUBMITTING, ACCEPTED, Act.SUBMITTED),
        (SUBMITTING, CALL_IN_DOUBT, Act.IN_DOUBT),
        (SUBMITTING, OWN_DOUBT, Act.IN_DOUBT),
        (SUBMITTING, DUPLICATE, Act.IN_DOUBT),
        (SUBMITTED, callback(Class.DOUBT), Act.IN_DOUBT),
        (NONE_IN_DOUBT, ack(Class.NOT_SENT), Act.SEND_AGAIN),
        (NONE_IN_DOUBT, ack(Class.NOT_PROCESSED), Act.SEND_AGAIN),
        (IN_DOUBT, NOT_FOUND, Act.NOTE),
        (IN_DOUBT, ABOUT_QUERY, Act.NOTE),
        (IN_DOUBT, status(Class.OPEN), Act.NOTE),
        (SUBMITTED, callback(Class.CONTRADICTION), Act.FREEZE),
    ],
)
def test_one_piece_of_evidence(now: Situation, said: Evidence, expected: Act) -> None:
    """The table of what counts as what."""
    assert expected is act(now, said)


def test_nothing_said_means_nothing() -> None:
    """And no exception."""
    assert Act.NOTE is act(SUBMITTING)


def test_a_decision_names_its_evidence() -> None:
    """The row that the move will point at."""
    paid = replace(PAID_BY_STATUS, id=7)
    assert paid == decide(IN_DOUBT, [replace(CALL_IN_DOUBT, id=3), paid]).by


# -- a synchronous answer speaks of one call only ------------------------------------------------


def test_a_sync_refusal_of_a_resend_gives_nothing_back() -> None:
    """Call 1 times out and may be paid, the resend gets a 400: it stays in doubt."""
    assert Act.IN_DOUBT is act(IN_DOUBT, CALL_IN_DOUBT, REFUSED_AT_ONCE)


def test_a_sync_refusal_proves_nothing_while_a_call_has_no_outcome() -> None:
    """A worker died with call 1; nobody knows what became of it."""
    assert Act.NOTE is act(SUBMITTING, REFUSED_AT_ONCE)


def test_a_sync_refusal_after_calls_that_never_left_gives_the_money_back() -> None:
    """Those calls are known to have reached nobody."""
    now = NONE_IN_DOUBT
    told = (ack(Class.NOT_SENT), ack(Class.NOT_PROCESSED), REFUSED_AT_ONCE)
    assert Act.COMPENSATE is act(now, *told)


@pytest.mark.parametrize("heard", [callback(Class.DOUBT), status(Class.DOUBT)])
def test_a_sync_refusal_proves_nothing_once_m_pesa_spoke_of_the_request(heard: Evidence) -> None:
    """It was taken after all, whatever our calls were answered."""
    now = replace(NONE_IN_DOUBT, state=State.IN_DOUBT)
    assert Act.IN_DOUBT is act(now, heard, REFUSED_AT_ONCE)


def test_a_call_turned_away_is_not_sent_again_while_another_is_in_doubt() -> None:
    """That is the resend window's matter."""
    assert Act.NOTE is act(SUBMITTING, ack(Class.NOT_PROCESSED))
    assert Act.IN_DOUBT is act(IN_DOUBT, CALL_IN_DOUBT, ack(Class.NOT_SENT))


# -- a failure callback needs a status answer -----------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (DECLINED_BY_STATUS, Act.COMPENSATE),
        (NOT_FOUND, Act.ASK),
        (status(Class.OPEN), Act.ASK),
        (ABOUT_QUERY, Act.ASK),
        (status(Class.DOUBT), Act.ASK),
        (PAID_BY_STATUS, Act.SETTLE),
    ],
)
def test_a_declined_callback_waits_for_a_status_that_agrees(
    answer: Evidence, expected: Act
) -> None:
    """A transaction was made, so M-PESA knows it: "does not exist" is no agreement."""
    assert expected is act(IN_DOUBT, DECLINED_BY_CALLBACK, answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (NOT_FOUND, Act.COMPENSATE),
        (DECLINED_BY_STATUS, Act.COMPENSATE),
        (status(Class.OPEN), Act.ASK),
        (ABOUT_QUERY, Act.ASK),
    ],
)
def test_a_refusal_before_a_transaction_agrees_with_does_not_exist(
    answer: Evidence, expected: Act
) -> None:
    """There never was a transaction to be found. An answer about the query says nothing."""
    assert expected is act(IN_DOUBT, UNKNOWN_CUSTOMER, answer)


def test_does_not_exist_from_before_the_refusal_confirms_nothing() -> None:
    """M-PESA had not yet looked at the request."""
    assert Act.ASK is act(IN_DOUBT, NOT_FOUND, UNKNOWN_CUSTOMER)


def test_does_not_exist_confirms_nothing_while_two_copies_are_out() -> None:
    """Copy 2 is refused and not to be found, copy 1 is still on its way and will be paid."""
    now = replace(IN_DOUBT, doubtful_calls=2)
    assert Act.ASK is act(now, CALL_IN_DOUBT, UNKNOWN_CUSTOMER, NOT_FOUND)
    assert Act.COMPENSATE is act(now, CALL_IN_DOUBT, UNKNOWN_CUSTOMER, DECLINED_BY_STATUS)


def test_a_resend_answered_duplicate_is_no_second_copy() -> None:
    """M-PESA did not take it, so the one refusal is the only request's."""
    now = replace(IN_DOUBT, doubtful_calls=2)
    told = (CALL_IN_DOUBT, DUPLICATE, UNKNOWN_CUSTOMER, NOT_FOUND)
    assert Act.COMPENSATE is act(now, *told)


def test_a_callback_refusal_outranks_a_sync_refusal_and_still_waits() -> None:
    """Two refusals do not confirm each other."""
    assert Act.ASK is act(NONE_IN_DOUBT, REFUSED_AT_ONCE, DECLINED_BY_CALLBACK)


@pytest.mark.parametrize("times", [1, 2, 5])
def test_not_found_never_gives_money_back(times: int) -> None:
    """Twice or five times: that is a person's matter."""
    assert Act.IN_DOUBT is act(IN_DOUBT, CALL_IN_DOUBT, *[NOT_FOUND] * times)


# -- the ConversationID of the acknowledgement ----------------------------------------------------


FOREIGN_NO = callback(Class.DEFINITE_NO, early=True, conversation="AG_2")
FOREIGN_SUCCESS = callback(Class.SUCCESS, receipt="R9", conversation="AG_2")


@pytest.mark.parametrize("foreign", [FOREIGN_NO, FOREIGN_SUCCESS])
def test_a_callback_with_another_conversation_id_is_not_believed(foreign: Evidence) -> None:
    """Neither against the payout's row nor against an acknowledgement that came after it."""
    assert Act.SUBMITTED is act(SUBMITTED, ACCEPTED, foreign, NOT_FOUND)
    assert Act.SUBMITTED is act(SUBMITTING, foreign, NOT_FOUND, ACCEPTED)
    assert Act.NOTE is act(SUBMITTED, foreign, NOT_FOUND)


def test_before_the_acknowledgement_any_conversation_id_is_believed() -> None:
    """The callback may come first; so may the process die that would have read the answer."""
    assert Act.SETTLE is act(SUBMITTING, FOREIGN_SUCCESS)
    assert Act.COMPENSATE is act(IN_DOUBT, FOREIGN_NO, NOT_FOUND)


# -- doubt and acceptance ------------------------------------------------------------------------


def test_an_acceptance_ends_doubt_and_later_doubt_ends_acceptance() -> None:
    """Whoever spoke last, except a call that only recorded its doubt late."""
    assert Act.SUBMITTED is act(IN_DOUBT, CALL_IN_DOUBT, ACCEPTED)
    assert Act.IN_DOUBT is act(SUBMITTED, ACCEPTED, OWN_DOUBT)
    assert Act.IN_DOUBT is act(SUBMITTED, ACCEPTED, callback(Class.DOUBT))
    assert Act.SUBMITTED is act(SUBMITTED, ACCEPTED, CALL_IN_DOUBT)


# -- rank and contradiction ----------------------------------------------------------------------


def test_a_higher_rank_never_gives_way_to_a_lower() -> None:
    """A status that says paid beats a callback that says no, in any order."""
    assert Act.SETTLE is act(IN_DOUBT, DECLINED_BY_CALLBACK, PAID_BY_STATUS)
    assert Act.SETTLE is act(IN_DOUBT, PAID_BY_STATUS, DECLINED_BY_CALLBACK)
    assert Act.SETTLE is act(NONE_IN_DOUBT, REFUSED_AT_ONCE, PAID_BY_CALLBACK)


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        (PAID_BY_CALLBACK, DECLINED_BY_CALLBACK),
        (PAID_BY_CALLBACK, DECLINED_BY_STATUS),
        (PAID_BY_STATUS, DECLINED_BY_STATUS),
        (PAID_BY_STATUS, Evidence(0, Source.STATEMENT, Class.DEFINITE_NO)),
    ],
)
def test_equals_that_contradict_each_other_freeze_the_payout(yes: Evidence, no: Evidence) -> None:
    """As does a higher no against a lower yes: money does not go back to one who may be paid."""
    assert Act.FREEZE is act(IN_DOUBT, yes, no)
    assert Act.FREEZE is act(IN_DOUBT, no, yes)


def test_two_receipts_freeze_the_payout() -> None:
    """Possibly paid twice."""
    other = status(Class.SUCCESS, "R2")
    assert Act.FREEZE is act(SUBMITTED, PAID_BY_CALLBACK, other)


def test_a_frozen_payout_is_left_to_a_person() -> None:
    """Even by the best of evidence."""
    frozen = replace(IN_DOUBT, frozen=True)
    assert Act.NOTE is act(frozen, PAID_BY_STATUS)
    assert Act.NOTE is act(frozen, callback(Class.CONTRADICTION))


# -- what two people rule ------------------------------------------------------------------------

FROZEN = replace(IN_DOUBT, frozen=True)
PAID_SAY_PEOPLE = replace(person(Class.SUCCESS), receipt="R9")
CONTRADICTION = callback(Class.CONTRADICTION)


@pytest.mark.parametrize(
    ("now", "ruling", "expected"),
    [
        (FROZEN, PAID_SAY_PEOPLE, Act.SETTLE),
        (IN_DOUBT, PAID_SAY_PEOPLE, Act.SETTLE),
        (FROZEN, person(Class.DEFINITE_NO), Act.COMPENSATE),
        (replace(REVERSED, frozen=True), PAID_SAY_PEOPLE, Act.RECOVER),
        (replace(FROZEN, state=State.RESERVED), person(Class.NEVER_SENT), Act.CANCEL),
        (replace(FROZEN, state=State.REQUESTED), person(Class.NEVER_SENT), Act.CANCEL),
        (replace(FROZEN, state=State.SUBMITTING), person(Class.NEVER_SENT), Act.NOTE),
        (PAID, person(Class.TAKEN_BACK), Act.RETURN),
        (replace(PAID, frozen=True), person(Class.TAKEN_BACK), Act.RETURN),
        (REVERSED, person(Class.TAKEN_BACK), Act.NOTE),
        (replace(PAID, state=State.RECOVERY), person(Class.MADE_GOOD), Act.MAKE_GOOD),
        (replace(PAID, state=State.RECOVERY), person(Class.GIVEN_UP), Act.GIVE_UP),
        (PAID, person(Class.GIVEN_UP), Act.NOTE),
        (replace(PAID, frozen=True), person(Class.UPHELD), Act.UPHOLD),
        (PAID, person(Class.UPHELD), Act.NOTE),
        (FROZEN, person(Class.UPHELD), Act.NOTE),
    ],
)
def test_a_ruling(now: Situation, ruling: Evidence, expected: Act) -> None:
    """Each where it has a meaning, and nowhere else; also out of a contradiction."""
    assert expected is act(now, CONTRADICTION, ruling)


def test_what_was_said_before_a_ruling_counts_no_more() -> None:
    """Told both paid and refused; two people found that it was not paid."""
    ruled = replace(REVERSED, moved_by=3)
    told = (PAID_BY_CALLBACK, DECLINED_BY_STATUS, person(Class.DEFINITE_NO))
    assert Act.NOTE is act(ruled, *told)
    assert Act.RECOVER is act(ruled, *told, PAID_BY_STATUS)


def test_what_contradicts_a_ruling_later_freezes_again() -> None:
    """And stays so until the next one."""
    upheld = (CONTRADICTION, person(Class.UPHELD))
    assert Act.NOTE is act(PAID, *upheld)
    assert Act.FREEZE is act(PAID, *upheld, CONTRADICTION)
    frozen = replace(PAID, frozen=True)
    assert Act.NOTE is act(frozen, *upheld, CONTRADICTION)
    assert Act.UPHOLD is act(frozen, *upheld, CONTRADICTION, person(Class.UPHELD))


def test_a_payment_that_m_pesa_took_back_waits_for_people() -> None:
    """Whoever says so but they."""
    assert Act.NOTE is act(PAID, Evidence(0, Source.STATEMENT, Class.TAKEN_BACK))


# -- after the end, and before the beginning -----------------------------------------------------


def test_a_success_after_the_money_went_back_is_booked_as_recovery() -> None:
    """The money is gone; that it was reversed does not undo it."""
    assert Act.RECOVER is act(REVERSED, OWN_DOUBT, DECLINED_BY_STATUS, PAID_BY_CALLBACK)


def test_a_second_refusal_after_the_money_went_back_is_noted() -> None:
    """Nothing else."""
    assert Act.NOTE is act(REVERSED, OWN_DOUBT, DECLINED_BY_STATUS, DECLINED_BY_CALLBACK)


def test_a_repeated_success_is_noted() -> None:
    """Same receipt: a duplicate."""
    assert Act.NOTE is act(PAID, ACCEPTED, PAID_BY_CALLBACK, PAID_BY_STATUS)


@pytest.mark.parametrize("late", [DECLINED_BY_CALLBACK, DECLINED_BY_STATUS])
def test_a_refusal_after_it_was_paid_freezes(late: Evidence) -> None:
    """A contradiction: no entry, a person."""
    assert Act.FREEZE is act(PAID, ACCEPTED, PAID_BY_CALLBACK, late)


def test_a_refusal_that_was_weighed_before_it_was_paid_is_not_weighed_again() -> None:
    """What came before the evidence of the last move is behind us; so is a resend's 400."""
    assert Act.NOTE is act(PAID, DECLINED_BY_CALLBACK, PAID_BY_STATUS, REFUSED_AT_ONCE)


def test_another_receipt_after_it_was_paid_freezes() -> None:
    """Together with the first, or by itself against the payout's row."""
    other = callback(Class.SUCCESS, receipt="R2")
    assert Act.FREEZE is act(PAID, ACCEPTED, PAID_BY_CALLBACK, other)
    assert Act.FREEZE is act(PAID, ACCEPTED, other)


@pytest.mark.parametrize(
    "state", [State.RECOVERY, State.RECOVERED, State.WRITTEN_OFF, State.RETURNED]
)
def test_repeats_after_people_took_over_are_noted(state: State) -> None:
    """The success that led here comes again; it is no news and no contradiction."""
    now = replace(REVERSED, state=state)
    assert Act.NOTE is act(now, DECLINED_BY_STATUS, PAID_BY_CALLBACK, PAID_BY_STATUS)


@pytest.mark.parametrize(
    "state",
    [State.REQUESTED, State.RESERVED, State.APPROVAL, State.CANCELLED, State.DECLINED],
)
def test_evidence_for_a_payout_that_was_never_sent_freezes_it(state: State) -> None:
    """Our code is wrong, or somebody lies."""
    now = replace(NONE_IN_DOUBT, state=state)
    assert Act.FREEZE is act(now, PAID_BY_CALLBACK)
    assert Act.FREEZE is act(now, ABOUT_QUERY)
    assert Act.NOTE is act(now, Evidence(0, Source.OWN, Class.NEVER_SENT))
