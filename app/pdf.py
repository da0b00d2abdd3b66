"""Papers: headings, facts, paragraphs and tables on A4 pages as PDF. Pure.

Whatever is written stands there letter by letter: no markup of any kind is understood. The fonts
are those that every reader of PDF has, and know the letters of Western Europe, thus English and
Kiswahili; what they do not know is written with its nearest letter, or as a question mark.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos

MARGIN_MM = 15
LINE_MM = 5
FOOT_MM = 15
ROW_LINES_MAX = 40
"""Of one row: so many fit on any page. A longer cell of a table ends in three dots."""
_FONT = "helvetica"
_PAGES = "\x01000"
"""Stands for the number of pages until that is known, and keeps room for three digits. No text that
is written can hold it, since no unseen letter is written."""
_Cell = tuple[list[str], float, Literal["L", "R"], Literal["", "B"]]
"""Its lines, its width in mm, its side and its style."""
_PLAIN = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-",
        "\u2022": "*", "\u2026": "...", "\u20ac": "EUR", "\u2713": "x",
    }
)  # fmt: skip
"""Signs that the fonts lack and that have a plain form."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    title: str
    width: float
    """A share of the page, beside those of the other columns."""
    right: bool = False
    """For numbers and amounts."""


class Paper:
    """A document that grows from top to bottom."""

    def __init__(self, title: str, *, house: str, made_at: datetime, page: str) -> None:
        """Begin it.

        Args:
            title: What it is, on top of the first page.
            house: Whose it is: in the foot of each page.
            made_at: When, for the document's properties.
            page: The word for a page, in the reader's language.
        """
        self._pdf = _Pages(f"{printable(house)} \u00b7 {printable(title)}", printable(page))
        self._pdf.set_margins(MARGIN_MM, MARGIN_MM)
        self._pdf.set_auto_page_break(auto=True, margin=FOOT_MM + LINE_MM)
        self._pdf.set_title(printable(title))
        self._pdf.set_creator("Baraza")
        self._pdf.set_creation_date(made_at)
        self._pdf.add_page()
        self._write(printable(house), size=10)
        self._write(printable(title), size=16, style="B")
        self._pdf.ln(2)

    def heading(self, text: str) -> None:
        """The title of a part."""
        self._pdf.ln(3)
        self._write(printable(text), size=12, style="B")

    def paragraph(self, text: str) -> None:
        """Text, broken where the page ends; its own line breaks stay."""
        for line in text.splitlines() or [""]:
            self._write(printable(line), size=10)

    def small(self, text: str) -> None:
        """A remark: what must be said and is not the matter."""
        self._pdf.ln(2)
        self._write(printable(text), size=8)

    def facts(self, known: Iterable[tuple[str, str]]) -> None:
        """What is known, each under its name."""
        for name, value in known:
            width = self._pdf.epw * 0.32
            room = self._pdf.epw - width
            self._pdf.set_font(_FONT, style="B", size=10)
            names = self._lines(printable(name), width)
            self._pdf.set_font(_FONT, size=10)
            values = [
                one
                for line in value.splitlines() or [""]
                for one in self._lines(printable(line), room, lines_max=len(value) + 1)
            ]
            # Nothing of a fact is left out: what is longer than a page goes on on the next.
            for begins in range(0, max(len(names), len(values)), ROW_LINES_MAX):
                part = slice(begins, begins + ROW_LINES_MAX)
                cells: list[_Cell] = [
                    (names[part], width, "L", "B"),
                    (values[part], room, "L", ""),
                ]
                self._row(cells, size=10)

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
        """A table, its header again on top of each page that it goes on to."""
        whole = sum(one.width for one in columns)
        widths = [self._pdf.epw * one.width / whole for one in columns]
        self._pdf.ln(1)
        self._head(columns, widths)
        for row in rows:
            cells: list[_Cell] = [
                (self._lines(printable(text), width), width, _side(one), "")
                for text, one, width in zip(row, columns, widths, strict=True)
            ]
            if self._pdf.will_page_break(LINE_MM * max(len(cell[0]) for cell in cells)):
                self._pdf.add_page()
                self._head(columns, widths)
            self._row(cells, size=9, ruled=True)
        self._pdf.ln(1)

    def written(self) -> bytes:
        """The whole document."""
        return bytes(self._pdf.output())

    def _head(self, columns: Sequence[Column], widths: Sequence[float]) -> None:
        self._pdf.set_font(_FONT, style="B", size=9)
        cells: list[_Cell] = [
            (self._lines(printable(one.title), width), width, _side(one), "B")
            for one, width in zip(columns, widths, strict=True)
        ]
        self._row(cells, size=9, ruled=True)
        self._pdf.set_font(_FONT, size=9)

    def _row(
        self,
        cells: Sequence[_Cell],
        *,
        size: int,
        ruled: bool = False,
    ) -> None:
        """Cells side by side, each of them some lines; a row never parts over two pages."""
        height = LINE_MM * max(len(lines) for lines, _, _, _ in cells)
        if self._pdf.will_page_break(height):
            self._pdf.add_page()
        top, left = self._pdf.get_y(), self._pdf.l_margin
        for lines, width, side, style in cells:
            self._pdf.set_font(_FONT, style=style, size=size)
            for number, line in enumerate(lines):
                self._pdf.set_xy(left, top + LINE_MM * number)
                self._pdf.cell(width, LINE_MM, line, align=side)
            left += width
        self._pdf.set_xy(self._pdf.l_margin, top + height)
        if ruled:
            self._pdf.set_draw_color(200)
            self._pdf.line(self._pdf.l_margin, top + height, left, top + height)

    def _lines(self, text: str, width: float, *, lines_max: int = ROW_LINES_MAX) -> list[str]:
        """The text broken to a width, in the font that is set."""
        room = width - 2 * self._pdf.c_margin
        if self._pdf.get_string_width(text) <= room:
            return [text]
        found = self._pdf.multi_cell(
            width, LINE_MM, text, dry_run=True, output=MethodReturnValue.LINES
        )
        assert isinstance(found, list)
        if len(found) > lines_max:
            found = [*found[: lines_max - 1], "..."]
        return found

    def _write(self, text: str, *, size: int, style: Literal["", "B"] = "") -> None:
        self._pdf.set_font(_FONT, style=style, size=size)
        self._pdf.multi_cell(
            0, size * 0.5, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT, markdown=False
        )


class _Pages(FPDF):
    """A4 with a foot: whose paper this is, and which page of how many."""

    def __init__(self, foot: str, page: str) -> None:
        super().__init__(format="A4")
        self.alias_nb_pages(_PAGES)
        self._foot, self._page = foot, page

    def footer(self) -> None:
        """Called by the base class at the end of each page."""
        self.set_y(-FOOT_MM)
        self.set_font(_FONT, size=8)
        self.cell(self.epw * 0.8, LINE_MM, self._foot[:100])
        self.cell(0, LINE_MM, f"{self._page} {self.page_no()}/{_PAGES}", align="R")


def printable(text: str) -> str:
    """The text in letters that the fonts know, without line breaks and unseen letters."""
    return "".join(map(_letter, text.translate(_PLAIN)))


def _letter(letter: str) -> str:
    if unicodedata.category(letter).startswith("C") or letter in "\u2028\u2029":
        return " "
    if letter.isascii() or _is_known(letter):
        return letter
    nearest = "".join(one for one in unicodedata.normalize("NFKD", letter) if _is_known(one))
    return nearest or "?"


def _is_known(letter: str) -> bool:
    return letter.encode("latin-1", "ignore") != b""


def _side(column: Column) -> Literal["L", "R"]:
    return "R" if column.right else "L"
