"""Delivery reports: what became of an SMS after the gateway took it.

They come late, twice, in any order, with unknown words, or never; and one can arrive before our
own transaction that stores the message's id is committed. So every report is kept, and a message
is judged by all of its reports together, whichever of the two came first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from app.db import Tx
from app.messages import blocks
from app.messages.blocks import Sign
from app.observability import logger

DELIVERED = frozenset({"success"})
NOT_DELIVERED = ("absentsubscriber", "expired", "rejected", "failed")
"""From the vaguest to the plainest. An absent subscriber may still get it: `Success` wins over all
of these.
"""

FIELD_LENGTH_MAX = 100


@dataclass(frozen=True, slots=True)
class Report:
    """One report of the gateway about one message, in its words."""

    provider_message_id: str
    status: str
    failure_reason: str = ""


def fit(text: str) -> str:
    """A gateway's word made fit to keep: short, and without what PostgreSQL cannot store.

    Message ids pass through this in answers and in reports alike, or they would not meet.
    """
    return "".join(c for c in text.strip() if c.isprintable())[:FIELD_LENGTH_MAX]


_KEEP = sa.text(
    "INSERT INTO delivery_report (provider_message_id, status, failure_reason)"
    " VALUES (:id, :status, :reason)"
    " ON CONFLICT (provider_message_id, status, failure_reason)"
    " DO UPDATE SET copies = delivery_report.copies + 1"
)
# Another failure than the one that is known is news too, or the order of reports would decide.
_APPLY = sa.text(
    "UPDATE message SET state = :state, failure = :failure,"
    " finished_at = CASE WHEN state = :state THEN finished_at ELSE now() END"
    " WHERE provider_message_id = :id AND state <> 'delivered'"
    " AND (state, failure) IS DISTINCT FROM (:state, CAST(:failure AS text))"
    " RETURNING id, msisdn, member_id, accepted_at"
)


_LOCK = sa.text(
    "SELECT pg_advisory_xact_lock(hashtextextended(key, 7))"
    " FROM unnest(CAST(:keys AS text[])) AS key"
)


def receive(tx: Tx, report: Report) -> None:
    """Keep a report and apply it to its message, if that message's id is stored already."""
    lock(tx, [report.provider_message_id])
    tx.execute(
        _KEEP,
        {
            "id": report.provider_message_id,
            "status": report.status,
            "reason": report.failure_reason,
        },
    )
    blocks.note(tx, apply(tx, [report.provider_message_id]))


def lock(tx: Tx, provider_message_ids: Iterable[str]) -> None:
    """Let one transaction at a time deal with a gateway's message id.

    Whoever stores the id looks for reports, and whoever stores a report looks for the id. Without
    this lock both could look before the other's commit, and the report would never be applied.
    Taken in sorted order, so that two groups cannot wait for each other in a circle.
    """
    keys = sorted(set(provider_message_ids))
    if keys:
        tx.execute(_LOCK, {"keys": keys})


def apply(tx: Tx, provider_message_ids: Sequence[str]) -> list[Sign]:
    """Move these messages to where all their reports together say that they are.

    Returns:
        What they tell about their numbers, for `blocks.note`.
    """
    if not provider_message_ids:
        return []
    rows = tx.execute(
        sa.text(
            "SELECT provider_message_id, status, failure_reason FROM delivery_report"
            " WHERE provider_message_id = ANY(:ids)"
        ),
        {"ids": list(provider_message_ids)},
    )
    reports: dict[str, list[Report]] = {}
    for row in rows:
        reports.setdefault(row.provider_message_id, []).append(Report(*row))
    signs = []
    for key, said in reports.items():
        state, failure = judge(said)
        if state is None:
            continue
        for moved in tx.execute(_APPLY, {"id": key, "state": state, "failure": failure}):
            logger().info("sms_reported", message=str(moved.id), state=state)
            blocked = state == "failed" and any(_blames_a_block(report) for report in said)
            if blocked or state == "delivered":
                signs.append(Sign(moved.msisdn, moved.member_id, blocked, moved.accepted_at))
    return signs


def judge(
    reports: Sequence[Report],
) -> tuple[Literal["delivered", "failed"] | None, str | None]:
    """The state that the reports prove and the reason of a failure; no state while on its way.

    Their order says nothing, since they come in any.
    """
    if any(report.status.lower() in DELIVERED for report in reports):
        return "delivered", None
    failures = [report for report in reports if report.status.lower() in NOT_DELIVERED]
    if not failures:
        return None, None
    told = max(failures, key=_how_telling)
    return "failed", f"{told.status}: {told.failure_reason}".removesuffix(": ")


def _how_telling(report: Report) -> tuple[bool, int, str, str]:
    status = report.status.lower()
    reason = report.failure_reason
    return bool(reason), NOT_DELIVERED.index(status), reason, report.status


def _blames_a_block(report: Report) -> bool:
    return report.failure_reason.lower() == blocks.BLACKLISTED
