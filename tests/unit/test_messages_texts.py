"""What members read: one segment, true facts, nothing that must not be in an SMS."""

import re
from datetime import UTC, datetime
from string import Formatter
from typing import Any

import pytest

from app.errors import Broken
from app.messages import texts
from app.messages.segments import segments
from app.messages.wording import ABOUT_WITHDRAWALS, SENTENCES
from app.providers.result_codes import MemberReason

AT = datetime(2026, 11, 23, 7, 15, tzinfo=UTC)
TEL = "0700000111"
SENT = {
    "ref": "BRZ2345678",
    "amount_cents": 150_000,
    "msisdn": "+254712345678",
    "when": AT,
    "fee_cents": 20_70,
    "code": "SKL61MQ8WL",
    "balance_cents": 4_829_30,
}
ABOUT = {"ref": "BRZ2345678", "amount_cents": 150_000, "tel": TEL}
FAILED = {**ABOUT, "reason": "wallet_full", "balance_cents": 4_829_30}
LOCKED = {"time": AT, "tries": 3, "tel": TEL}
EVENT = {"when": AT, "tel": TEL}
FACTS: dict[str, dict[str, Any]] = {
    "sent": SENT, "failed": FAILED, "silent": ABOUT, "held": {**ABOUT, "dial": "*384*2025#"},
    "delayed": ABOUT, "declined": ABOUT, "cancelled": {**ABOUT, "reason": "member"},
    "returned": ABOUT, "recovered": {**ABOUT, "by": "savings"}, "written_off": ABOUT,
    "frozen": ABOUT,
    "start_pin": {"until": AT, "dial": "*384*2025#", "tel": TEL},
    "pin_changed": EVENT, "pin_locked": LOCKED, "pin_reset": EVENT,
    "number_changed": {**EVENT, "phone": "+254712345678"}, "phone_locked": EVENT,
    "phone_unlocked": EVENT,
}  # fmt: skip
EVERY_TEXT = [(kind, language) for kind in texts.KINDS for language in texts.LANGUAGES]


def test_the_receipt_says_it_all_in_english() -> None:
    """Our reference, amount, masked phone, time in Nairobi, fee, M-PESA's code, balance."""
    expected = (
        "BRZ2345678 Confirmed. KES 1,500.00 sent to M-PESA 0712***678 on 23/11/26 10:15 AM. "
        "Fee incl. tax KES 20.70. M-PESA ref SKL61MQ8WL. Balance KES 4,829.30."
    )
    assert expected == texts.render("sent", "en", SENT)


def test_the_receipt_says_it_all_in_swahili() -> None:
    expected = (
        "BRZ2345678 Imethibitishwa. KES 1,500.00 zimetumwa M-PESA 0712***678 23/11/26 10:15 AM. "
        "Ada na ushuru KES 20.70. M-PESA SKL61MQ8WL. Salio KES 4,829.30."
    )
    assert expected == texts.render("sent", "sw", SENT)


@pytest.mark.parametrize("kind", ["sent", "failed"])
@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_a_receipt_without_the_balance_says_everything_else(kind: str, language: str) -> None:
    """Phones are shared; she may choose not to have it in her SMS."""
    whole = texts.render(kind, language, FACTS[kind])
    plain = texts.render(kind, language, {**FACTS[kind], "balance_cents": None})
    balance = {"en": " Balance KES 4,829.30.", "sw": " Salio KES 4,829.30."}[language]
    assert whole.replace(balance, "") == plain


def test_a_failure_names_the_reason_and_that_the_money_is_back() -> None:
    expected = (
        "BRZ2345678 failed: your M-PESA account is full. KES 1,500.00 and the fee are back in "
        "your savings. Balance KES 4,829.30. Help 0700000111"
    )
    assert expected == texts.render("failed", "en", FAILED)


def test_silence_promises_no_time_and_asks_not_to_send_again() -> None:
    expected = (
        "BRZ2345678: M-PESA haijatujulisha kama KES 1,500.00 zimelipwa. Angalia M-PESA yako. "
        "Zisipolipwa zitarudi akiba. Usitume tena. Msaada 0700000111"
    )
    assert expected == texts.render("silent", "sw", ABOUT)


def test_a_locked_pin_is_told_with_the_time_it_opens() -> None:
    expected = (
        "Your PIN is locked until 23/11/26 10:15 AM after 3 wrong tries. No money moved. "
        "If it was not you, call 0700000111 now."
    )
    assert expected == texts.render("pin_locked", "en", LOCKED)


def test_a_pin_that_no_time_unlocks_sends_her_to_the_branch() -> None:
    text = texts.render("pin_locked", "en", {**LOCKED, "time": None, "tries": 5})
    expected = (
        "Your PIN is locked after 5 wrong tries. No money moved. To open it, visit us with your "
        "ID. If it was not you, call 0700000111 now."
    )
    assert expected == text


@pytest.mark.parametrize(
    ("reason", "words"),
    [("member", "as you asked"), ("sim", "SIM card was replaced lately"), ("us", "by us")],
)
def test_a_cancelled_withdrawal_says_why_and_where_the_money_is(reason: str, words: str) -> None:
    text = texts.render("cancelled", "en", {**ABOUT, "reason": reason})
    assert words in text
    assert "KES 1,500.00 and the fee are in your savings" in text


@pytest.mark.parametrize("phone", ["+254712345678", "0712***678"])
def test_a_changed_number_is_told_masked(phone: str) -> None:
    """Whoever calls may have masked it already."""
    facts = {**FACTS["number_changed"], "phone": phone}
    assert "changed to 0712***678 on" in texts.render("number_changed", "en", facts)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_a_start_pin_is_not_in_its_text_until_it_is_sent(language: str) -> None:
    """The mark is there once, and in no other text: nothing else is filled in later."""
    assert 1 == texts.render("start_pin", language, FACTS["start_pin"]).count(texts.PIN_MARK)
    for kind in set(texts.KINDS) - {"start_pin"}:
        for text in texts.longest(kind, language):
            assert texts.PIN_MARK not in text


def test_only_one_sentence_has_a_gap_for_a_pin() -> None:
    """And no class of facts has a field for one."""
    gaps = {key for key, told in SENTENCES.items() if any("{pin}" in s for s in told.values())}
    assert {"start_pin"} == gaps
    assert all("pin" not in texts.names(kind) for kind in texts.KINDS)


@pytest.mark.parametrize("key", SENTENCES)
def test_both_languages_fill_the_same_gaps(key: str) -> None:
    """What one member reads, the other reads too."""
    english, swahili = (
        {name for _, name, _, _ in Formatter().parse(SENTENCES[key][language]) if name}
        for language in texts.LANGUAGES
    )
    assert english == swahili


@pytest.mark.parametrize("key", ABOUT_WITHDRAWALS)
def test_texts_about_a_withdrawal_begin_with_its_reference(key: str) -> None:
    """It makes a repeat read as one."""
    assert all(sentence.startswith("{ref}") for sentence in ABOUT_WITHDRAWALS[key].values())


def test_every_sentence_is_some_kinds() -> None:
    """None is left over from a kind that is gone."""
    assert {key.partition("/")[0] for key in SENTENCES} == set(texts.KINDS)


@pytest.mark.parametrize(("kind", "language"), EVERY_TEXT)
def test_every_text_fits_one_segment_with_the_longest_facts(kind: str, language: str) -> None:
    """Every segment is billed, and GSM-7 holds 160."""
    for text in texts.longest(kind, language):
        counted = segments(text)
        assert (counted.encoding, counted.count) == ("gsm7", 1), text


@pytest.mark.parametrize(("kind", "language"), EVERY_TEXT)
def test_no_text_looks_like_phishing_or_gives_a_number_away(kind: str, language: str) -> None:
    """No link, no full phone number of the member, no Swahili clock, no typographic quotes."""
    text = texts.render(kind, language, FACTS[kind])
    assert not re.search(r"https?:|www\.|\.co\b|712345678|\bsaa\b|[\u2018\u2019\u2013]", text)


def test_every_reason_that_a_result_code_gives_has_words() -> None:
    """A new reason without words would be told as our fault."""
    assert {reason.value for reason in MemberReason} == set(texts.REASONS)


def test_a_reason_without_words_is_told_as_ours() -> None:
    """The money is back; a missing word must not stop the step that gives it back."""
    text = texts.render("failed", "en", {**FAILED, "reason": "unheard_of"})
    assert "a problem on our side" in text


@pytest.mark.parametrize(
    ("kind", "language", "facts"),
    [
        ("lottery", "en", ABOUT),
        ("silent", "fr", ABOUT),
        ("silent", "en", {"ref": "BRZ2345678"}),
        ("silent", "en", {**ABOUT, "name": "Wanjiku"}),
        ("cancelled", "en", {**ABOUT, "reason": "boredom"}),
        ("sent", "en", {**SENT, "tel": TEL}),
    ],
)
def test_wrong_facts_are_an_error_at_once(kind: str, language: str, facts: dict[str, Any]) -> None:
    """Also a fact too many: a name must have no way into a text."""
    with pytest.raises(Broken):
        texts.render(kind, language, facts)


def test_a_balance_can_be_left_out_of_every_text_that_names_one() -> None:
    """For staff who may not see it. Amount, fee and receipt stay."""
    named = 0
    for kind in texts.KINDS:
        for language in texts.LANGUAGES:
            for body in texts.longest(kind, language):
                named += "99,999,999.99" in body
                assert "99,999,999.99" not in texts.without_balance(body)
                assert body.count("500,000") == texts.without_balance(body).count("500,000")
    assert named >= 4
