"""`baraza limits`: what members may draw, by the day it holds from."""

from dataclasses import dataclass
from datetime import date, time
from typing import Any

import click

from app import audit
from app.commands import configuring, output
from app.commands.configuring import UNSET, ChangedMeanwhile, Night, Shillings, amount, day_of
from app.commands.limits_holidays import holidays
from app.commands.session import database, owner_database
from app.db import Tx
from app.payouts import claims, dated, limit_book, limit_plans
from app.payouts import limits as rules
from app.payouts.limit_plans import HOURS_MAX, NEEDED, WORDS, Plan, recorded
from app.payouts.limits import Limits, Range


@dataclass(frozen=True, slots=True)
class Shown:
    """What is in force today, and what has been put down for later."""

    today: date
    in_force: Limits | None
    quiet_now: bool
    now: Range | None
    """What the amount screen says at this moment."""
    later: tuple[date, ...]
    """Days from which other limits hold."""


@click.group()
def limits() -> None:
    """What members may draw, and what all of them together may.

    \b
    baraza limits show
    baraza limits set --maximum 100000 --reason "board minute 12"
    baraza limits set --night 20:00-06:00 --quiet-maximum 20000 --reason "SASRA circular"
    baraza limits holidays add 2027-03-10 "Eid al-Fitr" --reason "Gazette notice"

    Amounts are whole shillings; `none` takes a limit away. Nothing is ever changed: what is in
    force is the newest entry for the day, so a mistake is mended by setting again.
    """  # noqa: D301 - \b is click's mark for lines that stay lines


@limits.command()
@output.as_json
def show(*, as_json: bool) -> None:
    """The limits in force today, and what the amount screen says at this moment."""
    with database() as db, db.transaction() as tx:
        today = dated.today(tx)
        in_force = limit_book.in_force(tx, today)
        found = Shown(
            today,
            in_force,
            in_force is not None and rules.quiet_at(tx, in_force, claims.now(tx)),
            rules.shown(tx) if in_force is not None else None,
            tuple(
                sorted({e.effective_from for e in limit_book.history(tx)
                        if e.effective_from > today})
            ),
        )  # fmt: skip
    if as_json:
        output.print_json(found)
        return
    if in_force is None or found.now is None:
        click.echo("No limits are in force, so nobody can withdraw. `baraza limits set` sets them.")
        return
    rows = [(WORDS[name], _worded(name, value)) for name, value in rules.columns(in_force).items()]
    configuring.preview(("Limit", f"{today}"), rows)
    hours = "Quiet hours" if found.quiet_now else "Ordinary hours"
    click.echo(
        f"{hours} now: one withdrawal may be {amount(found.now.minimum_cents)} to"
        f" {amount(found.now.maximum_cents)}."
    )
    if found.later:
        click.echo(f"Changes to come: {', '.join(map(str, found.later))}.")


@limits.command("set")
@click.option("--minimum", "minimum_cents", type=Shillings(), help="one withdrawal, at least")
@click.option("--maximum", "maximum_cents", type=Shillings(), help="one withdrawal, at most")
@click.option("--daily", "daily_cents", type=Shillings(), help="one member a day")
@click.option(
    "--sacco-hourly",
    "sacco_hourly_cents",
    type=Shillings(may_unset=True),
    help="all members in any sixty minutes",
)
@click.option(
    "--sacco-daily", "sacco_daily_cents", type=Shillings(may_unset=True), help="all members a day"
)
@click.option("--night", type=Night(), help="quiet from and to, such as 20:00-06:00")
@click.option(
    "--quiet-holidays/--no-quiet-holidays", default=None, help="whether public holidays are quiet"
)
@click.option(
    "--before-long-weekend",
    "before_long_weekend_hours",
    type=click.IntRange(0, HOURS_MAX["before_long_weekend_hours"]),
    help="so many hours before a long weekend are quiet",
)
@click.option(
    "--quiet-maximum",
    "quiet_maximum_cents",
    type=Shillings(may_unset=True),
    help="one withdrawal in quiet hours",
)
@click.option(
    "--quiet-sacco-hourly",
    "quiet_sacco_hourly_cents",
    type=Shillings(may_unset=True),
    help="all members in a quiet hour",
)
@click.option(
    "--after-change-wait",
    "after_change_wait_hours",
    type=click.IntRange(0, HOURS_MAX["after_change_wait_hours"]),
    help="hours after a PIN reset or a new number in which nothing can be drawn",
)
@click.option(
    "--after-change-low",
    "after_change_low_hours",
    type=click.IntRange(0, HOURS_MAX["after_change_low_hours"]),
    help="hours after it in which little can be drawn",
)
@click.option(
    "--after-change-maximum",
    "after_change_maximum_cents",
    type=Shillings(may_unset=True),
    help="one withdrawal in those hours",
)
@click.option(
    "--after-change-daily",
    "after_change_daily_cents",
    type=Shillings(may_unset=True),
    help="one member a day in those hours",
)
@configuring.since
@configuring.reason
@configuring.yes
def set_limits(*, since: date | None, reason: str, yes: bool, **options: Any) -> None:
    """Set limits. What is not named stays as it is on that day."""  # fmt: skip
    wanted = _wanted(options)
    if not wanted:
        raise click.UsageError("name at least one limit; `baraza limits set --help` lists them")
    with owner_database() as db:
        with db.transaction() as tx:
            plan = _plan(tx, wanted, since)
        if not plan.changed:
            click.echo(f"That is what holds on {plan.day} already; nothing was written.")
            return
        _preview(plan)
        configuring.confirm(f"Set these limits, to hold from {plan.day}?", yes=yes)
        with db.transaction() as tx:
            if limit_book.in_force(tx, plan.day) != plan.before:
                raise ChangedMeanwhile("other limits were set meanwhile; look again")
            limit_book.add(tx, plan.after, since=plan.day)
            audit.record(
                tx,
                "limits_set",
                by=audit.operator(),
                reason=reason,
                effective_from=str(plan.day),
                before=recorded({name: old for name, (old, _) in plan.changed.items()}),
                after=recorded({name: new for name, (_, new) in plan.changed.items()}),
            )
    click.echo(f"The limits are set and hold from {plan.day}.")


def _plan(tx: Tx, wanted: dict[str, Any], since: date | None) -> Plan:
    day = dated.not_past(tx, since)
    was = limit_plans.columns_or_none(limit_book.in_force(tx, day))
    if missing := [name for name in NEEDED if name not in wanted and was[name] is None]:
        names = ", ".join(f"--{limit_book.option(name)}" for name in missing)
        raise click.UsageError(f"the first limits need {names} too")
    return limit_plans.plan(tx, rules.from_columns({**was, **wanted}), day=day)


def _wanted(options: dict[str, Any]) -> dict[str, Any]:
    """The columns that were named, with None for those to be taken away."""
    night = options.pop("night")
    if night is UNSET:
        options |= {"night_from": UNSET, "night_to": UNSET}
    elif night is not None:
        options |= {"night_from": night[0], "night_to": night[1]}
    named = {name: value for name, value in options.items() if value is not None}
    return {name: None if value is UNSET else value for name, value in named.items()}


def _preview(plan: Plan) -> None:
    rows = [
        (WORDS[name], _worded(name, old), _worded(name, new))
        for name, (old, new) in plan.changed.items()
    ]
    configuring.preview(("Limit", "until then", f"from {plan.day}"), rows)
    if plan.until is not None:
        click.echo(f"Until {plan.until}, from which other limits are set.")


def _worded(name: str, value: Any) -> str:
    if name.endswith("_cents"):
        return amount(value)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


@limits.command()
@output.as_json
def history(*, as_json: bool) -> None:
    """Every set of limits that was, is or will be in force, newest first."""
    with database() as db, db.transaction() as tx:
        today = dated.today(tx)
        found = limit_book.history(tx)
    if as_json:
        output.print_json(found)
        return
    if not found:
        click.echo("No limits were ever set. `baraza limits set` sets them.")
        return
    rows = [
        (
            day_of(one.effective_from, today),
            amount(one.limits.minimum_cents),
            amount(one.limits.maximum_cents),
            amount(one.limits.daily_cents),
            amount(one.limits.sacco_hourly_cents),
            amount(one.limits.sacco_daily_cents),
            amount(one.limits.quiet_maximum_cents),
            output.moment(one.made_at),
        )
        for one in found
    ]
    columns = ("Holds from", "Minimum", "Maximum", "Daily", "SACCO hourly", "SACCO daily",
               "Quiet maximum", "Made (Nairobi)")  # fmt: skip
    output.console().print(output.table(columns, rows, right=columns[1:7]))


limits.add_command(holidays)
