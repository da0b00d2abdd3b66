"""What a run must leave behind, by Baraza's own rules and by M-PESA's and the gateway's records."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import requests
import sqlalchemy as sa

from app.db import Tx
from app.operations import invariants, story
from tests.chaos.load import REFERENCE
from tests.chaos.world import World

STORIES_MAX = 3
PAID_STATES = {"paid", "recovery", "returned", "recovered", "written_off"}
ENDED = {*PAID_STATES, "reversed", "declined", "cancelled"}
_PAYOUTS = """
    SELECT p.id::text AS ocid, p.reference, p.state, p.amount_cents, p.msisdn, p.frozen,
           EXISTS (SELECT FROM attempt a WHERE a.payout_id = p.id) AS called,
           EXISTS (SELECT FROM payout_case c WHERE c.payout_id = p.id) AS has_case,
           (SELECT count(*) FROM message WHERE payout_id = p.id AND kind = 'sent') AS told_sent,
           (SELECT count(*) FROM message WHERE payout_id = p.id AND kind = 'failed') AS told_failed
      FROM payout p
"""
_FINISHED = """
    SELECT extract(epoch FROM at)::float8 FROM payout_event
     WHERE to_state IN ('paid', 'reversed', 'declined', 'cancelled') ORDER BY at
"""
# From the first word of a refusal, in a callback or in the answer to the call, to the savings.
_RESTORED = """
    SELECT extract(epoch FROM v.at - least(
             (SELECT min(i.received_at) FROM inbox i JOIN evidence e ON e.inbox_id = i.id
               WHERE i.payout_id = v.payout_id AND e.class = 'definite_no'),
             (SELECT min(e.at) FROM evidence e
               WHERE e.payout_id = v.payout_id AND e.class = 'definite_no')))::float8
      FROM payout_event v WHERE v.to_state = 'reversed'
"""


@dataclass(frozen=True)
class Verdict:
    """What the end of a run looks like."""

    violations: list[str]
    states: dict[str, int]
    need_a_person: dict[str, int]
    paid_times: int
    restored_p50_s: float
    restored_p99_s: float
    reversed_count: int


def open_payouts(tx: Tx) -> list[sa.Row[Any]]:
    """Payouts that have not ended and that nobody has to decide about."""
    query = "SELECT id::text AS ocid, state FROM payout WHERE state <> ALL(:ended) AND NOT frozen"
    return list(tx.execute(sa.text(query), {"ended": list(ENDED)}))


def only_people_can_end(world: World, left: Sequence[sa.Row[Any]]) -> bool:
    """Whether all that is left are doubts that M-PESA never heard of and that are never resent."""
    return all(one.state == "in_doubt" and not _known(world, one.ocid) for one in left)


def judge(world: World) -> Verdict:
    """Look at everything once all faults are over and all that can end has ended."""
    paid = world.stack.paid()
    with world.owner.transaction() as tx:
        payouts = list(tx.execute(sa.text(_PAYOUTS)))
        violations = [
            f"rule broken: {finding.name}: {finding.detail}"
            for finding in invariants.run(tx)
            if not finding.ok
        ]
        restored = sorted(tx.scalars(sa.text(_RESTORED)))
        dead = tx.scalar(sa.text("SELECT count(*) FROM dead_letter WHERE closed_at IS NULL")) or 0
        float_cents = tx.scalar(
            sa.text(
                "SELECT coalesce(sum(l.cents), 0)::bigint FROM ledger.posting l"
                " JOIN ledger.journal_entry e ON e.id = l.entry_id AND e.posted_on = l.posted_on"
                " WHERE l.account_id = 9000000001010 AND e.kind IN ('settle', 'recovery')"
            )
        )
    violations += _against_mpesa(world, payouts, paid)
    booked = sum(p.amount_cents for p in payouts if p.state in PAID_STATES)
    if float_cents != -booked:
        violations.append(f"the float moved by {float_cents}, paid payouts are {booked}")
    violations += _against_texts(world, payouts)
    return Verdict(
        violations=violations,
        states=_counted(p.state for p in payouts),
        need_a_person={
            "frozen by a contradiction": sum(p.frozen for p in payouts),
            "in doubt, M-PESA never heard of it": sum(
                p.state == "in_doubt" and not p.frozen for p in payouts
            ),
            "in recovery": sum(p.state == "recovery" for p in payouts),
            "dead letters": dead,
        },
        paid_times=sum(one["times"] for one in paid["by_ocid"].values()),
        restored_p50_s=statistics.median(restored) if restored else 0.0,
        restored_p99_s=restored[max(0, round(len(restored) * 0.99) - 1)] if restored else 0.0,
        reversed_count=len(restored),
    )


def first_move_after(world: World, moment: float) -> float | None:
    """Seconds until a payout next changed its state, or None while none has."""
    query = (
        "SELECT extract(epoch FROM min(at))::float8 FROM payout_event WHERE at > to_timestamp(:at)"
    )
    with world.owner.transaction() as tx:
        at = tx.scalar(sa.text(query), {"at": moment})
    return None if at is None else float(at) - moment


def slowest_recovery(world: World, faults: Sequence[tuple[float, str]]) -> tuple[float, str]:
    """The longest time from a fault to the next payout that ended, and the fault's name."""
    with world.owner.transaction() as tx:
        ended: list[float] = list(tx.scalars(sa.text(_FINISHED)))
    slowest = (0.0, "none")
    for at, name in faults:
        after = next((moment for moment in ended if moment >= at), None)
        if after is not None:
            slowest = max(slowest, (after - at, name))
    return slowest


def stories(world: World, violations: Sequence[str]) -> list[str]:
    """All that happened to the first payouts that violations name."""
    named = dict.fromkeys(found[0] for one in violations if (found := REFERENCE.search(one)))
    told = []
    with world.owner.transaction() as tx:
        for reference in list(named)[:STORIES_MAX]:
            tale = story.tell(tx, reference)
            assert tale is not None
            lines = [f"{one.at:%T.%f} {one.what}: {one.detail}" for one in tale.timeline]
            told.append("\n  ".join((reference, *lines)))
    return told


def _against_mpesa(
    world: World, payouts: Sequence[sa.Row[Any]], paid: dict[str, Any]
) -> Iterator[str]:
    known = {p.ocid: p for p in payouts}
    for ocid, record in paid["by_ocid"].items():
        payout = known.get(ocid)
        if payout is None or not payout.called:
            yield f"M-PESA paid {ocid}, which Baraza never wrote down"
            continue
        if record["times"] != 1:
            yield f"{payout.reference} was paid {record['times']} times"
        if (record["cents"], record["msisdn"]) != (payout.amount_cents, payout.msisdn):
            yield f"{payout.reference} was paid as another amount or to another number"
        if payout.state in ENDED - PAID_STATES:
            yield f"{payout.reference} is {payout.state} although M-PESA paid it"
    for payout in payouts:
        if payout.state == "recovery":
            # M-PESA's status answers are true here, so only a rule that trusts less can get there.
            yield f"{payout.reference} was given back before M-PESA paid it"
        if payout.state in PAID_STATES and payout.ocid not in paid["by_ocid"]:
            yield f"{payout.reference} is {payout.state} although M-PESA never paid it"
        yield from _still_open(world, payout)


def _still_open(world: World, payout: sa.Row[Any]) -> Iterator[str]:
    """What has not ended must be what only people can end, and they must know of it."""
    only_people = payout.frozen or (payout.state == "in_doubt" and not _known(world, payout.ocid))
    if payout.state not in ENDED and not only_people:
        yield f"{payout.reference} is still {payout.state}"
    needs_them = only_people or payout.state == "recovery"
    if needs_them and not payout.has_case:
        yield f"{payout.reference} is {payout.state}, and no case tells a person of it"


def _against_texts(world: World, payouts: Sequence[sa.Row[Any]]) -> Iterator[str]:
    """One text for each end, and none that the end does not bear out, by the gateway's record."""
    by_reference = {p.reference: p for p in payouts}
    for p in payouts:
        # A recovery was reversed before it was paid: its own violation is told elsewhere.
        if p.state != "recovery" and (p.told_sent, p.told_failed) != (
            p.state == "paid",
            p.state == "reversed",
        ):
            yield f"{p.reference} is {p.state} with {p.told_sent} sent, {p.told_failed} failed"
    for phone in world.phones:
        for sms in world.stack.phone(phone).inbox():
            reference = sms.text[:10]
            payout = by_reference.get(reference)
            if payout is None:
                continue
            if " Confirmed." in sms.text and payout.state not in PAID_STATES:
                yield f"{reference} is {payout.state}, and its member read that it was sent"
            if " failed: " in sms.text and payout.state not in {"reversed", "recovery"}:
                yield f"{reference} is {payout.state}, and its member read that it failed"


def _known(world: World, ocid: str) -> bool:
    """Whether M-PESA ever took a request under this id."""
    answer = requests.get(f"{world.stack.safaricom}/truth/requests/{ocid}", timeout=5)
    return answer.ok and answer.json()["payout"] is not None


def _counted(names: Iterator[str]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for name in names:
        counted[name] = counted.get(name, 0) + 1
    return dict(sorted(counted.items()))
