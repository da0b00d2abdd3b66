"""What screens about money set off: withdrawing, taking it back, and reading the books."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa

from app.channels.ussd_calls import Call, Done, member_of, pin_refused
from app.clock import nairobi
from app.doorbell import Step
from app.errors import BarazaError
from app.ledger import statements
from app.observability import logger
from app.payouts import cancel, intake, latest, quotes
from app.payouts.cancel import Cancelled, TooLate
from app.payouts.intake import OpenPayout, Requested
from app.payouts.states import State
from ussd_menus.model import Facts, Row
from ussd_menus.placeholders import REASONS, STATEMENT_LINES_MAX

_LAST = {
    State.PAID: "paid",
    State.REVERSED: "failed",
    State.DECLINED: "declined",
    State.CANCELLED: "cancelled",
    State.RETURNED: "returned",
    State.RECOVERY: "paid_after_all",
    State.RECOVERED: "paid_after_all",
    State.WRITTEN_OFF: "paid_after_all",
}
"""How the last withdrawal ended, as outcomes of `read_last`. Every other state is still open."""


def status_facts(payout: OpenPayout) -> Facts:
    """An open withdrawal in the words of a screen: never its amount, for no PIN was typed."""
    status = "unsent" if payout.can_cancel else _status(payout.state)
    return {"ref": payout.reference, "status": status}


def prepare_quote(call: Call) -> Facts:
    """Price the withdrawal and store what the confirm screen will show: that binds us.

    Raises:
        Refused: nothing in force prices this amount.
    """
    amount = call.state.facts["amount"]
    assert isinstance(amount, int)
    quote = quotes.make(
        call.tx,
        session_id=call.session.session_id,
        transcript_mac=call.mac,
        member_id=member_of(call).id,
        account_id=call.chosen_account(),
        amount_cents=amount,
    )
    return {
        "quote": str(quote.id),
        "fee": quote.fee_cents,
        "duty": quote.duty_cents,
        "total": quote.total_cents,
    }


def submit_withdrawal(call: Call) -> Done:
    """Turn the quote that was shown into a payout, if the PIN is right."""
    member = member_of(call)
    refusal = pin_refused(call, member)
    if refusal is not None:
        return refusal
    member_of(
        call
    )  # once more, now that her row is locked: the number that was shown is still hers
    quote_id = UUID(str(call.state.facts["quote"]))
    try:
        # The PIN was typed and counted whatever comes of the withdrawal: only this is undone.
        with call.tx.begin_nested():
            answer = intake.request(
                call.tx,
                quote_id=quote_id,
                notice_after_s=call.doors.settings.payout_notice_after_s,
                expires_after_s=call.doors.settings.payout_unsent_expires_after_s,
            )
    except (BarazaError, sa.exc.DBAPIError) as failed:
        _raise_if_away(failed)
        logger().error("ussd_intake_failed", error=type(failed).__name__, quote=str(quote_id))
        return Done("not_possible")
    if isinstance(answer, Requested):
        return Done("accepted", {"ref": answer.reference}, (Step.DEBIT,))
    if answer.reason is not intake.Reason.ONE_OPEN:
        return Done(answer.reason)
    other = intake.open_payout(call.tx, member.id)
    if other is None:
        # It ended between the two looks. The member may simply ask again.
        return Done("not_possible")
    return Done("one_open", status_facts(other))


def cancel_withdrawal(call: Call) -> Done:
    """Take back the withdrawal that the session began with, if nothing was sent yet."""
    member = member_of(call)
    refusal = pin_refused(call, member)
    if refusal is not None:
        return refusal
    reference = str(call.session.facts["ref"])
    try:
        with call.tx.begin_nested():
            answer = cancel.by_member(call.tx, member_id=member.id, reference=reference)
    except (BarazaError, sa.exc.DBAPIError) as failed:
        _raise_if_away(failed)
        logger().error("ussd_cancel_failed", error=type(failed).__name__, reference=reference)
        return Done("not_now")
    if isinstance(answer, Cancelled):
        return Done("cancelled", ring=(Step.SMS,))
    return Done("too_late" if isinstance(answer, TooLate) else "ended")


def read_balance(call: Call) -> Done:
    """What can be withdrawn from each account, if the PIN is right."""
    refusal = pin_refused(call, member_of(call))
    if refusal is not None:
        return refusal
    rows: list[Row] = [
        [account, name, statements.available(call.tx, account)] for account, name in call.accounts()
    ]
    return Done("shown", {"balances": rows})


def read_statement(call: Call) -> Done:
    """The last entries of the chosen account, if the PIN is right."""
    refusal = pin_refused(call, member_of(call))
    if refusal is not None:
        return refusal
    lines = statements.mini(call.tx, call.chosen_account(), STATEMENT_LINES_MAX)
    if not lines:
        return Done("empty")
    rows: list[Row] = [[_day(line.effective_on), line.cents, line.kind.value] for line in lines]
    return Done("shown", {"lines": rows})


def read_last(call: Call) -> Done:
    """What became of the member's last withdrawal, if the PIN is right."""
    member = member_of(call)
    refusal = pin_refused(call, member)
    if refusal is not None:
        return refusal
    last = latest.last(call.tx, member.id)
    if last is None:
        return Done("none")
    state = State(last.state)
    facts: dict[str, int | str] = {
        "ref": last.reference,
        "when": nairobi(last.requested_at),
        "amount": last.amount_cents,
    }
    outcome = _LAST.get(state, "open")
    if outcome == "open":
        facts["status"] = _status(state)
    elif outcome == "paid":
        facts["code"] = str(last.receipt)
    elif outcome == "failed":
        facts["reason"] = last.reason_code if last.reason_code in REASONS else "our_side"
    return Done(outcome, facts)


def _raise_if_away(failed: Exception) -> None:
    """Without a connection nothing of the hop is kept, so there is nothing to tell of it."""
    if isinstance(failed, sa.exc.DBAPIError) and failed.connection_invalidated:
        raise failed


def _status(state: str) -> str:
    return "doubt" if state == State.IN_DOUBT else "processing"


def _day(day: date) -> str:
    return f"{day:%d/%m}"
