"""`baraza cases`: what needs a person, and the few things that people may do about it."""

from typing import Required, TypedDict, Unpack

import click

from app import audit
from app.commands import configuring, output
from app.commands.colleague import colleague, sign_in
from app.commands.session import database
from app.config import load
from app.money import kes
from app.payouts import cases as needing
from app.payouts import planning, proposals
from app.payouts.deadlines import Schedule
from app.payouts.proofs import Action
from app.payouts.proposals import Effect
from app.staff.permissions import ROLES, Permission


class _Given(TypedDict, total=False):
    """What the options of every proposing command give."""

    reason: Required[str]
    email: Required[str]
    password_stdin: Required[bool]
    receipt: str
    paid_by: str


@click.group()
def cases() -> None:
    """Payouts that machines cannot end, and how two people end them.

    \b
    baraza cases list
    baraza cases ask BRZ7K2M9QX
    baraza cases settle BRZ7K2M9QX --receipt SKL61MQ8WL --reason "statement of 23/11" --as EMAIL
    baraza cases release BRZ7K2M9QX --reason "not on the statement" --as EMAIL
    baraza cases proposals
    baraza cases approve 7 --as ANOTHER

    One person proposes; nothing happens until another one agrees. Both are shown the entries and
    the SMS that will come of it, and nothing else does. A proposal is void as soon as anything is
    said about the payout, and after four hours.
    """  # noqa: D301 - \b is click's mark for lines that stay lines


@cases.command("list")
@click.option("--to-come", is_flag=True, help="also doubts that are younger than a day")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@output.as_json
def list_cases(*, to_come: bool, limit: int, as_json: bool) -> None:
    """What needs a person, the oldest first."""
    with database() as db, db.transaction() as tx:
        found = needing.listed(tx, to_come=to_come, limit=limit)
    if as_json:
        output.print_json(found)
        return
    if not found:
        click.echo("No payout needs a person.")
        return
    rows = [
        (
            one.reference,
            one.kind,
            one.state,
            kes(one.amount_cents),
            output.moment(one.opens_at),
            one.why,
            f"proposal {one.proposed}" if one.proposed else "",
        )
        for one in found
    ]
    columns = ("Payout", "Case", "State", "Amount", "Since (Nairobi)", "Why", "Waits for")
    output.console().print(output.table(columns, rows, right=("Amount",)))


@cases.command()
@click.argument("reference", metavar="REF")
def ask(reference: str) -> None:
    """Ask M-PESA about a payout now. The answer is in `baraza payouts show REF` within seconds."""
    named = reference.strip().upper()
    with database() as db, db.transaction() as tx:
        needing.ask(tx, named, by=audit.operator())
    click.echo(f"M-PESA is asked about {named}; see `baraza payouts show {named}`.")


@cases.command()
@click.argument("reference", metavar="REF")
def resend(reference: str) -> None:
    """Send the same request again, under the same id, in the minutes in which that is safe."""
    named = reference.strip().upper()
    with database() as db, db.transaction() as tx:
        needing.resend(tx, named, _schedule(), by=audit.operator())
    click.echo(f"{named} is sent again within seconds.")


@cases.command()
@click.argument("reference", metavar="REF")
@click.option("--receipt", required=True, help="M-PESA's, such as SKL61MQ8WL")
@configuring.reason
@colleague
def settle(reference: str, **given: Unpack[_Given]) -> None:
    """Propose that M-PESA paid it, by a receipt that M-PESA itself has shown us."""
    _propose(reference, Action.SETTLE, **given)


@cases.command()
@click.argument("reference", metavar="REF")
@configuring.reason
@colleague
def release(reference: str, **given: Unpack[_Given]) -> None:
    """Propose that M-PESA did not pay it and never will: the total goes back to savings.

    It needs: a day since the last call; M-PESA's statement of that day, without it; and an answer
    of the last four hours that M-PESA does not know it, or did not pay it. What was never sent
    needs none of these.
    """
    _propose(reference, Action.RELEASE, **given)


@cases.command()
@click.argument("reference", metavar="REF")
@configuring.reason
@colleague
def uphold(reference: str, **given: Unpack[_Given]) -> None:
    """Propose that what is booked is right, whatever contradicted it. No money moves."""
    _propose(reference, Action.UPHOLD, **given)


@cases.command("take-back")
@click.argument("reference", metavar="REF")
@configuring.reason
@colleague
def take_back(reference: str, **given: Unpack[_Given]) -> None:
    """Propose that M-PESA took the payment back, as its statement shows.

    The total goes to the member's savings again.
    """
    _propose(reference, Action.TAKE_BACK, **given)


@cases.command("make-good")
@click.argument("reference", metavar="REF")
@click.option(
    "--from",
    "paid_by",
    required=True,
    type=click.Choice(["savings", "mpesa"]),
    help="who gave the amount back: the member's savings, or M-PESA as its statement shows",
)
@configuring.reason
@colleague
def make_good(reference: str, **given: Unpack[_Given]) -> None:
    """Propose that the amount that M-PESA paid after a reversal comes back to the SACCO."""
    _propose(reference, Action.MAKE_GOOD, **given)


@cases.command("give-up")
@click.argument("reference", metavar="REF")
@configuring.reason
@colleague
def give_up(reference: str, **given: Unpack[_Given]) -> None:
    """Propose that the SACCO bears the amount that M-PESA paid after a reversal."""
    _propose(reference, Action.GIVE_UP, **given)


@cases.command("proposals")
@click.option("--all", "decided", is_flag=True, help="also those that were decided")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@output.as_json
def list_proposals(*, decided: bool, limit: int, as_json: bool) -> None:
    """What waits for a second person."""
    with database() as db, db.transaction() as tx:
        found = proposals.listed(tx, decided=decided, limit=limit)
    if as_json:
        output.print_json(found)
        return
    if not found:
        click.echo("No proposal." if decided else "No proposal waits for a second person.")
        return
    rows = [
        (
            one.id,
            one.reference,
            one.action.replace("_", "-"),
            one.proof,
            one.reason,
            f"{one.maker}, {output.moment(one.made_at)}",
            one.outcome or f"waits until {output.moment(one.expires_at)}",
            f"{one.checker or 'nobody'}, {output.moment(one.decided_at)}" if one.outcome else "",
        )
        for one in found
    ]
    columns = ("No.", "Payout", "Action", "Proof", "Reason", "Made by", "Outcome", "Decided by")
    output.console().print(output.table(columns, rows, right=("No.",)))


@cases.command()
@click.argument("number", type=click.IntRange(min=1))
@colleague
@configuring.yes
def approve(number: int, *, email: str, password_stdin: bool, yes: bool) -> None:
    """Agree to proposal NUMBER, which somebody else made. It is done at once."""
    schedule = _schedule()
    with database() as db:
        by = sign_in(db, email, password_stdin=password_stdin, roles=ROLES[Permission.DECIDE])
        with db.transaction() as tx:
            proposal, effect = proposals.look(tx, number, schedule)
        click.echo(
            f"{proposal.action.replace('_', '-')} {proposal.reference}, proposed by"
            f" {proposal.maker}: {proposal.reason}. Seen to hold: {proposal.proof}."
        )
        _show(proposal.reference, effect)
        configuring.confirm("Agree, and do this", yes=yes)
        with db.transaction() as tx:
            done = proposals.approve(tx, number, schedule, by=by)
    click.echo(f"Done: {proposal.reference} is {done.state}.")


@cases.command()
@click.argument("number", type=click.IntRange(min=1))
@configuring.reason
@colleague
def reject(number: int, *, reason: str, email: str, password_stdin: bool) -> None:
    """Let go of proposal NUMBER. Its maker may do so too."""
    with database() as db:
        by = sign_in(db, email, password_stdin=password_stdin, roles=ROLES[Permission.REJECT])
        with db.transaction() as tx:
            proposals.reject(tx, number, reason=reason, by=by)
    click.echo(f"Proposal {number} is rejected. Nothing of it was done.")


def _propose(reference: str, action: Action, **given: Unpack[_Given]) -> None:
    named = reference.strip().upper()
    with database() as db:
        by = sign_in(
            db,
            given["email"],
            password_stdin=given["password_stdin"],
            roles=ROLES[Permission.PROPOSE],
        )
        with db.transaction() as tx:
            number, effect = proposals.propose(
                tx,
                named,
                action,
                _schedule(),
                reason=given["reason"],
                by=by,
                receipt=given.get("receipt", "").strip().upper() or None,
                paid_by=given.get("paid_by"),
            )
    _show(named, effect)
    click.echo(
        f"Proposal {number} is made; nothing of this is done yet. Somebody else:"
        f" `baraza cases approve {number} --as EMAIL`."
    )


def _show(reference: str, effect: Effect) -> None:
    """What will come of it: the state, the entries, the SMS."""
    click.echo(f"{reference}: {effect.state_before} -> {effect.state}")
    lines = [
        (
            line.kind,
            line.gl_name,
            kes(line.cents) if line.cents > 0 else "",
            kes(-line.cents) if line.cents < 0 else "",
        )
        for line in effect.entries
    ]
    if lines:
        columns = ("Entry", "Account", "Debit", "Credit")
        output.console().print(output.table(columns, lines, right=("Debit", "Credit")))
    else:
        click.echo("No entry: no money moves.")
    for text in effect.sms:
        click.echo(f"SMS: {text}")
    if not effect.sms:
        click.echo("No SMS.")


def _schedule() -> Schedule:
    return planning.schedule(load())
