"""Reading a CSV file as text: nothing is understood here but columns and lines. Pure."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.errors import Refused

BYTES_MAX = 50 * 1024 * 1024
ROWS_MAX = 200_000
WHOLE_ROW = "(row)"
"""The column of a fault that is not one cell's."""
_NAMED_MAX = 10
_SHOWN_LETTERS = 30


class UnreadableFile(Refused):
    """The file as a whole cannot be taken; the message says where and how to mend it."""

    code = "MB-05"


@dataclass(frozen=True, slots=True)
class Columns:
    """What the header of one kind of file must and may name."""

    required: tuple[str, ...]
    defaults: Mapping[str, str]
    """Columns that may be left out, or empty in a row, and what then holds."""

    @property
    def known(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.required, *self.defaults)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is the matter with one cell, and how to mend it. It never repeats what the cell says."""

    line: int
    """Of the file, the header being the first, as editors count."""
    column: str
    problem: str
    cure: str


@dataclass(frozen=True, slots=True)
class Record:
    """One row: every known column, with its default where the cell is empty."""

    line: int
    cells: dict[str, str]


def read(data: bytes, columns: Columns) -> tuple[list[Record], list[Fault]]:
    """The rows of a file, and faults for those with too few or too many cells.

    Blank lines are skipped. The order of columns is free.

    Raises:
        UnreadableFile: too large, not UTF-8, not CSV, without rows, or with a header that has
            unknown, missing or repeated columns.
    """
    lines = rows(data)
    header = _header(next(lines, (1, []))[1], columns)
    records: list[Record] = []
    faults: list[Fault] = []
    for line, cells in lines:
        if len(records) + len(faults) == ROWS_MAX:
            raise UnreadableFile(f"more than {ROWS_MAX:,} rows; split the file")
        if len(cells) == len(header):
            records.append(Record(line, _filled(header, cells, columns)))
        else:
            faults.append(_wrong_width(line, len(cells), len(header)))
    if not records and not faults:
        raise UnreadableFile("the file has a header and no rows")
    return records, faults


def rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Lines and their cells, blank ones left out, where the first line need not be a header.

    Raises:
        UnreadableFile: too large, empty, not UTF-8 or not CSV.
    """
    return _lines(_text(data))


def _text(data: bytes) -> str:
    if len(data) > BYTES_MAX:
        raise UnreadableFile(f"larger than {BYTES_MAX >> 20} MB; split the file")
    if not data.strip():
        raise UnreadableFile("the file is empty")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        raise UnreadableFile(
            f"not UTF-8 (first on line {line}); save it again as CSV UTF-8"
        ) from None


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line that each begins on, blank ones left out."""
    # An unclosed quote swallows lines, so a row is named by its first line, not by its last.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, [cell.strip() for cell in cells]
            begins = reader.line_num + 1
    except csv.Error as wrong:
        raise UnreadableFile(
            f"line {begins} cannot be read as CSV ({wrong}); look for a stray or unclosed quote"
        ) from None


def _header(cells: Sequence[str], columns: Columns) -> list[str]:
    names = [cell.lower() for cell in cells]
    faults = []
    if unknown := [name for name in names if name not in columns.known]:
        faults.append(f"unknown columns: {_named(unknown)}")
    if missing := [name for name in columns.required if name not in names]:
        faults.append(f"missing columns: {_named(missing)}")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        faults.append(f"columns given twice: {_named(repeated)}")
    if not faults:
        return names
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        raise UnreadableFile("columns must be separated by commas; save it again as CSV UTF-8")
    raise UnreadableFile(
        f"the first line must name the columns; {'; '.join(faults)}."
        f" Known: {', '.join(columns.known)}"
    )


def _named(names: Sequence[str]) -> str:
    # Quoted, so that nothing in a hostile header reaches the terminal as it is.
    shown = ", ".join(ascii(name[:_SHOWN_LETTERS]) for name in names[:_NAMED_MAX])
    return shown + (", ..." if len(names) > _NAMED_MAX else "")


def _filled(header: Sequence[str], cells: Sequence[str], columns: Columns) -> dict[str, str]:
    given = {name: cell for name, cell in zip(header, cells, strict=True) if cell}
    return {**dict.fromkeys(columns.required, ""), **columns.defaults, **given}


def _wrong_width(line: int, found: int, wanted: int) -> Fault:
    return Fault(
        line,
        WHOLE_ROW,
        f"has {found} cells where the header has {wanted}",
        "put quotes around a name with a comma in it",
    )
