"""Where a payout's money is, in sentences that can be read to the member as they stand.

The texts are English and serve as keys: whoever speaks another language translates `Said.text`
and fills in the same values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.clock import NAIROBI
from app.money import kes
from app.payouts.states import State


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence with its values beside it, so that it can be said in another language."""

    text: str
    values: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """In English."""
        return self.text.format(**self.values)


def sentences(payout: sa.Row[Any]) -> tuple[Said, ...]:
    """What to say about a row of `payout`: where the money is, what comes next, what not to do."""
    return (*_frozen(payout), Said(WHERE[State(payout.state)], _values(payout)), *_next(payout))


def where_the_money_is(payout: sa.Row[Any]) -> str:
    """The same in English and in one line."""
    return " ".join(str(one) for one in sentences(payout))


WHERE = {
    State.REQUESTED: "Nothing has been taken yet; {total} is to be debited.",
    State.DECLINED: "Nothing was taken: savings did not cover {total}.",
    State.APPROVAL: "{total} waits for a second person; nothing was sent.",
    State.RESERVED: "{total} left the savings and is set aside; nothing was sent to M-PESA.",
    State.SUBMITTING: "{total} left the savings and is set aside; a call to M-PESA"
    " is under way or has no recorded end.",
    State.SUBMITTED: "{total} left the savings and is set aside; M-PESA has the"
    " request and has not said how it ended.",
    State.IN_DOUBT: "{total} left the savings and is set aside; nobody knows yet"
    " whether M-PESA paid {amount}.",
    State.PAID: "M-PESA paid {amount} to the member under {receipt}.",
    State.REVERSED: "M-PESA did not pay; {total} is back in the member's savings.",
    State.CANCELLED: "Nothing was sent; {total} is back in the member's savings.",
    State.RECOVERY: "M-PESA paid {amount} under {receipt} after {total} had gone back to savings:"
    " the SACCO must recover it from the member.",
    State.RECOVERED: "{amount}, paid after a reversal, was recovered from the member.",
    State.WRITTEN_OFF: "{amount}, paid after a reversal, was written off.",
    State.RETURNED: "M-PESA took {amount} back after paying; {total} is back in savings.",
}


def _values(payout: sa.Row[Any]) -> dict[str, str]:
    return {
        "amount": kes(payout.amount_cents),
        "total": kes(payout.total_cents),
        "receipt": payout.receipt or "",
    }


def _frozen(payout: sa.Row[Any]) -> tuple[Said, ...]:
    if not payout.frozen:
        return ()
    return (Said("FROZEN until two people decide ({why}).", {"why": payout.failure or ""}),)


def _next(payout: sa.Row[Any]) -> tuple[Said, ...]:
    """What Baraza does next about a payout that M-PESA may have paid."""
    if payout.state not in {State.SUBMITTING, State.SUBMITTED, State.IN_DOUBT} or payout.frozen:
        return ()
    asks = (
        Said("Baraza asks M-PESA again at {at}.", {"at": _time(payout.ask_due_at)})
        if payout.ask_due_at
        else Said("Baraza waits for M-PESA's result.")
    )
    return asks, Said("Do not send it again.")


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(NAIROBI):%H:%M}"
