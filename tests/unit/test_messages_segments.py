"""Segments at their edges: 160/153 septets, 70/67 units, and pairs that are never split."""

import pytest

from app.messages.segments import Segments, segments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("gsm7", 0, 1)),
        ("a" * 160, Segments("gsm7", 160, 1)),
        ("a" * 161, Segments("gsm7", 161, 2)),
        ("a" * 306, Segments("gsm7", 306, 2)),
        ("a" * 307, Segments("gsm7", 307, 3)),
        ("€" * 80, Segments("gsm7", 160, 1)),
        ("€" * 81, Segments("gsm7", 162, 2)),
        # The pair that would lie across the 153rd septet begins the second part.
        ("a" * 152 + "€" + "a" * 152, Segments("gsm7", 306, 3)),
        ("a" * 151 + "€" + "a" * 153, Segments("gsm7", 306, 2)),
        ("\u2019", Segments("ucs2", 1, 1)),
        ("\u2019" * 70, Segments("ucs2", 70, 1)),
        ("\u2019" * 71, Segments("ucs2", 71, 2)),
        ("\u2019" * 134, Segments("ucs2", 134, 2)),
        ("\u2019" * 135, Segments("ucs2", 135, 3)),
        ("\U0001f600" * 35, Segments("ucs2", 70, 1)),
        ("\U0001f600" * 36, Segments("ucs2", 72, 2)),
        # Sixty-seven units hold thirty-three pairs.
        ("\U0001f600" * 67, Segments("ucs2", 134, 3)),
    ],
)
def test_segments_at_the_edges(text: str, expected: Segments) -> None:
    assert expected == segments(text)
