"""Serves one USSD hop in one database transaction.

The transcript is replayed from the session's first facts; an effect that is due runs here and its
answer is stored with it. So a hop that comes twice, even at the same time, gets the same bytes and
has one effect, and a crash at any point leaves all of it or nothing.
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


def serve(tx: Tx, doors: Doors, hop: Hop) -> Reply:
    """Answer one hop. The caller commits, then rings.

    Raises:
        SessionBusy: a twin of this hop is still being served.
        Refused: a rule says no, and nothing of this hop may be kept.
    """
    if len(hop.tokens) > TOKENS_MAX:
        return OVER
    ussd_sessions.lock(tx, hop.session_id)
    macs = ussd_sessions.transcript_macs(doors.settings.secret_key.get_secret_value(), hop)
    known, stored = ussd_sessions.recall(tx, hop.session_id, macs)
    session = known or _begin(tx, doors, hop)
    if (session.msisdn, session.service_code) != (hop.msisdn, hop.service_code):
        logger().error("ussd_session_of_another", session=hop.session_id, phone=mask(hop.msisdn))
        return NOT_UNDERSTOOD
    if macs[-1] in stored:
        repeated = stored[macs[-1]]
        return Reply(repeated.body, repeated.screen)
    if session.is_over or session.menu_version != menu.VERSION:
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

    start = engine.begin(str(session.facts["start"]), session.language, session.facts)
    state = engine.replay(menu.SCREENS, start, hop.tokens, recorded)
    token = hop.tokens[-1] if hop.tokens else ""
    ring: tuple[Step, ...] = ()
    if state.due is not None:
        effect = ussd_effects.EFFECTS[state.due]
        done = effect(Call(tx, doors, session, macs[-1], state, token))
        state = engine.apply(menu.SCREENS, state, done.outcome, done.facts)
        ring = done.ring
    wanted = engine.preparation(menu.SCREENS, state)
    if wanted is not None:
        prepare = ussd_effects.PREPARATIONS[wanted]
        facts = prepare(Call(tx, doors, session, macs[-1], state, token))
        state = replace(state, shown={**state.shown, **facts})
    if state.language_turned and session.member_id is not None:
        directory.set_language(tx, session.member_id, state.language)
    return _reply(tx, hop, macs[-1], state, ring)


def _reply(tx: Tx, hop: Hop, mac: bytes, state: State, ring: tuple[Step, ...]) -> Reply:
    body = engine.show(menu.SCREENS, state)
    if engine.must_be_stored(menu.SCREENS, state):
        answer = StoredHop(len(hop.tokens), state.screen, state.outcome, state.shown, body)
        ussd_sessions.store(tx, hop.session_id, mac, answer)
    return Reply(body, state.screen, ring)


def _begin(tx: Tx, doors: Doors, hop: Hop) -> Session:
    """Look at the world once and store what this session's screens will branch on."""
    member = directory.by_msisdn(tx, hop.msisdn)
    session = Session(
        hop.session_id,
        hop.msisdn,
        hop.service_code,
        None if member is None else member.id,
        menu.VERSION,
        "en" if member is None else member.language,
        ussd_starts.first_facts(tx, doors, hop.msisdn, member),
    )
    ussd_sessions.begin(tx, session)
    return session
