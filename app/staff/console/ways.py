"""The ways between the pages, as they stand at the top of each: by what people come for."""

from dataclasses import dataclass

from app.staff.permissions import Permission


@dataclass(frozen=True, slots=True)
class Way:
    """One page of the top bar."""

    endpoint: str
    title: str
    permission: Permission


WAYS = (
    (
        Way("console.today", "Today", Permission.SEE_OWN),
        Way("console.pictures", "Pictures", Permission.SEE_PAYOUTS),
        Way("console.payouts", "Payouts", Permission.SEE_PAYOUTS),
        Way("console.messages", "SMS", Permission.SEE_PAYOUTS),
        Way("console.attention", "Needs attention", Permission.SEE_PAYOUTS),
        Way("console.proposals_list", "Approvals", Permission.SEE_PROPOSALS),
    ),
    (
        Way("console.reconciliation", "Reconciliation", Permission.SEE_RECONCILIATION),
        Way("console.float_money", "Float", Permission.SEE_FLOAT),
        Way("console.reports", "Reports", Permission.SEE_REPORTS),
    ),
    (
        Way("console.controls", "Controls", Permission.STOP),
        Way("console.limits", "Limits", Permission.SEE_PAYOUTS),
        Way("console.tariffs", "Fees", Permission.SEE_PAYOUTS),
        Way("console.ussd", "USSD", Permission.SEE_USSD),
        Way("console.inbound_calls", "Inbound", Permission.SEE_INBOUND),
        Way("console.machines", "Queues", Permission.SEE_QUEUES),
        Way("console.machinery", "Health", Permission.SEE_HEALTH),
    ),
    (
        Way("console.colleagues", "People", Permission.SEE_STAFF),
        Way("console.record", "Record", Permission.SEE_RECORD),
    ),
)
"""The members' withdrawals; the money at M-PESA; the machinery; the house itself."""
