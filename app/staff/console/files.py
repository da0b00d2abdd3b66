"""Files that a page hands out: lists for a spreadsheet, papers to print."""

from collections.abc import Iterable, Sequence

from flask import Response

from app import csv_out
from app.clock import NAIROBI, now
from app.csv_out import Cell
from app.staff.console import words

EXPORT_ROWS_MAX = 10_000
"""Of one list. Whoever needs more asks for less at a time."""
CUT = "Only the newest {n} rows are here: narrow the list for the rest."


def as_csv(
    about: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], *, cut: bool = False
) -> Response:
    """Rows as a file to keep, named after what it is about and today.

    Column names are the same in every language, so that what is built on a file goes on to fit.
    With `cut` the last line says that there are more than are here.
    """
    last = [(words.text(CUT, n=f"{EXPORT_ROWS_MAX:,}"),)] if cut else []
    data = csv_out.written(header, [*rows, *last])
    return _kept(data, "text/csv; charset=utf-8", f"baraza-{about}-{_today()}.csv")


def as_pdf(about: str, data: bytes) -> Response:
    """A paper to keep, named after what it is about."""
    return _kept(data, "application/pdf", f"baraza-{about}.pdf")


def _today() -> str:
    return f"{now().astimezone(NAIROBI):%Y-%m-%d}"


def _kept(data: bytes, content_type: str, name: str) -> Response:
    answer = Response(data, content_type=content_type)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer
