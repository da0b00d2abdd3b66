"""The entry of each thing that can become of a payout. Pure: the payout in, its entry out."""

from datetime import date
from typing import Literal
from uuid import UUID

from app.ledger import entries
from app.ledger.entries import JournalEntry
from app.payouts.claims import Payout

PaidBackBy = Literal["savings", "mpesa"]
"""Who gave the SACCO its money back: the member, or M-PESA."""


def settled(payout: Payout, today: date) -> JournalEntry:
    """M-PESA paid it."""
    return entries.settle(
        entry_id=payout.resolve_id,
        effective_on=today,
        reference=payout.reference,
        amount_cents=payout.amount_cents,
        fee_cents=payout.fee_cents,
        duty_cents=payout.duty_cents,
    )


def compensated(payout: Payout, today: date) -> JournalEntry:
    """It will not be paid: all goes back. Under the same id, so the books take one of the two."""
    return entries.compensate(
        entry_id=payout.resolve_id,
        effective_on=today,
        reference=payout.reference,
        account=payout.account_id,
        total_cents=payout.total_cents,
        reverses=payout.reserve_id,
    )


def recovery(payout: Payout, today: date, entry_id: UUID) -> JournalEntry:
    """M-PESA paid it after all went back: the member owes the amount."""
    return entries.recover(
        entry_id=entry_id,
        effective_on=today,
        reference=payout.reference,
        amount_cents=payout.amount_cents,
    )


def made_good(payout: Payout, today: date, entry_id: UUID, by: PaidBackBy) -> JournalEntry:
    """What the member owed is the SACCO's again."""
    if by == "mpesa":
        return entries.recovered_from_mpesa(
            entry_id=entry_id,
            effective_on=today,
            reference=payout.reference,
            amount_cents=payout.amount_cents,
        )
    return entries.recovered_from_savings(
        entry_id=entry_id,
        effective_on=today,
        reference=payout.reference,
        account=payout.account_id,
        amount_cents=payout.amount_cents,
    )


def given_up(payout: Payout, today: date, entry_id: UUID) -> JournalEntry:
    """What the member owed is the SACCO's loss."""
    return entries.write_off(
        entry_id=entry_id,
        effective_on=today,
        reference=payout.reference,
        amount_cents=payout.amount_cents,
    )


def returned(payout: Payout, today: date, entry_id: UUID) -> JournalEntry:
    """M-PESA took it back: the member has all of it again."""
    return entries.returned(
        entry_id=entry_id,
        effective_on=today,
        reference=payout.reference,
        account=payout.account_id,
        amount_cents=payout.amount_cents,
        fee_cents=payout.fee_cents,
        duty_cents=payout.duty_cents,
    )
