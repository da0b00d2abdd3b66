"""Questions to M-PESA about our accounts, and what came back: one open at a time, for all workers.

A question is wanted, then asked (a row that is committed before the call), then ended: by an
answer, by a call that was turned away, or by too long a silence. Answers are filed before any work.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app import ids
from app.db import Tx

GIVEN_UP_AFTER_S = 120
"""Of silence. What comes later is believed all the same; it only holds up no other question."""
SOON_S = 60
"""Between questions while payouts wait for the float."""
ANSWERS_MAX = 50

_SILENT = "asked_at < clock_timestamp() - make_interval(secs => :given_up)"
# The moments after which the next question is not due before an interval has passed. While payouts
# wait for the float, what their results told does not count: none will come that tells of more.
_LAST = (
    "(SELECT greatest(b.changed_at, (SELECT max(asked_at) FROM balance_query),"
    " CASE WHEN b.cause IS DISTINCT FROM 'float'"
    "  THEN (SELECT read_at FROM float_reading ORDER BY id DESC LIMIT 1) END)"
    " + make_interval(secs => CASE WHEN b.cause = 'float' THEN least(:every, :soon)"
    "  ELSE :every END)"
    " FROM provider_breaker b WHERE b.provider = 'daraja')"
)
IS_SCHEDULED = f"(CAST(:every AS integer) > 0 AND {_LAST} <= clock_timestamp())"
NONE_IS_OPEN = f"NOT EXISTS (SELECT FROM balance_query WHERE ended_at IS NULL AND NOT ({_SILENT}))"
IS_WANTED = "EXISTS (SELECT FROM balance_query WHERE ended_at IS NULL AND asked_at IS NULL)"
HAS_ANSWERS = "EXISTS (SELECT FROM balance_answer WHERE worked_at IS NULL)"


class Kind(StrEnum):
    """Which of our doors M-PESA posted to."""

    RESULT = "result"
    TIMEOUT = "timeout"


class Verdict(StrEnum):
    """What a filed answer was taken for."""

    TOLD = "told"
    """It told the float."""
    FAILED = "failed"
    """The question failed, or told no float."""
    TIMED_OUT = "timed out"
    """M-PESA did not get to it, which is no answer."""
    UNFIT = "does not fit"
    """Unreadable, with another ConversationID, or after another answer: believed in nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One filed answer, with what is known of its question."""

    id: int
    query_id: UUID
    kind: Kind
    body: Any
    asked_at: datetime
    conversation_id: str | None
    """As acknowledged; None: no acknowledgement has come, or none yet."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, for people."""

    wanted_at: datetime
    wanted_by: str | None
    """None: the schedule."""
    asked_at: datetime | None
    outcome: str | None
    """How the call ended."""
    came: str | None
    """What came of it, once something did."""


def parameters(*, every_s: int) -> dict[str, int]:
    """What the conditions above need. `every_s` of 0 leaves only questions that people want."""
    return {"every": every_s, "soon": SOON_S, "given_up": GIVEN_UP_AFTER_S}


def want(tx: Tx, *, by: str) -> bool:
    """Note that a person wants to know. False: a question is open already."""
    return _add(tx, by)


def next_wanted(tx: Tx, *, every_s: int) -> UUID | None:
    """The question to ask now, locked until our commit, or None.

    Mark it by `asked` and commit before the call. Another worker passes over it meanwhile.
    """
    given = parameters(every_s=every_s)
    tx.execute(
        sa.text(
            "UPDATE balance_query SET ended_at = clock_timestamp()"  # noqa: S608 - a constant
            f" WHERE ended_at IS NULL AND {_SILENT}"
        ),
        given,
    )
    if tx.scalar(sa.text(f"SELECT {IS_SCHEDULED}"), given):
        _add(tx, None)
    found = tx.scalar(
        sa.text(
            "SELECT id FROM balance_query WHERE ended_at IS NULL AND asked_at IS NULL"
            " FOR NO KEY UPDATE SKIP LOCKED"
        )
    )
    assert found is None or isinstance(found, UUID)
    return found


def asked(tx: Tx, query_id: UUID) -> None:
    """From the commit of this on the question may reach M-PESA."""
    tx.execute(
        sa.text("UPDATE balance_query SET asked_at = clock_timestamp() WHERE id = :id"),
        {"id": query_id},
    )


def called(tx: Tx, query_id: UUID, *, outcome: str, conversation_id: str | None) -> None:
    """Record how the call ended. What M-PESA may have taken stays open for its answer."""
    tx.execute(
        sa.text(
            "UPDATE balance_query SET outcome = :outcome, conversation_id = :conversation_id,"
            " ended_at = CASE WHEN :outcome IN ('accepted', 'indoubt') THEN ended_at"
            "  ELSE coalesce(ended_at, clock_timestamp()) END WHERE id = :id"
        ),
        {"id": query_id, "outcome": outcome, "conversation_id": conversation_id},
    )


def file(tx: Tx, *, query_id: UUID, kind: Kind, body: Any, source: str) -> bool:
    """Keep what came to a question's address. False: nothing was asked under this id.

    `body` has been through `strip_secrets`. The same body again only counts a copy.
    """
    text = json.dumps(body, sort_keys=True, ensure_ascii=True)
    return bool(
        tx.execute(
            sa.text(
                "INSERT INTO balance_answer (query_id, kind, sha256, body, source)"
                " SELECT id, :kind, :sha256, cast(:body AS jsonb), :source FROM balance_query"
                " WHERE id = :query AND asked_at IS NOT NULL"
                " ON CONFLICT (query_id, kind, sha256)"
                " DO UPDATE SET copies = balance_answer.copies + 1"
            ),
            {
                "query": query_id,
                "kind": kind,
                "sha256": hashlib.sha256(text.encode()).digest(),
                "body": text,
                "source": source,
            },
        ).rowcount
    )


def unworked(tx: Tx) -> list[Answer]:
    """Filed answers that nobody has worked, oldest first, locked together with their questions."""
    rows = tx.execute(
        sa.text(
            "SELECT a.id, a.query_id, a.kind, a.body, q.asked_at, q.conversation_id"
            " FROM balance_answer a JOIN balance_query q ON q.id = a.query_id"
            " WHERE a.worked_at IS NULL ORDER BY a.id LIMIT :limit FOR NO KEY UPDATE"
        ),
        {"limit": ANSWERS_MAX},
    )
    return [
        Answer(row.id, row.query_id, Kind(row.kind), row.body, row.asked_at, row.conversation_id)
        for row in rows
    ]


def believe(tx: Tx, answer: Answer) -> bool:
    """Take this for the answer to its question. False: it has one already."""
    return bool(
        tx.execute(
            sa.text(
                "UPDATE balance_query SET answered_at = clock_timestamp(),"
                " ended_at = coalesce(ended_at, clock_timestamp())"
                " WHERE id = :id AND answered_at IS NULL"
            ),
            {"id": answer.query_id},
        ).rowcount
    )


def worked(tx: Tx, answer: Answer, verdict: Verdict) -> None:
    """Note what an answer was taken for."""
    tx.execute(
        sa.text(
            "UPDATE balance_answer SET worked_at = clock_timestamp(), verdict = :verdict"
            " WHERE id = :id"
        ),
        {"id": answer.id, "verdict": verdict},
    )


def end(tx: Tx, answer: Answer) -> None:
    """No more is awaited. A true answer that comes all the same is still welcome."""
    tx.execute(
        sa.text(
            "UPDATE balance_query SET ended_at = coalesce(ended_at, clock_timestamp())"
            " WHERE id = :id"
        ),
        {"id": answer.query_id},
    )


def last(tx: Tx) -> Question | None:
    """The last question, asked or not."""
    row = tx.execute(
        sa.text(
            "SELECT q.wanted_at, q.wanted_by, q.asked_at, q.outcome,"
            " (SELECT verdict FROM balance_answer a WHERE a.query_id = q.id"
            "   AND verdict IS NOT NULL ORDER BY verdict = 'told' DESC, a.id DESC LIMIT 1)"
            " FROM balance_query q ORDER BY q.wanted_at DESC LIMIT 1"
        )
    ).one_or_none()
    return None if row is None else Question(*row)


def _add(tx: Tx, by: str | None) -> bool:
    at = tx.scalar(sa.text("SELECT clock_timestamp()"))
    assert isinstance(at, datetime)
    return bool(
        tx.execute(
            sa.text(
                "INSERT INTO balance_query (id, wanted_by) VALUES (:id, :by) ON CONFLICT DO NOTHING"
            ),
            {"id": ids.uuid7(at), "by": by},
        ).rowcount
    )
