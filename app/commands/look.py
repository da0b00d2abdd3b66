"""Commands that look and change nothing: `audit`, and by their names the other groups."""

import sys
from collections.abc import Sequence

import click

from app.commands import output
from app.commands.look_config import config
from app.commands.look_payouts import payouts
from app.commands.session import database
from app.operations import auditing
from app.operations.auditing import Run
from app.operations.invariants import Finding

__all__ = ["audit", "config", "payouts"]


RUNS_SHOWN = 20


@click.command()
@click.option("--last", "show_last", is_flag=True, help="only show what the last audits found")
@output.as_json
def audit(*, show_last: bool, as_json: bool) -> None:
    """Check that every shilling is where it must be.

    Reads all the books, payouts, evidence and SMS, and checks every rule that must hold at any
    moment, also while Baraza works. Exit code 1 if any rule is broken. The timekeeper asks the same
    rules every minute about what is new, and once a night about everything.

    Every audit is kept on record. One that finds a rule broken stops withdrawals; `baraza
    withdrawals resume` lets them go on once a person knows why.
    """
    if show_last:
        _print_runs(as_json=as_json)
        return
    with database() as db, db.transaction() as tx:
        findings = auditing.full(tx)
    if as_json:
        output.print_json(findings)
    else:
        _print(findings)
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


def _print_runs(*, as_json: bool) -> None:
    with database() as db, db.transaction() as tx:
        runs = auditing.latest(tx, limit=RUNS_SHOWN)
    if as_json:
        output.print_json(runs)
        return
    if not runs:
        click.echo("No audit has run yet. `baraza audit` makes one; so does `baraza clock`.")
        return
    rows = [(output.moment(one.started_at), one.kind, _took(one), _outcome(one)) for one in runs]
    columns = ("Began (Nairobi)", "About", "Seconds", "Outcome")
    output.console().print(output.table(columns, rows, right=("Seconds",)))


def _took(run: Run) -> str:
    return f"{(run.finished_at - run.started_at).total_seconds():.1f}"


def _outcome(run: Run) -> str:
    if not run.findings:
        return f"all {run.rules} rules hold"
    return "; ".join(f"{one['state'].upper()}: {one['rule']}" for one in run.findings)


def _print(findings: Sequence[Finding]) -> None:
    screen = output.console()
    for finding in findings:
        mark, style = ("✓", "green") if finding.ok else ("✗", "bold red")
        screen.print(mark, output.plain(finding.name), style=style)
        if not finding.ok:
            screen.print("   ", output.plain(finding.detail))
    broken = sum(not finding.ok for finding in findings)
    if broken:
        screen.print(
            f"{broken} of {len(findings)} rules are broken. Withdrawals are stopped, unless"
            " somebody let them go on knowing of it. Stop worker and clock too, so that no money"
            " moves at all. Then find out why."
        )
    else:
        screen.print(f"All {len(findings)} rules hold.")
