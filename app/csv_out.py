"""Writing rows as a CSV file that a spreadsheet shows and never runs. Pure.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, whoever wrote it: a
member's name, a remark of M-PESA's. Such a text gets an apostrophe in front of it.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from app.clock import NAIROBI
from app.money import CENTS_PER_SHILLING

Cell = str | int | Decimal | datetime | None

_BEGINS_FORMULA = frozenset("=+-@")
_BEGINS_CELL = frozenset("\t\r\n")
_BREAKS = re.compile(r"\r\n|[\x00-\x1f\x7f\x85\u2028\u2029]")
"""What would end a line, and other letters that nobody can see."""


def written(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A file with these columns, in UTF-8, marked so that every spreadsheet reads it as that.

    Numbers stay numbers. Moments are written in East Africa Time.
    """
    out = io.StringIO(newline="")
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerow([_text(name) for name in header])
    lines.writerows([_cell(one) for one in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def shillings(cents: int) -> Decimal:
    """An amount as a number of shillings with two decimals, for a column that is summed."""
    return (Decimal(cents) / CENTS_PER_SHILLING).quantize(Decimal("0.01"))


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(NAIROBI):%Y-%m-%d %H:%M:%S}"
    return _text(value) if isinstance(value, str) else str(value)


def _text(value: str) -> str:
    shown = _BREAKS.sub(" ", value)
    return f"'{shown}" if _may_run(value) else shown


def _may_run(value: str) -> bool:
    """Whether a spreadsheet might take it for a formula, or cut it at its first letter."""
    if value[:1] in _BEGINS_CELL:
        return True
    # Spaces and unseen letters in front do not stop every spreadsheet, and some take the wide
    # forms of the Far East for the plain ones: NFKC makes both the same.
    for letter in value:
        if not (letter.isspace() or unicodedata.category(letter).startswith("C")):
            return unicodedata.normalize("NFKC", letter)[:1] in _BEGINS_FORMULA
    return False
