"""Whatever members type, in whatever order hops arrive, the dialogue stays whole."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.dialogue import Dialogue, pin_is_4071
from ussd_menus import engine, menu
from ussd_menus.gsm7 import septets
from ussd_menus.model import LANGUAGES, Do, End, Language
from ussd_menus.placeholders import PAYOUT_STATUS, PLACEHOLDERS, Money
from ussd_menus.proof import errors
from ussd_menus.rendering import SEPTETS_MAX, render

KEYS = ["1", "2", "7", "0", "00", "98", "9", "500", "50", "250001", "4071", "1111", "", "#", "007"]
TOKENS = st.one_of(
    st.sampled_from(KEYS), st.text(alphabet="0123456789ab \u0663\u0665\U0001f600", max_size=6)
)
TRANSCRIPTS = st.lists(TOKENS, max_size=12)
STARTS = st.sampled_from(menu.STARTS)
SPOKEN = st.sampled_from(LANGUAGES)
DECLARED = {s.effect: s.outcomes for s in menu.SCREENS.values() if isinstance(s, Do)}
OUTCOMES = sorted({outcome for outcomes in DECLARED.values() for outcome in outcomes})


def fits(body: str) -> bool:
    return body[:4] in {"CON ", "END "} and septets(body[4:]) <= SEPTETS_MAX


@given(TRANSCRIPTS, STARTS, SPOKEN, st.integers(0, 12))
def test_any_keys_get_a_screen_that_fits(
    tokens: list[str], start: str, language: Language, dialled: int
) -> None:
    """Some tokens come with the dial, the others one by one; every hop has an answer."""
    session = Dialogue(start=start, language=language)
    assert fits(session.dial(*tokens[:dialled]))
    for token in tokens[dialled:]:
        assert fits(session.reply(token))


@given(TRANSCRIPTS, STARTS, SPOKEN)
def test_the_same_keys_always_lead_to_the_same_screens(
    tokens: list[str], start: str, language: Language
) -> None:
    first, second = (Dialogue(start=start, language=language) for _ in range(2))
    assert [first.dial(), *map(first.reply, tokens)] == [second.dial(), *map(second.reply, tokens)]


@given(TRANSCRIPTS, st.lists(st.integers(0, 12), max_size=20))
def test_hops_that_repeat_or_overtake_get_the_same_answer_and_one_effect(
    tokens: list[str], order: list[int]
) -> None:
    """A stored hop answers its repeat byte by byte, and no transcript has two effects."""
    session = Dialogue()
    answers: dict[tuple[str, ...], str] = {}
    for length in order:
        transcript = tuple(tokens[:length])
        body = session.hop(transcript)
        if transcript in session.hops:
            assert answers.setdefault(transcript, body) == body
    transcripts = [transcript for _, transcript in session.effects]
    assert len(set(transcripts)) == len(transcripts)


@given(st.lists(TOKENS, max_size=16), st.lists(st.integers(0, 16), max_size=20))
def test_an_effect_runs_only_after_its_screen_was_served(
    tokens: list[str], order: list[int]
) -> None:
    """The member saw amount and fee in an earlier hop, however the keys were delivered."""
    session = Dialogue()
    for length in order:
        session.hop(tuple(tokens[:length]))
    for effect, transcript in session.effects:
        served, _ = session.hops[transcript[:-1]]
        screen = menu.SCREENS[served.screen]
        assert isinstance(screen, Do)
        assert screen.effect == effect


@given(TRANSCRIPTS, STARTS)
def test_back_undoes_the_last_forward_move(tokens: list[str], start: str) -> None:
    session = Dialogue(start=start)
    session.dial()
    for token in tokens:
        before = session.state(session.tokens)
        session.reply(token)
        after = session.state(session.tokens)
        moved = len(after.stack) > len(before.stack)
        if not moved or isinstance(menu.SCREENS[after.screen], End):
            continue
        back = session.state((*session.tokens, "0"))
        assert back.stack == before.stack
        assert back.answers == before.answers


@given(TRANSCRIPTS, STARTS, SPOKEN)
def test_home_leads_to_the_first_screen_with_nothing_typed(
    tokens: list[str], start: str, language: Language
) -> None:
    session = Dialogue(start=start, language=language)
    session.dial()
    session.reply(*tokens)
    if isinstance(menu.SCREENS[session.state(session.tokens).screen], End):
        return
    home = session.state((*session.tokens, "00"))
    assert (home.stack, dict(home.answers), dict(home.shown)) == ((start,), {}, {})


@given(TRANSCRIPTS, st.sampled_from(OUTCOMES), SPOKEN)
def test_every_declared_outcome_has_a_screen(
    tokens: list[str], outcome: str, language: Language
) -> None:
    """An effect may end in any way that its screen declares; each leads somewhere that fits."""

    def effect(name: str, pin: str) -> str:
        declared = [
            s.outcomes for s in menu.SCREENS.values() if isinstance(s, Do) and s.effect == name
        ]
        return outcome if outcome in declared[0] else pin_is_4071(name, pin)

    session = Dialogue(language=language, effect=effect)
    session.dial()
    for token in [*tokens, "00", "1", "500", "4071"]:
        assert fits(session.reply(token))


@given(st.data(), st.sampled_from(sorted(menu.SCREENS)), SPOKEN)
def test_screens_fit_with_any_facts_in_their_bounds(
    data: st.DataObject, name: str, language: Language
) -> None:
    """The longest values that screens are measured with are really the longest."""
    facts: dict[str, int | str] = {}
    for fact, kind in PLACEHOLDERS.items():
        if isinstance(kind, Money):
            facts[fact] = data.draw(st.integers(0, kind.most_cents), label=fact)
        elif fact == "status":
            facts[fact] = data.draw(st.sampled_from(sorted(PAYOUT_STATUS)), label=fact)
        else:
            longest = len(kind.longest(language))
            facts[fact] = data.draw(st.text("AZaz09 *", max_size=longest), label=fact)
    screen = menu.SCREENS[name]
    error = data.draw(st.sampled_from(errors(screen)), label="error")
    assert fits(render(screen, language, facts, error=error, is_root=False))


@given(TRANSCRIPTS)
def test_the_pin_is_in_no_stored_hop(tokens: list[str]) -> None:
    """What a hop stores never holds what was typed as a PIN."""
    session = Dialogue()
    session.dial()
    session.reply("1", "500", *tokens, "4071")
    for stored, _ in session.hops.values():
        assert "4071" not in [str(value) for value in stored.facts.values()]
    assert engine.NOT_SEEN not in [outcome for outcome, _ in session.effects]
