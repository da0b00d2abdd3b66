"""What each decision stands on, and the words that people read of it.

The evidence decides which receipt is booked and which id a later message must bear; the words are
what staff see of a payout that is frozen.
"""

from dataclasses import replace

import pytest

from app.payouts.evidence import Act, Class, Decision, Evidence, Source, decide
from app.payouts.states import State
from tests.unit import test_evidence as said

OTHER_RECEIPT = said.callback(Class.SUCCESS, receipt="R2")
CONTRADICTION = said.callback(Class.CONTRADICTION)
TURNED_AWAY = said.ack(Class.NOT_PROCESSED)
RESERVED = replace(said.SUBMITTED, state=State.RESERVED, moved_by=None, doubtful_calls=0)
RECOVERY = replace(said.SUBMITTED, state=State.RECOVERY, moved_by=2)
FROZEN = replace(said.PAID, frozen=True)
CALLBACK_BEFORE = said.callback(Class.SUCCESS, receipt="R1", conversation="AG_other")

GROUNDS = {
    "frozen": (FROZEN, [OTHER_RECEIPT], Act.NOTE, None, "frozen: a person decides"),
    "does not fit": (
        said.SUBMITTED, [CONTRADICTION, said.OWN_DOUBT], Act.FREEZE, 1, "a result does not fit",
    ),
    "the newest that does not fit": (
        said.SUBMITTED, [CONTRADICTION, CONTRADICTION], Act.FREEZE, 2, "a result does not fit",
    ),
    "two receipts": (
        said.SUBMITTED, [said.PAID_BY_CALLBACK, OTHER_RECEIPT, OTHER_RECEIPT],
        Act.FREEZE, 3,
        "two receipts: possibly paid twice",
    ),
    "paid, by the highest rank": (
        said.SUBMITTED, [said.PAID_BY_STATUS, said.PAID_BY_CALLBACK], Act.SETTLE, 1,
        "M-PESA says paid",
    ),
    "paid, by the newest of a rank": (
        said.SUBMITTED, [said.PAID_BY_CALLBACK, said.PAID_BY_CALLBACK], Act.SETTLE, 2,
        "M-PESA says paid",
    ),
    "both": (
        said.SUBMITTED, [said.PAID_BY_CALLBACK, said.DECLINED_BY_STATUS], Act.FREEZE, 1,
        "told both paid and refused",
    ),
    "refused": (
        said.SUBMITTED, [said.DECLINED_BY_STATUS, said.OWN_DOUBT], Act.COMPENSATE, 1,
        "M-PESA says no",
    ),
    "refused, to be confirmed": (
        said.SUBMITTED, [said.DECLINED_BY_CALLBACK, said.DECLINED_BY_CALLBACK], Act.ASK, 2,
        "a refusal that a status query must confirm",
    ),
    "refused at once, twice": (
        said.NONE_IN_DOUBT, [said.REFUSED_AT_ONCE, said.REFUSED_AT_ONCE], Act.COMPENSATE, 2,
        "M-PESA says no",
    ),
    "refused at once, after a status answer that says nothing": (
        said.NONE_IN_DOUBT, [said.ABOUT_QUERY, said.REFUSED_AT_ONCE], Act.COMPENSATE, 2,
        "M-PESA says no",
    ),
    "refused at once, after a doubt about a call that is none any more": (
        said.NONE_IN_DOUBT, [said.CALL_IN_DOUBT, said.REFUSED_AT_ONCE], Act.COMPENSATE, 2,
        "M-PESA says no",
    ),
    "acknowledged": (
        said.SUBMITTING, [said.ACCEPTED, said.CALL_IN_DOUBT], Act.SUBMITTED, 1, "acknowledged",
    ),
    "acknowledged, then doubtful": (
        said.SUBMITTED, [said.ACCEPTED, said.OWN_DOUBT, said.OWN_DOUBT, said.NOT_FOUND],
        Act.IN_DOUBT, 3, "accepted, then doubtful",
    ),
    "no clear answer": (
        said.SUBMITTING, [said.CALL_IN_DOUBT, said.DUPLICATE, said.NOT_FOUND], Act.IN_DOUBT, 2,
        "no clear answer",
    ),
    "never reached M-PESA": (
        said.NONE_IN_DOUBT, [TURNED_AWAY, TURNED_AWAY], Act.SEND_AGAIN, 2,
        "it never reached M-PESA",
    ),
    "nothing": (said.SUBMITTING, [], Act.NOTE, None, ""),
    "a callback with another ConversationID": (
        said.SUBMITTED, [CALLBACK_BEFORE, said.ACCEPTED], Act.SUBMITTED, 2, "acknowledged",
    ),
    "evidence before any call": (
        RESERVED, [said.PAID_BY_CALLBACK, said.DECLINED_BY_CALLBACK], Act.FREEZE, 2,
        "evidence for a payout that is reserved",
    ),
    "our own remark before any call": (RESERVED, [said.OWN_DOUBT], Act.NOTE, None, ""),
    "paid after all": (
        said.REVERSED, [said.DECLINED_BY_STATUS, said.PAID_BY_STATUS, said.PAID_BY_CALLBACK],
        Act.RECOVER, 2, "paid after it was reversed",
    ),
    "paid again": (
        replace(said.PAID, receipt="R0"), [said.PAID_BY_CALLBACK, said.PAID_BY_STATUS],
        Act.FREEZE, 2, "paid a second time under another receipt",
    ),
    "refused after it was paid": (
        said.PAID,
        [said.PAID_BY_CALLBACK, said.OWN_DOUBT, said.DECLINED_BY_STATUS, said.DECLINED_BY_STATUS],
        Act.FREEZE, 4, "refused after it was paid",
    ),
    "refused before it was paid": (
        said.PAID, [said.OWN_DOUBT, said.DECLINED_BY_STATUS], Act.NOTE, None, "a repeat",
    ),
    "refused first of all, by nobody's move": (
        replace(said.PAID, moved_by=None), [said.DECLINED_BY_STATUS], Act.FREEZE, 1,
        "refused after it was paid",
    ),
    "a repeat": (said.PAID, [said.PAID_BY_CALLBACK], Act.NOTE, None, "a repeat"),
    "people say paid": (
        said.IN_DOUBT, [said.CALL_IN_DOUBT, said.person(Class.SUCCESS), said.OWN_DOUBT],
        Act.SETTLE, 2, "two people decided",
    ),
    "people uphold": (
        FROZEN, [said.DECLINED_BY_STATUS, said.person(Class.UPHELD)], Act.UPHOLD, 2,
        "two people decided",
    ),
    "people gave it up": (
        RECOVERY, [said.person(Class.GIVEN_UP)], Act.GIVE_UP, 1, "two people decided",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GROUNDS)
def test_what_a_decision_stands_on(name: str) -> None:
    """The piece of evidence by its place, from 1, and the words."""
    now, told, act, place, why = GROUNDS[name]
    numbered = [replace(e, id=i) for i, e in enumerate(told, 1)]
    by: Evidence | None = None if place is None else numbered[place - 1]
    assert Decision(act, by, why) == decide(now, numbered)


def test_a_callback_is_confirmed_only_by_what_was_said_after_it() -> None:
    """The same piece of evidence cannot be the question and its answer."""
    before = [replace(said.NOT_FOUND, id=1), replace(said.UNKNOWN_CUSTOMER, id=2)]
    assert Act.ASK is decide(said.SUBMITTED, before).act
    assert Act.COMPENSATE is decide(said.SUBMITTED, [*before, replace(said.NOT_FOUND, id=3)]).act


def test_the_sources_are_ranked() -> None:
    """From ourselves to people; the books of M-PESA outweigh what it says in passing."""
    assert list(Source) == [
        Source.OWN, Source.ACK, Source.CALLBACK, Source.STATUS, Source.STATEMENT, Source.PERSON,
    ]  # fmt: skip
