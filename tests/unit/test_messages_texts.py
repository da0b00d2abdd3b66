"""What members read: one segment, true facts, nothing that must not be in an SMS."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from app.errors import Broken
from app.messages import texts
from app.messages.segments import segments
from app.providers.result_codes import MemberReason

SENT = {
    "ref": "BRZ2345678",
    "amount_cents": 150_000,
    "msisdn": "+254712345678",
    "when": datetime(2026, 11, 23, 7, 15, tzinfo=UTC),
    "fee_cents": 20_70,
    "code": "SKL61MQ8WL",
    "balance_cents": 4_829_30,
    "tel": "0700000111",
}
WAITING = {"ref": "BRZ2345678", "amount_cents": 150_000, "tel": "0700000111"}
FAILED = {**WAITING, "reason": "wallet_full", "balance_cents": 4_829_30}
LOCKED = {"time": datetime(2026, 11, 23, 7, 15, tzinfo=UTC), "tries": 3, "tel": "0700000111"}
FACTS: dict[str, dict[str, Any]] = {
    "sent": SENT, "failed": FAILED, "silent": WAITING, "declined": WAITING, "pin_locked": LOCKED,
}  # fmt: skip
EVERY_TEXT = [(kind, language) for kind in texts.KINDS for language in texts.LANGUAGES]


def test_the_receipt_says_it_all_in_english() -> None:
    """Our reference, amount, masked phone, time in Nairobi, fee, M-PESA's code, balance."""
    expected = (
        "BRZ2345678 Confirmed. KES 1,500.00 sent to M-PESA 0712***678 on 23/11/26 10:15 AM. "
        "Fee KES 20.70. M-PESA ref SKL61MQ8WL. Savings balance KES 4,829.30."
    )
    assert expected == texts.render("sent", "en", SENT)


def test_the_receipt_says_it_all_in_swahili() -> None:
    expected = (
        "BRZ2345678 Imethibitishwa. KES 1,500.00 zimetumwa M-PESA 0712***678 23/11/26 10:15 AM. "
        "Ada KES 20.70. Kumb. M-PESA SKL61MQ8WL. Salio akiba KES 4,829.30."
    )
    assert expected == texts.render("sent", "sw", SENT)


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
    assert expected == texts.render("silent", "sw", WAITING)


def test_a_locked_pin_is_told_with_the_time_it_opens() -> None:
    expected = (
        "Your PIN is locked until 23/11/26 10:15 AM after 3 wrong tries. No money moved. "
        "If it was not you, call 0700000111 now."
    )
    assert expected == texts.render("pin_locked", "en", LOCKED)


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
        ("lottery", "en", WAITING),
        ("silent", "fr", WAITING),
        ("silent", "en", {"ref": "BRZ2345678"}),
        ("silent", "en", {**WAITING, "name": "Wanjiku"}),
    ],
)
def test_wrong_facts_are_an_error_at_once(kind: str, language: str, facts: dict[str, Any]) -> None:
    """Also a fact too many: a name must have no way into a text."""
    with pytest.raises(Broken):
        texts.render(kind, language, facts)
