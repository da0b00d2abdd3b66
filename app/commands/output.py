"""How looking commands print: tables for people, JSON for programs, nothing that could mislead."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from enum import Enum
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.clock import NAIROBI

PIPE_WIDTH = 160
"""Columns when nobody's window limits us."""

as_json = click.option("--json", "as_json", is_flag=True, help="print JSON for programs")


def console() -> Console:
    """The screen, or a wide page when the output goes to a file or a pipe."""
    screen = Console()
    return screen if screen.is_terminal else Console(width=PIPE_WIDTH)


def moment(at: datetime | None) -> str:
    """A time in Nairobi to the second, since a timeline is read by the second."""
    return "" if at is None else f"{at.astimezone(NAIROBI):%d/%m/%y %H:%M:%S}"


def plain(value: object) -> Text:
    """Any text made safe to show: no control codes and no markup, whoever wrote it."""
    return Text("".join(c if c.isprintable() else " " for c in str(value)), overflow="fold")


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()
) -> Table:
    """A table without lines. `right` names the columns of numbers."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        number = name in right
        made.add_column(name, justify="right" if number else "left", no_wrap=number)
    for row in rows:
        made.add_row(*(plain(value) for value in row))
    return made


def print_json(value: object) -> None:
    """JSON on standard output: cents are whole numbers, times are ISO 8601 in UTC."""
    click.echo(json.dumps(value, default=_as_json, indent=2, ensure_ascii=False))


def _as_json(value: object) -> Any:
    match value:
        case datetime() | date() | time():
            return value.isoformat()
        case UUID():
            return str(value)
        case Enum():
            return value.value
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no form in JSON")
