"""Serves one USSD hop.

The transcript is replayed from the session's first facts. While a member only looks, those facts,
which never change, are all that a hop needs. Any other hop is one database transaction under the
session's lock: an effect that is due runs in it, and its answer is stored with it. So a hop that
comes twice, even at the same time, gets the same bytes and has one effect, and a crash at any point
leaves all of it or nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.channels import ussd_effects, ussd_sessions, ussd_starts
from app.channels.doors import Doors
from app.channels.ussd_calls import Call
from app.channels.ussd_sessions import Hop, Session, StoredHop
from app.db import Tx
from app.doorbell import Step
from app.members import directory
from app.msisdn import mask
from app.observability import logger
from ussd_menus import engine, menu, notices
from ussd_menus.engine import Recorded, State

TOKENS_MAX = 60
"""Far more than anybody types in a session's three minutes."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to the gateway, the screen it shows, and whom to wake after the commit."""

    body: str
    screen: str
    ring: tuple[Step, ...] = ()


NOT_UNDERSTOOD = Reply(notices.NOT_UNDERSTOOD, "notice.not_understood")
OVER = Reply(notices.OVER, "notice.over")


def look(doors: Doors, hop: Hop) -> Reply | None:
    """Answer a hop that has no effect. None if it may have one: then `serve` answers.

    The same may be answered by several at a time: what they show is the same, and of what they
    store the first holds. Each statement stands for itself.
    """
    if len(hop.tokens) > TOKENS_MAX:
        return None
    with doors.db.statements() as tx:
        tokens, session_id = hop.tokens, hop.session_id
        session = ussd_sessions.find(tx, session_id) if tokens else _begin(tx, doors, hop)
        if session is None or not _is_of(session, hop) or _is_past(session):
            return None
        state = engine.look(menu.SCREENS, _first(session), tokens)
        if state is None:
            return None
        mac = _macs(doors, hop)[-1]
        state = _prepared(Call(tx, doors, session, mac, state, token=""))
        return _reply(tx, hop, mac, state)


def serve(tx: Tx, doors: Doors, hop: Hop) -> Reply:
    """Answer any hop. The caller commits, then rings.

    Raises:
        SessionBusy: a twin of this hop is still being served.
        Refused: a rule says no, and nothing of this hop may be kept.
    """
    if len(hop.tokens) > TOKENS_MAX:
        return OVER
    ussd_sessions.lock(tx, hop.session_id)
    macs = _macs(doors, hop)
    known, stored = ussd_sessions.recall(tx, hop.session_id, macs)
    session = known or _begin(tx, doors, hop)
    if not _is_of(session, hop):
        logger().error("ussd_session_of_another", session=hop.session_id, phone=mask(hop.msisdn))
        return NOT_UNDERSTOOD
    if macs[-1] in stored:
        repeated = stored[macs[-1]]
        return Reply(repeated.body, repeated.screen)
    if _is_past(session):
        return OVER
    return _advance(tx, doors, session, hop, macs=macs, stored=stored)


def _advance(
    tx: Tx,
    doors: Doors,
    session: Session,
    hop: Hop,
    *,
    macs: list[bytes],
    stored: Mapping[bytes, StoredHop],
) -> Reply:
    """Replay what was, do what is due, show where that leads."""

    def recorded(position: int) -> Recorded | None:
        found = stored.get(macs[position])
        return None if found is None else Recorded(found.screen, found.outcome, found.facts)

    state = engine.replay(menu.SCREENS, _first(session), hop.tokens, recorded)
    token = hop.tokens[-1] if hop.tokens else ""
    ring: tuple[Step, ...] = ()
    if state.due is not None:
        effect = ussd_effects.EFFECTS[state.due]
        done = effect(Call(tx, doors, session, macs[-1], state, token))
        state = engine.apply(menu.SCREENS, state, done.outcome, done.facts)
        ring = done.ring
    state = _prepared(Call(tx, doors, session, macs[-1], state, token))
    if state.language_turned and session.member_id is not None:
        directory.set_language(tx, session.member_id, state.language)
    return replace(_reply(tx, hop, macs[-1], state), ring=ring)


def _prepared(call: Call) -> State:
    """The state with what must be made before its screen may be shown."""
    wanted = engine.preparation(menu.SCREENS, call.state)
    if wanted is None:
        return call.state
    facts = ussd_effects.PREPARATIONS[wanted](call)
    return replace(call.state, shown={**call.state.shown, **facts})


def _reply(tx: Tx, hop: Hop, mac: bytes, state: State) -> Reply:
    body = engine.show(menu.SCREENS, state)
    if not engine.must_be_stored(menu.SCREENS, state):
        return Reply(body, state.screen)
    answer = StoredHop(len(hop.tokens), state.screen, state.outcome, state.shown, body)
    answer = ussd_sessions.store(tx, hop.session_id, mac, answer)
    return Reply(answer.body, answer.screen)


def _begin(tx: Tx, doors: Doors, hop: Hop) -> Session:
    """Look at the world once and store what this session's screens will branch on."""
    session = ussd_starts.session(tx, doors.settings, hop)
    if ussd_sessions.begin(tx, session):
        return session
    # A twin was faster. Its facts were shown, so they hold.
    first = ussd_sessions.find(tx, hop.session_id)
    assert first is not None
    return first


def _first(session: Session) -> State:
    return engine.begin(str(session.facts["start"]), session.language, session.facts)


def _macs(doors: Doors, hop: Hop) -> list[bytes]:
    return ussd_sessions.transcript_macs(doors.settings.secret_key.get_secret_value(), hop)


def _is_past(session: Session) -> bool:
    return session.is_over or session.menu_version != menu.VERSION


def _is_of(session: Session, hop: Hop) -> bool:
    return (session.msisdn, session.service_code) == (hop.msisdn, hop.service_code)
