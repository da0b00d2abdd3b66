"""Every SMS with any facts within its bounds: one segment, and the same facts in both languages."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.messages import texts
from app.messages.segments import segments

REFERENCE = st.text("23456789ABCDEFGHJKMNPQRSTUVWXYZ", min_size=7, max_size=7).map("BRZ".__add__)
MOMENT = st.integers(0, 40_000_000).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
PHONE = st.integers(0, 99_999_999).map(lambda n: f"+2547{n:08d}")
CENTS = st.integers(0, texts.LONGEST["balance_cents"])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "ref": REFERENCE,
    "amount_cents": st.integers(1, texts.LONGEST["amount_cents"]),
    "msisdn": PHONE,
    "phone": PHONE,
    "when": MOMENT,
    "time": st.none() | MOMENT,
    "until": MOMENT,
    "fee_cents": st.integers(0, texts.LONGEST["fee_cents"]),
    "code": st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=10, max_size=10),
    "balance_cents": st.none() | CENTS,
    "tel": st.sampled_from(["0700000111", "+254700000111", "0800720000"]),
    "dial": st.sampled_from(["*384*2025#", "*489#", "*384*20252#"]),
    "tries": st.integers(1, texts.LONGEST["tries"]),
}
REASONS = {
    "failed": st.sampled_from([*texts.REASONS, "unheard_of"]),
    "cancelled": st.sampled_from(["member", "sim", "us"]),
}

PAID_BACK_BY = st.sampled_from(["savings", "mpesa"])


@st.composite
def messages(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A kind and its facts."""
    kind = draw(st.sampled_from(list(texts.KINDS)))
    strategies = {**VALUES, "reason": REASONS.get(kind, st.nothing()), "by": PAID_BACK_BY}
    return kind, {name: draw(strategies[name]) for name in sorted(texts.names(kind))}


@given(messages())
def test_every_text_is_one_segment(message: tuple[str, dict[str, Any]]) -> None:
    """Whatever the facts, within what the longest ones say."""
    kind, facts = message
    for language in texts.LANGUAGES:
        counted = segments(texts.render(kind, language, facts))
        assert (counted.encoding, counted.count) == ("gsm7", 1)


@given(messages())
def test_both_languages_tell_the_same_numbers(message: tuple[str, dict[str, Any]]) -> None:
    """References, amounts, phones, times and codes: all that has a digit or a mask in it."""
    kind, facts = message
    english, swahili = (
        sorted(re.findall(r"\S*[0-9*]\S*", texts.render(kind, language, facts).replace(",", "")))
        for language in texts.LANGUAGES
    )
    assert [w.rstrip(".:") for w in english] == [w.rstrip(".:") for w in swahili]


@given(messages())
def test_no_text_gives_a_full_number_away(message: tuple[str, dict[str, Any]]) -> None:
    """Neither hers nor that of the phone that she had before."""
    kind, facts = message
    for language in texts.LANGUAGES:
        text = texts.render(kind, language, facts)
        for name in ("msisdn", "phone"):
            assert name not in facts or facts[name][-9:] not in text
