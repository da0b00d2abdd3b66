"""What can be said about a payout in the model, and when two sequences of it mean the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from app.payouts.evidence import Class, Evidence, Source


@dataclass(frozen=True, eq=False, slots=True)
class Said:
    """What one message says. Its place in the sequence of all messages is its evidence's id.

    Made by `say` alone, so that equal ones are the same object: that is quick to compare.
    """

    source: Source
    of: Class
    receipt: str | None
    conversation_id: str | None
    before_transaction: bool
    name: str


@cache
def say(
    source: Source,
    of: Class,
    *,
    receipt: str | None = None,
    conversation_id: str | None = None,
    before_transaction: bool = False,
) -> Said:
    """The one object for what a message says."""
    early = "before a transaction" if before_transaction else ""
    name = " ".join(w for w in (source, of, early, receipt, conversation_id) if w)
    return Said(source, of, receipt, conversation_id, before_transaction, name)


OWN_DOUBT = say(Source.OWN, Class.DOUBT)
ACK_DOUBT = say(Source.ACK, Class.DOUBT)
NOTICE = say(Source.CALLBACK, Class.DOUBT)
"""A queue-timeout notice, or a result whose code proves nothing."""
NOT_SENT = say(Source.ACK, Class.NOT_SENT)
TURNED_AWAY = say(Source.ACK, Class.NOT_PROCESSED)
REFUSED = say(Source.ACK, Class.DEFINITE_NO)
DUPLICATE = say(Source.ACK, Class.ACCEPTED_EARLIER)
OPEN = say(Source.STATUS, Class.OPEN)
NOT_KNOWN = say(Source.STATUS, Class.NOT_KNOWN_NOW)
ABOUT_QUERY = say(Source.STATUS, Class.ABOUT_QUERY)
PEOPLE_UPHOLD = say(Source.PERSON, Class.UPHELD)
PEOPLE_SAY_NO = say(Source.PERSON, Class.DEFINITE_NO)
STATUS_NO = say(Source.STATUS, Class.DEFINITE_NO)


def people_say_paid(receipt: str) -> Said:
    """What two people found, by this receipt."""
    return say(Source.PERSON, Class.SUCCESS, receipt=receipt)


def conversation(taken: int) -> str:
    """M-PESA's id for the request that it took as its first or second new one."""
    return f"C{taken}"


def accepted(taken: int) -> Said:
    """The acknowledgement of a call."""
    return say(Source.ACK, Class.ACCEPTED, conversation_id=conversation(taken))


def callback_paid(taken: int, receipt: str) -> Said:
    """A result: paid."""
    return say(Source.CALLBACK, Class.SUCCESS, receipt=receipt, conversation_id=conversation(taken))


def callback_no(taken: int, *, before_transaction: bool = False) -> Said:
    """A result: refused, by a code of either sort."""
    return say(
        Source.CALLBACK,
        Class.DEFINITE_NO,
        conversation_id=conversation(taken),
        before_transaction=before_transaction,
    )


def status_paid(receipt: str) -> Said:
    """A status answer: completed."""
    return say(Source.STATUS, Class.SUCCESS, receipt=receipt)


@cache
def evidence(told: tuple[Said, ...]) -> tuple[Evidence, ...]:
    """The same as the real code's evidence, numbered in order from 1."""
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

    `test_evidence` holds that this changes no decision, whatever is said later. What says nothing
    is left out: talk about the query, doubt before an acceptance, a call that was turned away
    once another is in doubt, "does not exist" before any refusal. A repeat counts only where it
    came last, except "duplicate", of which each speaks of a call of its own. Order matters in two
    places: doubt after an acceptance, and "does not exist" after a refusal.
    """
    last = {said: i for i, said in enumerate(told)}
    once = [s for i, s in enumerate(told) if last[s] == i or s is DUPLICATE]
    duplicates = [s for s in once if s is DUPLICATE]
    acceptances = [s for s in once if s.of is Class.ACCEPTED]
    doubts = _doubts(once, accepted_at=once.index(acceptances[-1]) if acceptances else -1)
    turned_away = [s for s in once if s.of in {Class.NOT_SENT, Class.NOT_PROCESSED}]
    if doubts or duplicates or acceptances:
        turned_away = []
    loose = [s for s in once if s.of in {Class.SUCCESS, Class.DEFINITE_NO} and not _refusal(s)]
    chain = [s for s in once if _refusal(s) or s is NOT_KNOWN]
    while chain and chain[0] is NOT_KNOWN:
        del chain[0]
    return (
        *_by_name(loose),
        *([NOT_SENT] if turned_away else []),
        *duplicates,
        *acceptances,
        *doubts,
        *chain,
    )


@cache
def late_form(told: tuple[Said, ...]) -> tuple[Said, ...]:
    """The same for what is said after the end: only success and final refusals count."""
    return tuple(
        _by_name(
            s
            for s in set(told)
            if s.of is Class.SUCCESS or (s.of is Class.DEFINITE_NO and s.source is not Source.ACK)
        )
    )


def _doubts(once: list[Said], *, accepted_at: int) -> list[Said]:
    """One doubt stands for all, M-PESA's own before ours.

    An acceptance clears what came before, and a call's own doubt, which may be recorded late.
    """
    doubts = [s for s in once if s.of is Class.DOUBT]
    if accepted_at >= 0:
        late = [s for s in once[accepted_at:] if s.of is Class.DOUBT and s is not ACK_DOUBT]
        return late[-1:]
    return [NOTICE] if NOTICE in doubts else doubts[-1:]


def _refusal(said: Said) -> bool:
    return said.source is Source.CALLBACK and said.of is Class.DEFINITE_NO


def _by_name(told: Iterable[Said]) -> list[Said]:
    return sorted(told, key=lambda s: s.name)
