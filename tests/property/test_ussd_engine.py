"""Whatever members type, in whatever order hops arrive, the dialogue stays whole."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.dialogue import FIRST_FACTS, OPEN_FACTS, Dialogue, pin_is_4071
from ussd_menus import engine, menu
from ussd_menus.gsm7 import septets
from ussd_menus.model import LANGUAGES, Do, End, Language
from ussd_menus.placeholders import (
    ENTRY_WORDS,
    PLACEHOLDERS,
    STATEMENT_LINES_MAX,
    AccountName,
    Balances,
    Lines,
    Money,
    Words,
)
from ussd_menus.proof import errors, is_always_root
from ussd_menus.rendering import SEPTETS_MAX, pages, render

KEYS = [
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "0",
    "00",
    "98",
    "9",
    "500",
    "50",
    "250001",
    "",
    "#",
    "007",
]
SECRETS = ["4071", "1111", "4826", "3344", "8305"]
TOKENS = st.one_of(
    st.sampled_from(KEYS),
    st.sampled_from(SECRETS),
    st.text(alphabet="0123456789ab \u0663\u0665\U0001f600", max_size=6),
)
TRANSCRIPTS = st.lists(TOKENS, max_size=12)
STARTS = st.sampled_from(menu.STARTS)
SPOKEN = st.sampled_from(LANGUAGES)
SCREENS_OF_EFFECTS = [s for s in menu.SCREENS.values() if isinstance(s, Do)]
DECLARED = {s.effect: s.outcomes for s in SCREENS_OF_EFFECTS}
OUTCOMES = sorted({outcome for outcomes in DECLARED.values() for outcome in outcomes})
PATHS = {
    "submit_withdrawal": ("main", ("1", "500")),
    "cancel_withdrawal": ("main.unsent", ("1", "1")),
    "read_balance": ("main", ("2",)),
    "read_statement": ("main", ("3",)),
    "read_last": ("main", ("4",)),
    "check_pin": ("main", ("5", "1")),
    "change_pin": ("main", ("5", "1", "4071", "8305")),
    "show_balance_in_receipts": ("main", ("5", "2", "1")),
    "hide_balance_in_receipts": ("main", ("5", "2", "2")),
    "check_start": ("start.pin", ("4826",)),
    "set_first_pin": ("start.pin", ("4826", "3344", "8305")),
}
"""Where each effect is set off: the first screen, and the keys before the secret."""
MANY_ACCOUNTS = {
    **FIRST_FACTS,
    **OPEN_FACTS,
    "accounts": [[number, f"Account {number}"] for number in range(1, 12)],
}


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


@given(TRANSCRIPTS, st.lists(st.integers(0, 12), max_size=20), STARTS, SPOKEN)
def test_a_look_sees_what_a_replay_with_all_stored_hops_sees(
    tokens: list[str], order: list[int], start: str, language: Language
) -> None:
    """And it never sets off an effect, whatever was served before and in whatever order."""
    session = Dialogue(start=start, language=language)
    for length in (0, *order):
        transcript = tokens[:length]
        begin = engine.begin(start, language, session.first_facts)
        looked = engine.look(menu.SCREENS, begin, transcript)
        if looked is not None:
            assert looked.due is None
            assert replace(session.state(transcript), shown={}) == replace(looked, shown={})
        session.hop(tuple(transcript))


def test_members_look_until_they_are_asked_for_their_pin() -> None:
    """Most hops need no lock: the property above is not about none."""
    begin = engine.begin("main", "en", Dialogue().first_facts)
    for tokens, is_look in (
        ([], True), (["1"], True), (["1", "500"], True), (["2"], True), (["6"], True),
        (["1", "500", "4071"], False), (["2", "4071"], False), (["7"], False), (["7", "1"], False),
    ):  # fmt: skip
        assert (engine.look(menu.SCREENS, begin, tokens) is not None) is is_look


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


@given(TRANSCRIPTS, st.sampled_from(sorted(PATHS)), st.sampled_from(OUTCOMES), SPOKEN)
def test_every_declared_outcome_has_a_screen(
    tokens: list[str], effect: str, outcome: str, language: Language
) -> None:
    """An effect may end in any way that its screen declares; each leads somewhere that fits."""
    start, keys = PATHS[effect]

    def scripted(name: str, secret: str) -> str:
        is_asked = name == effect and outcome in DECLARED[name]
        return outcome if is_asked else pin_is_4071(name, secret)

    session = Dialogue(start=start, language=language, effect=scripted)
    session.dial()
    for token in [*keys, "4071", *tokens]:
        assert fits(session.reply(token))
    assert effect in [ran for ran, _ in session.effects]


def test_the_paths_lead_to_every_effect() -> None:
    assert set(PATHS) == set(DECLARED)


@given(TRANSCRIPTS)
def test_long_lists_take_several_screens_and_any_keys_are_answered(tokens: list[str]) -> None:
    session = Dialogue(first_facts=MANY_ACCOUNTS)
    session.dial()
    for token in ["3", *tokens]:
        assert fits(session.reply(token))


@given(TRANSCRIPTS, st.sampled_from(sorted(PATHS)), st.integers(0, 12))
def test_a_secret_counts_only_on_a_screen_that_was_served(
    tokens: list[str], effect: str, dialled: int
) -> None:
    """No dialled string moves past a question for a PIN, whatever else is in it."""
    start, keys = PATHS[effect]
    session = Dialogue(start=start)
    session.dial(*keys, *tokens[:dialled])
    assert session.effects == []
    secret = {"start_pin", "new_pin"}
    assert not secret & set(session.state(session.tokens).answers)


NAMES = st.text(max_size=20)
ACCOUNTS = st.tuples(st.integers(1, 10**12), NAMES).map(list)
CENTS = st.integers(0, 99_999_999_99)
BALANCES = st.lists(st.tuples(st.just(1), NAMES, CENTS).map(list), min_size=1, max_size=12)
DAYS = st.dates().map(lambda day: f"{day.day}/{day.month}")
LINES = st.lists(
    st.tuples(DAYS, CENTS | CENTS.map(lambda c: -c), st.sampled_from([*ENTRY_WORDS, "new kind"])),
    min_size=1,
    max_size=STATEMENT_LINES_MAX,
).map(lambda rows: [list(row) for row in rows])


# A hundred examples come to a quarter of the screens only.
@settings(max_examples=500)
@given(st.data(), st.sampled_from(sorted(menu.SCREENS)), SPOKEN)
def test_screens_fit_with_any_facts_in_their_bounds(
    data: st.DataObject, name: str, language: Language
) -> None:
    """The longest values that screens are measured with are really the longest."""
    facts: dict[str, Any] = {"accounts": data.draw(st.lists(ACCOUNTS, max_size=20))}
    for fact, kind in PLACEHOLDERS.items():
        if isinstance(kind, Money):
            facts[fact] = data.draw(st.integers(0, kind.most_cents), label=fact)
        elif isinstance(kind, Words):
            facts[fact] = data.draw(st.sampled_from(sorted(kind.words)), label=fact)
        elif isinstance(kind, AccountName):
            facts[fact] = data.draw(ACCOUNTS, label=fact)
        elif isinstance(kind, Balances):
            facts[fact] = data.draw(BALANCES, label=fact)
        elif isinstance(kind, Lines):
            facts[fact] = data.draw(LINES, label=fact)
        else:
            longest = len(kind.longest(language))
            facts[fact] = data.draw(st.text("AZaz09 *", max_size=longest), label=fact)
    screen = menu.SCREENS[name]
    error = data.draw(st.sampled_from(errors(menu.SCREENS, name)), label="error")
    is_root = is_always_root(menu.SCREENS, name)
    last = pages(len(facts["accounts"])) - 1
    page = data.draw(st.integers(0, max(last, 0)), label="page")
    assert fits(render(screen, language, facts, error=error, is_root=is_root, page=page))


@given(TRANSCRIPTS, st.sampled_from(sorted(PATHS)))
def test_no_secret_is_in_what_a_hop_stores_or_a_state_prints(
    tokens: list[str], effect: str
) -> None:
    """Neither a PIN nor digits of an ID: right, wrong, new, or typed into a dialled string."""
    start, keys = PATHS[effect]
    session = Dialogue(start=start)
    session.dial()
    for token in [*keys, "4071", *tokens]:
        session.reply(token)
        printed = repr(session.state(session.tokens)) + repr(list(session.hops.values()))
        assert not [secret for secret in SECRETS if secret in printed]
    assert engine.NOT_SEEN not in [ran for ran, _ in session.effects]
