"""What the commands that set prices and limits share: amounts, days, preview, confirmation."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from typing import Any

import click

from app.commands import output
from app.errors import Refused
from app.money import kes_short, shillings
from app.payouts.limit_plans import SHILLINGS_MAX

NONE = "none"
"""What is typed to take a limit away."""
UNSET = object()
"""What that becomes; an option that was not given is None."""

Command = Callable[..., Any]


class ChangedMeanwhile(Refused):
    """Somebody else changed the same while the preview was looked at. Nothing was written."""

    code = "DC-02"


class Shillings(click.ParamType[int | object]):
    """An amount in whole shillings, or `none` where there may be no limit. Becomes cents."""

    name = "shillings"

    def __init__(self, *, may_unset: bool = False) -> None:
        self._may_unset = may_unset

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | object:
        """Cents, or `UNSET`."""
        text = str(value).strip().lower().replace(",", "")
        if self._may_unset and text == NONE:
            return UNSET
        if not (text.isascii() and text.isdigit()) or not 0 < int(text) <= SHILLINGS_MAX:
            wanted = "whole shillings, such as 100000" + ", or none" * self._may_unset
            self.fail(f"{value!r} is no amount: type {wanted}", param, ctx)
        return shillings(int(text))


class Night(click.ParamType[tuple[time, time] | object]):
    """`20:00-06:00`, Nairobi, or `none`."""

    name = "night"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[time, time] | object:
        """When the night begins and ends, or `UNSET`."""
        text = str(value).strip().lower()
        if text == NONE:
            return UNSET
        begin, _, end = text.partition("-")
        try:
            return time.fromisoformat(begin.strip()), time.fromisoformat(end.strip())
        except ValueError:
            self.fail(f"{value!r} is no night: type 20:00-06:00, or none", param, ctx)


def since(command: Command) -> Command:
    """`--from DATE`: the day from which a change holds."""
    return click.option(
        "--from",
        "since",
        type=click.DateTime(["%Y-%m-%d"]),
        callback=lambda _ctx, _param, given: given.date() if isinstance(given, datetime) else None,
        metavar="DATE",
        help="day from which it holds, such as 2027-01-01; today unless given",
    )(command)


def reason(command: Command) -> Command:
    """`--reason`: kept with who did it."""
    return click.option("--reason", required=True, callback=_said, help="kept on record")(command)


def yes(command: Command) -> Command:
    """`--yes`: do not ask."""
    return click.option("--yes", is_flag=True, help="do not ask")(command)


def _said(_ctx: click.Context, _param: click.Parameter, given: str) -> str:
    if not given.strip():
        raise click.BadParameter("say why, in a few words")
    return given.strip()


def confirm(question: str, *, yes: bool) -> None:
    """Go on only after a person's yes."""
    if not yes:
        click.confirm(question, abort=True)


def preview(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """What it is and what it would be."""
    output.console().print(output.table(columns, rows, right=columns[1:]))


def amount(cents: int | None) -> str:
    """Cents as shillings; nothing as a dash."""
    return "-" if cents is None else kes_short(cents)


def day_of(entry_from: date, today: date) -> str:
    """`2027-01-01`, and a mark where that is still to come."""
    return f"{entry_from}{' (to come)' if entry_from > today else ''}"
