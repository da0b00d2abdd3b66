"""Answers about SIM cards: the date decides, not the word."""

from datetime import date

import pytest

from app.providers.insights import SimAnswer, read_answer


@pytest.mark.parametrize(
    ("told", "outcome", "swapped_on"),
    [
        ("22-11-2026", "swapped", date(2026, 11, 22)),
        ("01-01-1900", "not_swapped", None),  # the published sample, with the word "Swapped"
        ("2026-11-22", "unknown", None),
        ("31-02-2026", "unknown", None),
        ("", "unknown", None),
        (20261122, "unknown", None),
        (None, "unknown", None),
    ],
)
def test_the_date_decides(told: object, outcome: str, swapped_on: date | None) -> None:
    body = {"status": "Swapped", "requestId": "ATSwpid_1", "lastSimSwapDate": told}
    assert read_answer(body) == SimAnswer("ATSwpid_1", outcome, swapped_on)  # type: ignore[arg-type]


@pytest.mark.parametrize("body", [{}, {"requestId": ""}, {"requestId": None}, [], "x", None])
def test_an_answer_without_a_request_is_none(body: object) -> None:
    assert read_answer(body) is None
