"""The operations console: what people at the SACCO see of payouts, and may do about them."""

# Each module puts its pages at their addresses; the blueprint is whole once all are read.
from app.staff.console import (
    acts,
    approving,
    attention,
    colleagues,
    controls,
    machines,
    member,
    member_statement,
    messages,
    payout,
    payouts,
    pictures,
    proposals,
    reconciliation,
    record,
    showing,
    today,
    you,
)
from app.staff.console.routes import bp

__all__ = [
    "acts",
    "approving",
    "attention",
    "bp",
    "colleagues",
    "controls",
    "machines",
    "member",
    "member_statement",
    "messages",
    "payout",
    "payouts",
    "pictures",
    "proposals",
    "reconciliation",
    "record",
    "showing",
    "today",
    "you",
]
