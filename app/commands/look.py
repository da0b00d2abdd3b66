"""Commands that look and change nothing: `audit`, and by their names the other groups."""

import sys
from collections.abc import Sequence

import click

from app.commands import output
from app.commands.look_config import config
from app.commands.look_payouts import payouts
from app.commands.session import database
from app.operations import invariants
from app.operations.invariants import Finding

__all__ = ["audit", "config", "payouts"]


@click.command()
@output.as_json
def audit(*, as_json: bool) -> None:
    """Check that every shilling is where it must be.

    Reads all the books, payouts, evidence and SMS, and checks every rule that must hold at any
    moment, also while Baraza works. Changes nothing. Exit code 1 if any rule is broken.
    """
    with database() as db, db.transaction() as tx:
        findings = invariants.run(tx)
    if as_json:
        output.print_json(findings)
    else:
        _print(findings)
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


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
            f"{broken} of {len(findings)} rules are broken. Stop worker and clock, so that no money"
            " moves; what members ask for waits. Then find out why."
        )
    else:
        screen.print(f"All {len(findings)} rules hold.")
