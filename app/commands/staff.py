"""`baraza staff`: who may sign in to the staff pages."""

import sys

import click
from rich.console import Console
from rich.table import Table

from app import audit, clock
from app.commands import configuring, output
from app.commands.session import database
from app.operations import record_seals
from app.staff import accounts, passwords, second_factor
from app.staff.accounts import Role
from app.staff.passwords import WeakPassword


@click.group(
    epilog='For example: baraza staff create amina@sacco.example --name "Amina Njoroge" --role ops'
)
def staff() -> None:
    """Who may sign in to the staff pages."""


@staff.command()
@click.argument("email")
@click.option("--name", prompt=True, help="as colleagues know the person")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.SUPPORT.value,
    show_default=True,
    help="ops and manager see the job queues",
)
@click.option("--password-stdin", is_flag=True, help="take the first line of stdin, for scripts")
def create(email: str, name: str, role: str, *, password_stdin: bool) -> None:
    """Make an account. Asks for a password of 12 characters or more."""
    if "@" not in email:
        raise click.BadParameter("an e-mail has an @", param_hint="EMAIL")
    password = _new_password(email, from_stdin=password_stdin)
    with database() as db, db.transaction() as tx:
        accounts.create(tx, email=email, name=name, role=role, password=password)
    click.echo(f"{accounts.normal(email)} may sign in at /staff as {role}.")


@staff.command()
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="take the first line of stdin, for scripts")
def password(email: str, *, password_stdin: bool) -> None:
    """Set a new password. Ends the person's sessions and lifts a lock."""
    new = _new_password(email, from_stdin=password_stdin)
    with database() as db, db.transaction() as tx:
        accounts.set_password(tx, email=email, password=new)
    click.echo(f"{accounts.normal(email)} has a new password. All earlier sessions have ended.")


@staff.command("second-factor-reset")
@click.argument("email")
@configuring.reason
def second_factor_reset(email: str, *, reason: str) -> None:
    """Forget a person's authenticator app and recovery codes, and end their sessions.

    After looking at who asks: whoever has the password then sets up a new one.
    """
    with database() as db, db.transaction() as tx:
        person = accounts.by_email(tx, email)
        second_factor.take_away(tx, person.id, reason=reason, by=audit.operator())
        accounts.end_sessions(tx, person.id)
    click.echo(f"{person.email} has no second factor now. All sessions have ended.")


@staff.command()
@click.argument("email")
def disable(email: str) -> None:
    """End an account and its sessions. What the person did stays on record."""
    with database() as db, db.transaction() as tx:
        accounts.disable(tx, email=email)
    click.echo(f"{accounts.normal(email)} can no longer sign in. Open sessions have ended.")


@staff.command("list")
def list_accounts() -> None:
    """Show every account, disabled ones too."""
    with database() as db, db.transaction() as tx:
        found = accounts.everyone(tx)
    if not found:
        click.echo("Nobody has an account yet. Make one with `baraza staff create EMAIL`.")
        return
    table = Table(
        "E-mail", "Name", "Role", "State", "Second factor", "Last signed in (Nairobi)", box=None
    )
    for line in found:
        seen = clock.nairobi(line.last_signed_in_at) if line.last_signed_in_at else "never"
        factor = "yes" if line.has_second_factor else "no"
        table.add_row(line.email, line.name, line.role, line.state, factor, seen)
    Console().print(table)


@staff.command()
@output.as_json
def seals(*, as_json: bool) -> None:
    """Check that the record of what people did still holds what it held. Exit code 1 if not.

    The timekeeper seals what is new each minute: a chain of hashes over all rows. Each signed day
    carries the newest one.
    """
    with database() as db, db.transaction() as tx:
        findings = record_seals.verify(tx)
        found = record_seals.read(tx)
    if as_json:
        output.print_json({"findings": findings, "seals": found})
    else:
        for finding in findings:
            mark = "✓" if finding.ok else "✗"
            click.echo(f"{mark} {finding.name}{'' if finding.ok else ': ' + finding.detail}")
        click.echo(f"{found.acts} acts in {found.blocks} blocks, {found.unsealed} newer.")
        click.echo(f"Newest hash: {found.head or 'none yet'}")
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


def _new_password(email: str, *, from_stdin: bool) -> str:
    """A password that is good enough; a person at the terminal is asked until it is."""
    address = accounts.normal(email)
    if from_stdin:
        given = sys.stdin.readline().rstrip("\r\n")
        passwords.require_strength(given, email=address)
        return given
    while True:
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt="Once more")
        try:
            passwords.require_strength(typed, email=address)
        except WeakPassword as weak:
            click.echo(str(weak))
        else:
            return typed
