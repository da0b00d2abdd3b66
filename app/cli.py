"""The `baraza` command. Each subcommand is imported only when it is called."""

import importlib
import sys
from typing import Any

import click

from app.errors import BarazaError, Misconfigured

COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("app.commands.up:up", "start everything on this machine, with the sandbox"),
    "web": ("app.commands.processes:web", "serve USSD, callbacks and staff pages"),
    "worker": ("app.commands.processes:worker", "move payouts: RQ worker processes"),
    "clock": ("app.commands.processes:clock", "ring again for whatever is due"),
    "sandbox": ("app.commands.processes:sandbox", "stand-ins for Safaricom and Africa's Talking"),
    "migrate": ("app.commands.processes:migrate", "bring the database to this version's schema"),
    "demo": ("app.commands.demo:demo", "three withdrawals: paid, refused, silent-then-paid"),
    "dial": ("app.commands.dial:dial", "a phone in the terminal"),
    "alerts": ("app.commands.alerts:alerts", "what is wrong now, and what to do first"),
    "audit": ("app.commands.look:audit", "check that every shilling is where it must be"),
    "payouts": ("app.commands.look:payouts", "find a payout and see all that happened to it"),
    "cases": ("app.commands.cases:cases", "what needs a person, and how two people end it"),
    "dead-letters": (
        "app.commands.dead_letters:dead_letters",
        "payouts that a step failed on every time; try one again",
    ),
    "reconcile": ("app.commands.reconcile:reconcile", "import M-PESA's statement and compare"),
    "breaks": ("app.commands.reconcile:breaks", "what does not agree with M-PESA's statement"),
    "day": ("app.commands.day:day", "close a day: control totals, signed"),
    "sms": ("app.commands.sms:sms", "what members were told; resend; why none goes out"),
    "ledger": ("app.commands.ledger:ledger", "the books: trial balance, batches for two people"),
    "members": ("app.commands.members:members", "bring members in, look one up, unlock"),
    "limits": ("app.commands.limits:limits", "what members may draw, and public holidays"),
    "tariffs": ("app.commands.tariffs:tariffs", "what withdrawals cost members"),
    "withdrawals": ("app.commands.withdrawals:withdrawals", "stop all withdrawals at once"),
    "providers": ("app.commands.providers:providers", "how M-PESA and SMS are doing; holds"),
    "staff": ("app.commands.staff:staff", "who may sign in to the staff pages"),
    "config": ("app.commands.look:config", "every setting, and the addresses to register"),
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and imports one only to run it."""

    def main(self, *arguments: Any, **extra: Any) -> Any:
        """Run a command; Baraza's own errors become a sentence and an exit code."""
        try:
            return super().main(*arguments, **extra)
        except Misconfigured as wrong:
            click.echo(str(wrong), err=True)
            sys.exit(2)
        except BarazaError as failed:
            click.echo(f"{failed.code}: {failed}", err=True)
            sys.exit(1)

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """In the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Import the command's module and take the command from it."""
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list for `--help`, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="baraza", prog_name="baraza")
def main() -> None:
    """Savings to M-PESA over USSD.

    Start with `baraza up` (or `make run`), then, in another terminal,
    `baraza dial +254712345678`.
    """
