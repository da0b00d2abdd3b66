"""Papers as PDF: all that is written stands there, letter by letter, and nothing else does."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import pdf
from app.pdf import Column, Paper
from tests.support import pdf_text

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
HOSTILE = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://evil.example")',
    "**bold** __under__ [a](https://evil.example)",
    "(unclosed \\( ) Tj ET endstream",
    "' OR 1=1 --",
    "{nb}",
)


def paper() -> Paper:
    return Paper("A paper", house="Baraza SACCO", made_at=AT, page="page")


@pytest.mark.parametrize("evil", HOSTILE)
def test_markup_of_any_kind_is_text(evil: str) -> None:
    """In every place where text can stand; no link and no script comes into the file."""
    made = Paper(evil, house=evil, made_at=AT, page="page")
    made.heading(evil)
    made.paragraph(evil)
    made.small(evil)
    made.facts([(evil, evil)])
    made.table([Column(evil, 1), Column("b", 1, right=True)], [(evil, evil)])
    data = made.written()
    assert pdf_text.whole(data).replace(" ", "").count(evil.replace(" ", "")) >= 8
    for sign in (b"/URI", b"/JavaScript", b"/JS", b"/Annots", b"/OpenAction /"):
        assert sign not in data


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_no_text_stops_a_paper(text: str) -> None:
    """Letters that the fonts lack, unseen ones, words without end."""
    made = paper()
    made.heading(text)
    made.paragraph(text)
    made.facts([(text, text)])
    made.table([Column("a", 1), Column("b", 3)], [(text, text)])
    assert pdf_text.texts(made.written())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ng'ang'a \u2019Mwalimu\u2019 \u2026", "Ng'ang'a 'Mwalimu' ..."),
        ("Jos\u00e9 \u0141uka \u0160imi\u0107", "Jos\u00e9 ?uka Simic"),
        ("\u6c49\u05d0 \U0001f600", "?? ?"),
        ("a\x00b\r\nc\td", "a b  c d"),
        ("\uff1dSUM", "=SUM"),
    ],
)
def test_what_the_fonts_lack_is_written_with_what_they_have(text: str, shown: str) -> None:
    assert pdf.printable(text) == shown


def test_a_long_table_names_its_columns_on_each_page() -> None:
    made = paper()
    made.table(
        [Column("What", 3), Column("KES", 1, right=True)], [(f"row {n}", "1") for n in range(700)]
    )
    found = pdf_text.texts(made.written())
    pages = [one + next_ for one, next_ in pairwise(found) if one.startswith("page ")]
    assert [f"page {n}/{len(pages)}" for n in range(1, len(pages) + 1)] == pages
    assert len(pages) > 9
    assert found.count("What") == len(pages)
    assert [one for one in found if one.startswith("row ")] == [f"row {n}" for n in range(700)]


def test_a_cell_without_end_ends() -> None:
    made = paper()
    made.table([Column("What", 1), Column("Why", 1)], [("x" * 5000, "y")])
    found = pdf_text.texts(made.written())
    assert "..." in found
    assert len([one for one in found if set(one) == {"x"}]) == pdf.ROW_LINES_MAX - 1


def test_a_long_fact_is_told_to_its_end() -> None:
    """Over as many pages as it takes, with its own line breaks."""
    made = paper()
    made.facts([("Note", "W" * 4000 + "\nand then\nthe end")])
    found = pdf_text.texts(made.written())
    assert sum(one.count("W") for one in found) == 4000
    assert {"and then", "the end"} <= set(found)
    assert found.count("Baraza SACCO \u00b7 A paper") >= 2
