"""`baraza demo`: the whole story in one command, through the real doors.

Three withdrawals: one is paid, one refused, one met with silence and paid. If Baraza
already runs it is used; otherwise everything is started for the time of the demo.
"""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import click
import sqlalchemy as sa

from app.children import Child
from app.commands import up
from app.commands.handset import Handset, SandboxNetwork, Screen
from app.commands.servers import running
from app.config import Settings, load
from app.db import Database
from app.embedded import Servers
from app.errors import Broken, Refused
from app.ledger import statements
from app.money import kes, shillings
from app.operations import invariants
from app.payouts.states import OPEN_STATES

REFERENCE = re.compile(r"\bBRZ[2-9A-HJKMNP-Z]{7}\b")
END_S_MAX = 180
"""The longest that a payout may take here: with the real deadlines the first query is at 90 s."""
POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class Part:
    """One withdrawal of the story. M-PESA's stand-in goes by the last two digits."""

    title: str
    phone: str
    pin: str
    whole_shillings: int
    ends: str


STORY = (
    Part("M-PESA pays", "+254712345678", "4071", 150, "paid"),
    Part("M-PESA refuses, so the money comes back", "+254722345679", "5193", 202, "reversed"),
    Part("M-PESA is silent, and has paid", "+254712345678", "4071", 203, "paid"),
)


@dataclass(slots=True)
class Told:
    """What came of one withdrawal."""

    title: str
    reference: str
    state: str
    amount_cents: int
    screens: list[str] = field(default_factory=list)
    timeline: list[str] = field(default_factory=list)
    sms: list[str] = field(default_factory=list)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print one JSON object and nothing else")
def demo(*, as_json: bool) -> None:
    """Play three withdrawals: paid, refused, silent-then-paid.

    Prints screens, timeline, SMS and the trial balance. Exits with 1 if an invariant fails or a
    story does not end as it should. Uses the sandbox only; money is play money.
    """
    settings = load()
    if not settings.wants_sandbox:
        raise Refused("the demo plays with the sandbox; unset DARAJA_URL, AT_URL and BARAZA_ENV")
    web = Child("web", (), health_url=f"http://{settings.host}:{settings.port}/health/ready")
    if web.is_ready():
        sys.exit(_play(as_json=as_json))
    sys.exit(_play_on_own_stage(settings, as_json=as_json))


def _play_on_own_stage(settings: Settings, *, as_json: bool) -> int:
    from app.supervisor import Supervisor

    _note("Nothing runs here yet: starting everything for the demo...", quiet=as_json)
    codes: list[int] = []

    def play(servers: Servers) -> None:
        try:
            up.introduce_members(settings, servers)
            codes.append(_play(as_json=as_json))
        finally:
            # The supervisor stops as it would for Ctrl-C.
            os.kill(os.getpid(), signal.SIGTERM)

    Supervisor(
        settings.baraza_var,
        up.children(settings),
        tasks=up.tasks(settings),
        environment=up.environment_of(settings),
    ).run(play)
    return codes[0] if codes else 1


def _play(*, as_json: bool) -> int:
    with running() as settings, _database(settings) as db:
        told = [_withdraw(settings, db, part, quiet=as_json) for part in STORY]
        with db.transaction() as tx:
            findings = invariants.run(tx)
            lines = statements.trial_balance(tx)
    net = sum(line.cents for line in lines)
    good = all(f.ok for f in findings) and net == 0
    good = good and [t.state for t in told] == [part.ends for part in STORY]
    if as_json:
        audit = [{"name": f.name, "ok": f.ok} for f in findings]
        payouts = [asdict(t) for t in told]
        click.echo(
            json.dumps({"payouts": payouts, "audit": audit, "trial_balance_cents": net}, indent=2)
        )
    else:
        _show(told, findings, lines)
    return 0 if good else 1


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    db = Database(settings.database_url, pool_max=1, name="demo")
    try:
        yield db
    finally:
        db.close()


def _withdraw(settings: Settings, db: Database, part: Part, *, quiet: bool) -> Told:
    amount = shillings(part.whole_shillings)
    _note(f"\n{part.title}: {kes(amount)} from {part.phone}", quiet=quiet)
    handset = Handset(SandboxNetwork(settings.at_base), part.phone)
    screens = [handset.dial(settings.ussd_service_codes[0]).shown]
    for typed in ("1", str(part.whole_shillings), part.pin):
        if screens[-1].is_open:
            screens.append(handset.reply(typed).shown)
    reference = _reference(screens[-1])
    told = Told(part.title, reference, "requested", amount, [s.text for s in screens])
    _note(f"  dialled, confirmed with PIN: {reference}", quiet=quiet)
    _until_the_end(db, told, quiet=quiet)
    told.sms = _receipts(handset, reference)
    return told


def _reference(last: Screen) -> str:
    found = REFERENCE.search(last.text)
    if found is None or last.is_open:
        raise Broken(f"the withdrawal was not taken in; the last screen says: {last.text}")
    return found.group()


def _until_the_end(db: Database, told: Told, *, quiet: bool) -> None:
    """Follow a payout's events as they happen."""
    deadline = time.monotonic() + END_S_MAX
    while True:
        with db.transaction() as tx:
            rows = tx.execute(
                sa.text(
                    "SELECT e.to_state, e.cause, e.at, p.requested_at FROM payout p"
                    " JOIN payout_event e ON e.payout_id = p.id"
                    " WHERE p.reference = :reference ORDER BY e.version"
                ),
                {"reference": told.reference},
            ).all()
        for row in rows[len(told.timeline) :]:
            after = (row.at - row.requested_at).total_seconds()
            told.timeline.append(f"{after:6.2f} s  {row.to_state:<10} {row.cause}")
            _note(f"  {told.timeline[-1]}", quiet=quiet)
            told.state = row.to_state
        if rows and told.state not in OPEN_STATES:
            return
        if time.monotonic() > deadline:
            raise Broken(
                f"{told.reference} is still {told.state} after {END_S_MAX} s;"
                f" see `baraza payouts show {told.reference}`"
            )
        time.sleep(POLL_S)


def _receipts(handset: Handset, reference: str) -> list[str]:
    """The SMS about a payout, once its last word has arrived."""
    deadline = time.monotonic() + END_S_MAX
    while True:
        texts = [sms.text for sms in handset.inbox() if reference in sms.text]
        if texts or time.monotonic() > deadline:
            return texts
        time.sleep(POLL_S)


def _show(
    told: list[Told],
    findings: list[invariants.Finding],
    lines: list[statements.TrialLine],
) -> None:
    from rich.console import Console
    from rich.panel import Panel
    from rich.table import Table

    console = Console()
    for one in told:
        body = [
            "[dim]last screen[/]  " + one.screens[-1].replace("\n", " "),
            *(f"[dim]SMS[/]          {text}" for text in one.sms),
        ]
        console.print(Panel("\n".join(body), title=f"{one.title}: {one.reference} {one.state}"))
    table = Table(title="Trial balance", title_justify="left")
    table.add_column("account")
    table.add_column("KES", justify="right")
    for line in lines:
        if line.cents:
            table.add_row(line.name, kes(line.cents).replace("KES ", ""))
    table.add_row("[bold]nets to[/]", f"[bold]{kes(sum(line.cents for line in lines))}[/]")
    console.print(table)
    broken = [f for f in findings if not f.ok]
    for finding in broken:
        console.print(f"[red]BROKEN[/] {finding.name}: {finding.detail}")
    console.print(f"{len(findings) - len(broken)} of {len(findings)} invariants hold.")


def _note(line: str, *, quiet: bool) -> None:
    if not quiet:
        click.echo(line, err=True)
