"""`baraza ledger`: the trial balance, and by their names batches, export and compare."""

import click

from app.commands import ledger_batches, ledger_compare, ledger_export, output
from app.commands.session import database
from app.ledger import statements
from app.money import kes


@click.group()
def ledger() -> None:
    """The books: look into them, and bring in what the SACCO's own books say."""


for _command in (ledger_batches.post, ledger_batches.approve, ledger_batches.reject):
    ledger.add_command(_command)
ledger.add_command(ledger_batches.batches)
ledger.add_command(ledger_export.export)
ledger.add_command(ledger_compare.compare)


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
