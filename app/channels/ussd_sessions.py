"""What the USSD channel stores: a session's first facts, and the hops that must not be repeated.

The transcript is never stored: it ends in a PIN. Its place is taken by a keyed digest, since a
plain one of four unknown digits is guessed in milliseconds.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.db import Tx, sqlstate_of
from app.errors import Broken, Retryable
from ussd_menus.model import Facts, Language

SESSION_LOCK_WAIT_MS_MAX = 2_000
"""A twin of the hop that runs is waited for this long; the gateway waits ten seconds for us."""
OTHER_LOCK_WAIT_MS_MAX = 700
"""For the member's row, should a second phone or a job hold it."""
STATEMENT_MS_MAX = 2_500
"""No statement of a hop takes this long; the member must have her answer within three seconds."""
SESSION_S_MAX = 300
"""Networks end a session after 180 seconds. What comes much later was held up somewhere."""
_LOCK_NOT_AVAILABLE = "55P03"


class SessionBusy(Retryable):
    """Another hop of this session is still being served; what it does is not known here."""

    code = "US-01"


@dataclass(frozen=True, slots=True)
class Hop:
    """One callback of the gateway, its fields checked."""

    session_id: str
    msisdn: str
    service_code: str
    text: str = field(repr=False)

    @property
    def tokens(self) -> list[str]:
        """Everything the member typed since the dial. Secret: PINs are among it."""
        return self.text.split("*") if self.text else []


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its first hop found the world. Later hops branch on this and nothing newer."""

    session_id: str
    msisdn: str
    service_code: str
    member_id: int | None
    menu_version: str
    language: Language
    facts: Facts
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class StoredHop:
    """A hop that showed a quote or had an effect."""

    position: int
    screen: str
    outcome: str | None
    facts: Facts
    body: str


# One round trip: the wait for the lock of the session and those after it differ; PostgreSQL works
# a list of columns from left to right.
_LOCK = sa.text(
    "SELECT set_config('lock_timeout', :wait, true), set_config('statement_timeout', :most, true),"
    " pg_advisory_xact_lock(hashtextextended(:session_id, 0)),"
    " set_config('lock_timeout', :wait_after, true)"
)
# A statement of its own, begun after the lock was got, so that it sees what the last holder wrote.
_RECALL = (
    sa.text(
        "SELECT s.session_id, s.msisdn, s.service_code, s.member_id, s.menu_version, s.language,"
        " s.facts, s.started_at < now() - make_interval(secs => :seconds) AS is_over,"
        " h.transcript_mac, h.position, h.screen, h.outcome, h.facts AS hop_facts, h.body"
        " FROM ussd_session s LEFT JOIN ussd_hop h ON h.session_id = s.session_id"
        "  AND h.transcript_mac = ANY(:macs)"
        " WHERE s.session_id = :session_id"
    )
    .bindparams(sa.bindparam("macs", type_=ARRAY(sa.LargeBinary)))
    .columns(facts=JSONB, hop_facts=JSONB)
)
_BEGIN = sa.text(
    "INSERT INTO ussd_session"
    " (session_id, msisdn, service_code, member_id, menu_version, language, facts)"
    " VALUES (:session_id, :msisdn, :service_code, :member_id, :menu_version, :language, :facts)"
    " ON CONFLICT (session_id) DO NOTHING"
).bindparams(sa.bindparam("facts", type_=JSONB))
_STORE = sa.text(
    "INSERT INTO ussd_hop (session_id, transcript_mac, position, screen, outcome, facts, body)"
    " VALUES (:session_id, :mac, :position, :screen, :outcome, :facts, :body)"
    " ON CONFLICT (session_id, transcript_mac) DO NOTHING"
).bindparams(sa.bindparam("facts", type_=JSONB))


def transcript_macs(secret_key: str, hop: Hop) -> list[bytes]:
    """A keyed digest of the transcript after each token: first of the dial, last of this hop."""
    key = hmac.digest(secret_key.encode(), b"ussd transcript", hashlib.sha256)
    tokens = hop.tokens
    transcripts = ["*".join(tokens[:count]) for count in range(len(tokens) + 1)]
    return [
        hmac.digest(
            key, json.dumps([hop.session_id, hop.msisdn, count, text]).encode(), hashlib.sha256
        )
        for count, text in enumerate(transcripts)
    ]


def lock(tx: Tx, session_id: str) -> None:
    """Wait until no other hop of this session is being served.

    Raises:
        SessionBusy: one still was after two seconds.
    """
    waits = {
        "wait": f"{SESSION_LOCK_WAIT_MS_MAX}ms",
        "wait_after": f"{OTHER_LOCK_WAIT_MS_MAX}ms",
        "most": f"{STATEMENT_MS_MAX}ms",
    }
    try:
        tx.execute(_LOCK, {**waits, "session_id": session_id})
    except sa.exc.DBAPIError as error:
        if sqlstate_of(error) == _LOCK_NOT_AVAILABLE:
            raise SessionBusy(session_id) from None
        raise


def recall(
    tx: Tx, session_id: str, macs: Sequence[bytes]
) -> tuple[Session | None, Mapping[bytes, StoredHop]]:
    """The session, if its first hop was served, and those of these transcripts that were stored."""
    known = {"session_id": session_id, "macs": list(macs), "seconds": SESSION_S_MAX}
    rows = tx.execute(_RECALL, known).all()
    if not rows:
        return None, {}
    stored = {
        bytes(row.transcript_mac): StoredHop(*row[9:])
        for row in rows
        if row.transcript_mac is not None
    }
    return Session(*rows[0][:8]), stored


def begin(tx: Tx, session: Session) -> bool:
    """Store a session's first facts. False if it has some already: those hold."""
    stored = tx.execute(
        _BEGIN,
        {
            "session_id": session.session_id,
            "msisdn": session.msisdn,
            "service_code": session.service_code,
            "member_id": session.member_id,
            "menu_version": session.menu_version,
            "language": session.language,
            "facts": dict(session.facts),
        },
    )
    return stored.rowcount == 1


def find(tx: Tx, session_id: str) -> Session | None:
    """The session, if its first hop was served."""
    known, _ = recall(tx, session_id, ())
    return known


def store(tx: Tx, session_id: str, mac: bytes, hop: StoredHop) -> StoredHop:
    """Remember this hop's answer for ever, unless it has one. Returns the one that holds.

    Raises:
        Broken: it has one, and this one comes of an effect. There must be no second.
    """
    stored = tx.execute(
        _STORE,
        {
            "session_id": session_id,
            "mac": mac,
            "position": hop.position,
            "screen": hop.screen,
            "outcome": hop.outcome,
            "facts": dict(hop.facts),
            "body": hop.body,
        },
    )
    if stored.rowcount == 1:
        return hop
    if hop.outcome is not None:
        raise Broken(f"session {session_id} has an answer to hop {hop.position}")
    _, known = recall(tx, session_id, [mac])
    return known[mac]
