"""How far a long command has come."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from app.commands import output
from app.csv_rows import Record


class Bar:
    """A progress bar, silent where there is no terminal."""

    def __init__(self, progress: Progress, task: Any) -> None:
        self._progress = progress
        self._task = task

    def advance(self, rows: int) -> None:
        """So many more are done."""
        self._progress.advance(self._task, rows)

    def each(self, records: Iterable[Record]) -> Iterator[Record]:
        """Pass the records on and count them."""
        for record in records:
            yield record
            self.advance(1)


@contextmanager
def bar(what: str, rows: int) -> Iterator[Bar]:
    """A bar over so many rows, while the block runs."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    screen = output.console()
    with Progress(
        *columns, console=screen, disable=not screen.is_terminal, transient=True
    ) as progress:
        yield Bar(progress, progress.add_task(what, total=rows))
