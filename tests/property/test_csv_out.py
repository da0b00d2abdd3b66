"""Whatever people wrote, a spreadsheet shows it and runs none of it."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app import csv_out

TRIGGERS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20\ufe62"
HOSTILE = st.builds(
    "{}{}{}".format,
    st.text(" \t\u00a0\u200b\ufeff\x00", max_size=3),
    st.sampled_from(TRIGGERS),
    st.text(),
)
TEXTS = st.one_of(st.text(), HOSTILE)


def parsed(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2)), st.lists(TEXTS, min_size=2, max_size=2))
@example([['=HYPERLINK("http://evil.example","pay")', "+1"]], ["@SUM(A1)", "\t=1"])
@example([["  -2+3", "\r\n=1"], ["\uff1d1", "\ufeff=1"]], ["\x00=1", "a\nb"])
def test_no_cell_begins_as_a_formula(rows: list[list[str]], header: list[str]) -> None:
    """Also after spaces and unseen letters, also in wide letters; each row is one line."""
    data = csv_out.written(header, rows)
    found = parsed(data)
    assert len(found) == len(rows) + 1
    assert data.decode("utf-8-sig").count("\n") == len(rows) + 1
    for cells in found:
        assert len(cells) == 2
        for cell in cells:
            assert cell[:1] not in set(TRIGGERS)
            assert cell.strip(" \u00a0\u200b\ufeff\t\x00")[:1] not in set(TRIGGERS)


@given(st.text(st.characters(categories=("L", "N", "Po"), exclude_characters="@"), min_size=1))
def test_a_harmless_text_is_written_as_it_is(text: str) -> None:
    if text[0] not in TRIGGERS + "\uff20\ufe6b":
        assert parsed(csv_out.written(["a", "b"], [[text, 1]]))[1][0] == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-5, "-5"),
        (Decimal("-1500.50"), "-1500.50"),
        (None, ""),
        (datetime(2026, 11, 23, 21, 30, tzinfo=UTC), "2026-11-24 00:30:00"),
        ("-5", "'-5"),
        ("two\nlines", "two lines"),
        ('say "yes", please', 'say "yes", please'),
    ],
)
def test_each_kind_of_cell(value: csv_out.Cell, shown: str) -> None:
    assert parsed(csv_out.written(["a"], [[value]]))[1:] == [[shown]]


def test_cents_are_written_as_shillings() -> None:
    assert [str(csv_out.shillings(n)) for n in (150_000, 5, -5, 0)] == [
        "1500.00", "0.05", "-0.05", "0.00",
    ]  # fmt: skip
