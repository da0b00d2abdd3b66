"""What people call the states of a payout, on every page."""

from app.payouts.states import State

TITLES = {
    State.REQUESTED: "Requested",
    State.DECLINED: "Declined",
    State.RESERVED: "Reserved",
    State.APPROVAL: "Approval",
    State.SUBMITTING: "Sending",
    State.SUBMITTED: "M-PESA has it",
    State.IN_DOUBT: "In doubt",
    State.PAID: "Paid",
    State.REVERSED: "Given back",
    State.CANCELLED: "Cancelled",
    State.RECOVERY: "To recover",
    State.RECOVERED: "Recovered",
    State.WRITTEN_OFF: "Written off",
    State.RETURNED: "Returned",
}
