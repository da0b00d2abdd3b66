"""`baraza members show`: a member as the help desk needs her."""

from collections.abc import Sequence

import click
from rich.table import Table

from app.commands import output
from app.commands.session import database
from app.money import kes
from app.operations import member_file
from app.operations.member_file import Account, MemberView

who_argument = click.argument("who", metavar="PHONE_OR_NO")


@click.command()
@who_argument
@output.as_json
def show(who: str, *, as_json: bool) -> None:
    """Standing, PIN, accounts, payouts and acts of one member, by phone or member number."""
    with database() as db, db.transaction() as tx:
        view = member_file.read(tx, member_file.found(tx, who))
    if as_json:
        output.print_json(view)
        return
    _print(view)


@click.command()
@who_argument
@output.as_json
def accounts(who: str, *, as_json: bool) -> None:
    """Her accounts, what each holds, and which of them can be drawn from by phone."""
    with database() as db, db.transaction() as tx:
        held = member_file.accounts(tx, member_file.found(tx, who))
    if as_json:
        output.print_json(held)
        return
    output.console().print(_table(held) if held else "No accounts yet.")


def _print(view: MemberView) -> None:
    screen = output.console()
    screen.print(
        output.plain(
            f"Member {view.member_no} · {view.phone} · {view.language} · {view.status}"
            f" · mandate {view.mandate}"
        )
    )
    for line in _standing(view):
        screen.print(output.plain(f"· {line}"))
    screen.print(_table(view.accounts) if view.accounts else "No accounts yet.")
    payouts = [
        (p.reference, p.state, kes(p.amount_cents), output.moment(p.requested_at))
        for p in view.payouts
    ]
    screen.print(
        output.table(("Payout", "State", "Amount", "Requested (Nairobi)"), payouts)
        if payouts
        else "No payouts yet."
    )
    acts = [(output.moment(a.at), a.action, a.by, a.reason) for a in view.acts]
    if acts:
        screen.print(output.table(("Nairobi", "Done", "By", "Reason"), acts))


def _table(held: Sequence[Account]) -> Table:
    rows = [
        (a.account_id, a.name, a.product, "yes" if a.withdrawable else "no", kes(a.available_cents))
        for a in held
    ]
    columns = ("Account", "Name", "Product", "By phone", "Available")
    return output.table(columns, rows, right=("Available",))


def _standing(view: MemberView) -> list[str]:
    """What else a help desk must know, one line each."""
    pins = {
        "own": "has a PIN of her own",
        "none": "has no PIN; `baraza members pin-reset` sends a start PIN",
        "start": f"a start PIN is out until {output.moment(view.start_pin_until)}",
        "expired": "her start PIN ran out; `baraza members pin-reset` sends a new one",
    }
    lines = [pins[view.pin]]
    if not view.has_id_on_file:
        lines.append("no ID on file: a start PIN opens nothing; `baraza members id` mends it")
    if view.phone_locked_at is not None:
        since = output.moment(view.phone_locked_at)
        lines.append(f"phone service LOCKED since {since}: {view.phone_lock_reason}")
    if view.pin_locked_until is not None:
        lines.append(f"PIN locked until {output.moment(view.pin_locked_until)}")
    if view.pin_reset_at is not None:
        lines.append(f"PIN reset {output.moment(view.pin_reset_at)}")
    if view.number_changed_at is not None:
        lines.append(f"number changed {output.moment(view.number_changed_at)}")
    if not view.receipt_balance:
        lines.append("receipts do not name the balance")
    if view.sms_blocked_since is not None:
        lines.append(f"refuses our SMS since {output.moment(view.sms_blocked_since)}")
    return lines
