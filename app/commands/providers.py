"""`baraza providers`: how M-PESA and the SMS gateway are doing, and holds on calls to them."""

import re
from typing import Any

import click

from app import audit, config
from app.commands import configuring, output
from app.commands.session import database
from app.money import kes
from app.operations import provider_status
from app.operations.provider_status import ProviderStatus
from app.providers import balance_queries, pauses
from app.providers.pauses import FOR_S_MAX, Held

S_PER_MIN = 60
_UNITS_S = {"m": 60, "h": 3600, "d": 86_400}
_LENGTH = re.compile(r"([1-9][0-9]{0,4})([mhd])")


class Length(click.ParamType[int]):
    """`30m`, `2h` or `1d`. Becomes seconds."""

    name = "length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Seconds, at most a week."""
        found = _LENGTH.fullmatch(str(value).strip().lower())
        length_s = int(found[1]) * _UNITS_S[found[2]] if found else 0
        if not 0 < length_s <= FOR_S_MAX:
            self.fail(f"{value!r} is no length: type 30m, 2h or 1d, a week at most", param, ctx)
        return length_s


_STEP = click.argument("step", type=click.Choice([str(one) for one in Held]))


@click.group()
def providers() -> None:
    """How M-PESA and the SMS gateway are doing, and holds on calls to them.

    \b
    baraza providers status
    baraza providers pause pay --reason "Safaricom announced maintenance" --for 30m
    baraza providers resume pay --reason "maintenance is over"
    baraza providers ask-float

    pay holds back payouts that M-PESA has not taken yet, ask holds back status and balance queries,
    sms holds back texts. Nothing is lost: it waits, and the hold ends by itself. To stop
    withdrawals as a whole, see `baraza withdrawals`.
    """  # noqa: D301 - \b is click's mark for lines that stay lines


@providers.command()
@output.as_json
def status(*, as_json: bool) -> None:
    """Breaker, holds, rate and access token, with what to do."""
    per_s_max = config.load().daraja_calls_per_s_max
    with database() as db, db.transaction() as tx:
        found = provider_status.read(tx, calls_per_s_max=per_s_max)
    if as_json:
        output.print_json(found)
    else:
        _print(found)


@providers.command()
@_STEP
@configuring.reason
@click.option("--for", "for_s", type=Length(), required=True, help="such as 30m, 2h or 1d")
def pause(*, step: str, reason: str, for_s: int) -> None:
    """Hold back one kind of call for a while; it ends by itself."""
    with database() as db, db.transaction() as tx:
        made = pauses.pause(tx, Held(step), reason=reason, by=audit.operator(), for_s=for_s)
    click.echo(f"{step} is held back until {output.moment(made.until)}.")


@providers.command()
@_STEP
@configuring.reason
def resume(*, step: str, reason: str) -> None:
    """End a hold; for pay, close the breaker too."""
    with database() as db, db.transaction() as tx:
        was_open = pauses.resume(tx, Held(step), reason=reason, by=audit.operator())
    breaker = " The breaker was open and is closed now." if was_open else ""
    click.echo(f"{step} goes on.{breaker}")


@providers.command("ask-float")
def ask_float() -> None:
    """Let a worker ask M-PESA now what is on the utility account.

    `baraza providers status` shows the answer, most often within seconds.
    """
    by = audit.operator()
    with database() as db, db.transaction() as tx:
        is_new = balance_queries.want(tx, by=by.title)
        if is_new:
            audit.record(tx, "float_asked", by=by)
    if is_new:
        click.echo("M-PESA will be asked. See `baraza providers status` in a few seconds.")
    else:
        click.echo("M-PESA is being asked already. See `baraza providers status`.")


def _print(found: ProviderStatus) -> None:
    now = found.breaker
    if now.is_open:
        code = f", code {now.code}" if now.code else ""
        since = output.moment(now.opened_at)
        click.echo(f"Breaker: open since {since}: {now.cause}{code}. No payout is begun.")
        if now.probe_at is not None:
            click.echo(f"  M-PESA is asked again at {output.moment(now.probe_at)}.")
    else:
        click.echo("Breaker: closed.")
    for one in found.pauses:
        until = output.moment(one.until)
        click.echo(f"Held back: {one.step} until {until} by {one.by}: {output.plain(one.reason)}")
    if not found.pauses:
        click.echo("Held back: nothing.")
    _print_float(found)
    slowed = f", slowed at {output.moment(found.slowed_at)}" if found.slowed_at else ""
    click.echo(f"Rate: {found.calls_per_s:g} calls a second at most{slowed}.")
    token = output.moment(found.token_expires_at) or "never had one"
    click.echo(f"Access token: valid until {token}.")
    for line in found.to_do:
        click.echo(f"To do: {line}")


def _print_float(found: ProviderStatus) -> None:
    last = found.float_reading
    if last is None or found.float_age_s is None:
        click.echo("Float on M-PESA: never told.")
    else:
        source = f"with {last.reference}" if last.reference else "when it was asked"
        click.echo(
            f"Float on M-PESA: {kes(last.cents)} at {output.moment(last.said_at)}"
            f" ({found.float_age_s // S_PER_MIN} min ago), told {source}."
        )
    asked = found.float_question
    if asked is not None:
        when = output.moment(asked.asked_at) or "not yet"
        came = asked.came or ("no answer" if asked.asked_at else "it waits for a worker")
        click.echo(f"  Last asked for: {when}; {came}.")
