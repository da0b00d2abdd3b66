"""Journeys about money: withdrawals and what may come of them, balance, statement, status."""

from tests.golden.journey import journey
from tests.support.story import PIN, Story

LIMITS = "The SACCO sets its limits anew"


@journey
def withdraw(story: Story) -> None:
    """A withdrawal that M-PESA pays."""
    story.withdraw()
    story.meanwhile("M-PESA pays.", story.taken, story.pays)
    story.dial()


@journey
def withdraw_refused(story: Story) -> None:
    """A withdrawal that M-PESA refuses, so that the money comes back."""
    story.withdraw()
    story.meanwhile("Her M-PESA is full.", story.taken, lambda: story.refuses("8"))
    story.dial()


@journey
def withdraw_in_doubt(story: Story) -> None:
    """M-PESA is silent. The next dial says so; in the end it has paid."""
    story.withdraw()
    story.meanwhile("Nobody answers the call.", story.doubt)
    story.meanwhile(
        "Minutes pass.",
        lambda: story.sql("UPDATE payout SET notice_due_at = now() WHERE member_id = :id"),
        story.stories.resolve,
    )
    story.dial()
    story.reply("1")
    story.meanwhile("M-PESA has paid after all.", story.pays)


@journey
def held_and_cancelled(story: Story) -> None:
    """Withdrawals are stopped while hers waits. She is told, dials and takes it back."""
    story.withdraw()
    story.meanwhile("Withdrawals are stopped.", story.stop)
    story.meanwhile(
        "Minutes pass.",
        lambda: story.sql("UPDATE payout SET notice_due_at = now() WHERE member_id = :id"),
        story.stories.resolve,
    )
    story.dial()
    story.reply("1", "1", "1111", PIN)


@journey
def frozen(story: Story) -> None:
    """What M-PESA says does not fit what was asked: a person must look, and she is told."""
    story.withdraw()
    story.meanwhile(
        "M-PESA says that it paid another amount.",
        story.taken,
        lambda: story.stories.told(story.reference(), "callback", "contradiction", code="0"),
    )
    story.dial()
    story.reply("1")


@journey
def insufficient(story: Story) -> None:
    """More than her savings: said after the PIN only."""
    story.withdraw(60_000)


@journey
def daily_limit(story: Story) -> None:
    """More than a member may draw in one day."""
    story.limits(maximum=20_000_00, daily=20_000_00)
    story.withdraw(20_000)
    story.meanwhile("M-PESA pays.", story.taken, story.pays)
    story.withdraw(50)


@journey
def over_maximum(story: Story) -> None:
    """The quiet hours begin while she types."""
    story.dial()
    story.reply("1", "20000")
    story.meanwhile(f"{LIMITS}.", lambda: story.limits(maximum=10_000_00))
    story.reply(PIN)


@journey
def sacco_limit(story: Story) -> None:
    """All members together have drawn what may be drawn in an hour."""
    story.limits(sacco_hourly_cents=499_00)
    story.withdraw()


@journey
def cooling_off(story: Story) -> None:
    """Nothing can be drawn right after a PIN reset."""
    story.limits(after_change_wait_hours=24)
    story.sql("UPDATE member SET pin_reset_at = now() WHERE id = :id")
    story.withdraw()


@journey
def low_limit(story: Story) -> None:
    """Little can be drawn in the days after a PIN reset."""
    story.limits(after_change_low_hours=72, after_change_maximum_cents=5_000_00)
    story.sql("UPDATE member SET pin_reset_at = now() - interval '30 hours' WHERE id = :id")
    story.withdraw(5_001)
    story.withdraw(5_000)


@journey
def stopped(story: Story) -> None:
    """Withdrawals are stopped; balances can be read."""
    story.stop()
    story.dial()
    story.reply("1")
    story.dial()
    story.reply("2", PIN)


@journey
def stopped_meanwhile(story: Story) -> None:
    """Withdrawals are stopped while she types her PIN."""
    story.dial()
    story.reply("1", "500")
    story.meanwhile("Withdrawals are stopped.", story.stop)
    story.reply(PIN)


@journey
def open_withdrawal(story: Story) -> None:
    """While one is open no second can start, neither from the menu nor in an older session."""
    other = story.site.phone(story.number).dial().reply("1", "700")
    story.withdraw()
    story.meanwhile("M-PESA takes the call.", story.taken)
    story.dial()
    story.reply("1")
    story.meanwhile("She goes on in a session that she began before.")
    story.take_over(other)
    story.reply(PIN)


@journey
def cancel(story: Story) -> None:
    """She takes back a withdrawal that was not sent yet."""
    story.withdraw()
    story.dial()
    story.reply("1", "0", "1", "1", PIN)
    story.dial()
    story.reply("4", PIN)


@journey
def too_late_to_cancel(story: Story) -> None:
    """The call goes out while she types her PIN."""
    story.withdraw()
    story.dial()
    story.reply("1", "1")
    story.meanwhile("The call goes out.", story.called)
    story.reply(PIN)


@journey
def cancel_twice(story: Story) -> None:
    """It has ended by the time that she confirms."""
    story.withdraw()
    story.dial()
    story.reply("1", "1")
    story.meanwhile("M-PESA pays.", story.taken, story.pays)
    story.reply(PIN)


@journey
def several_accounts(story: Story) -> None:
    """Two accounts: she chooses one, and sees both balances."""
    story.open_account("Holiday", 7_000_00)
    story.dial()
    story.reply("1", "3", "2", "500", PIN)
    story.dial()
    story.reply("2", PIN)
    story.dial()
    story.reply("3", "1", PIN)


@journey
def many_accounts(story: Story) -> None:
    """Seven accounts: the list takes two screens, numbered through."""
    for name in ("Holiday", "School", "Farm", "Emergency", "Wedding", "Business"):
        story.open_account(name, 1_000_00)
    story.dial()
    story.reply("1", "98", "98", "0", "98", "6", "0")
    story.dial()
    story.reply("2", PIN)


@journey
def balance(story: Story) -> None:
    """Her balance, after a wrong PIN and the right one."""
    story.dial()
    story.reply("2", "1111", PIN)


@journey
def statement_empty(story: Story) -> None:
    """A mini statement before anything was paid in."""
    story.empty_account()
    story.dial()
    story.reply("3", PIN)


@journey
def statement(story: Story) -> None:
    """A mini statement of five lines; the sixth is not shown."""
    for amount in (500, 600):
        story.withdraw(amount)
        story.meanwhile("M-PESA pays.", story.taken, story.pays)
    story.withdraw(700)
    story.meanwhile("M-PESA refuses.", story.taken, lambda: story.refuses("8"))
    story.withdraw(800)
    story.meanwhile("M-PESA pays.", story.taken, story.pays)
    story.dial()
    story.reply("3", PIN)


@journey
def last_withdrawal(story: Story) -> None:
    """Her last withdrawal: none, then open, in doubt, paid."""
    story.dial()
    story.reply("4", PIN)
    story.withdraw()
    story.dial()
    story.reply("4", PIN)
    story.meanwhile("Nobody answers the call.", story.doubt)
    story.dial()
    story.reply("4", PIN)
    story.meanwhile("M-PESA has paid.", story.pays)
    story.dial()
    story.reply("4", PIN)


@journey
def last_withdrawal_failed(story: Story) -> None:
    """Her last withdrawal was refused by M-PESA."""
    story.withdraw()
    story.meanwhile("Her M-PESA is full.", story.taken, lambda: story.refuses("8"))
    story.dial()
    story.reply("4", PIN)


@journey
def last_withdrawal_declined(story: Story) -> None:
    """Her savings were gone before the debit."""
    story.withdraw()
    story.meanwhile("A court orders a lien on her savings.", story.lien, story.stories.debit)
    story.dial()
    story.reply("4", PIN)


@journey
def last_withdrawal_paid_after_all(story: Story) -> None:
    """The money was back in her savings, then M-PESA said that it paid."""
    story.withdraw()
    story.meanwhile("M-PESA refuses.", story.taken, lambda: story.refuses("8"))
    story.meanwhile("M-PESA says that it paid.", story.pays)
    story.dial()
    story.reply("4", PIN)


@journey
def receipts_without_balance(story: Story) -> None:
    """She keeps her balance out of SMS, then lets it in again."""
    story.dial()
    story.reply("5", "2", "2", PIN)
    story.withdraw()
    story.meanwhile("M-PESA pays.", story.taken, story.pays)
    story.dial()
    story.reply("5", "2", "1", "1111", PIN)
    story.withdraw()
    story.meanwhile("M-PESA pays.", story.taken, story.pays)
