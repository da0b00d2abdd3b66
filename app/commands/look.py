"""Commands that look and change nothing: `audit`, `ledger`, and by their names the other groups."""

import sys
from collections.abc import Sequence

import click

from app.commands import output
from app.commands.look_config import config
from app.commands.look_payouts import payouts
from app.commands.session import database
from app.ledger import statements
from app.money import kes
from app.operations import invariants
from app.operations.invariants import Finding

__all__ = ["audit", "config", "ledger", "payouts"]


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


@click.group()
def ledger() -> None:
    """Look into the books."""


@ledger.command("trial-balance")
@output.as_json
def trial_balance(*, as_json: bool) -> None:
    """Every general ledger account at this moment. Debits and credits together are zero."""
    with database() as db, db.transaction() as tx:
        lines = statements.trial_balance(tx)
    net = sum(line.cents for line in lines)
    if as_json:
        output.print_json({"accounts": lines, "trial_balance_cents": net})
        return
    rows = [
        (
            line.gl_code,
            line.name,
            line.gl_class,
            kes(line.cents) if line.cents > 0 else "",
            kes(-line.cents) if line.cents < 0 else "",
        )
        for line in lines
    ]
    screen = output.console()
    screen.print(
        output.table(
            ("Code", "Account", "Class", "Debit", "Credit"), rows, right=("Debit", "Credit")
        )
    )
    screen.print("The books balance." if net == 0 else f"THE BOOKS ARE OFF BY {kes(net)}.")
