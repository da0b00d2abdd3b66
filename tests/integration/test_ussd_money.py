"""Accounts, statements, the last withdrawal, cancelling and refusals: on a real database."""

from collections.abc import Callable, Iterator, Mapping
from itertools import count

import pytest
import sqlalchemy as sa

from app.audit import Actor
from app.commands.handset import Handset
from app.db import Database, Tx
from app.errors import Misconfigured
from app.ledger.entries import Kind
from app.messages import wording
from app.payouts import switch
from app.payouts.debit import Debit
from tests.support import databases, prices, ussd_site
from tests.support.ledger import assert_coherent, member_account
from tests.support.ussd_site import WANJIRU, Site
from ussd_menus.placeholders import ENTRY_WORDS, REASONS

OFFICE = Actor("command line", name="amina")


@pytest.fixture
def site(db: Database, owner_db: Database, database_url: str, redis_url: str) -> Iterator[Site]:
    with ussd_site.running(db, database_url=database_url, redis_url=redis_url) as running:
        yield running
    assert_coherent(owner_db)


def second_account(site: Site, member: int, *, cents: int = 0, name: str = "Holiday") -> int:
    """One more account that can be withdrawn from. Returns its number in the ledger."""
    with site.db.transaction() as tx:
        account = member_account(tx, cents=cents)
        tx.execute(
            sa.text("INSERT INTO member_account (account_id, member_id, name) VALUES (:a, :m, :n)"),
            {"a": account, "m": member, "n": name},
        )
    return account


def change(site: Site, sql: str, **values: object) -> None:
    with site.db.transaction() as tx, databases.owner_of(tx) as owner:
        owner.execute(sa.text(sql), values)


def withdraw(phone: Handset, amount: str = "500") -> str:
    phone.dial()
    return phone.reply("1", amount, "4071").body


def debit(site: Site) -> None:
    Debit(site.db, site.doors.doorbell).run()


def test_a_withdrawal_comes_from_the_account_that_was_chosen(site: Site) -> None:
    member = site.member(cents=600_00)
    holiday = second_account(site, member, cents=20_000_00)
    phone = site.phone()
    phone.dial()
    assert phone.reply("1").body == "CON Withdraw from:\n1 Savings\n2 Holiday\n0 Back"
    assert phone.reply("2").body.splitlines()[1] == "Holiday: KES 50 to KES 250,000"
    assert phone.reply("5000", "4071").body.startswith("END Request BRZ")
    assert site.scalar("SELECT account_id FROM payout") == holiday


def test_a_number_keeps_its_account_though_another_is_opened_meanwhile(site: Site) -> None:
    member = site.member()
    second = second_account(site, member, cents=5_000_00)
    phone = site.phone()
    phone.dial()
    change(site, "UPDATE member_account SET name = 'Aaa' WHERE account_id = :id", id=second)
    second_account(site, member, name="Third")
    assert phone.reply("3").body == "CON Mini statement of:\n1 Savings\n2 Holiday\n0 Back"


def test_the_balance_has_a_line_for_each_account(site: Site) -> None:
    member = site.member()
    second_account(site, member, cents=1_234_50)
    shares = second_account(site, member, cents=9_000_00, name="Shares")
    change(site, "UPDATE member_account SET withdrawable = false WHERE account_id = :id", id=shares)
    phone = site.phone()
    phone.dial()
    assert phone.reply("2", "4071").body == (
        "END You can withdraw:\nSavings KES 50,000.00\nHoliday KES 1,234.50"
    )


def test_the_mini_statement_shows_what_came_and_went(site: Site) -> None:
    """The newest first; money that waits for M-PESA has left the account."""
    member = site.member()
    second_account(site, member)
    phone = site.phone()
    phone.dial()
    phone.reply("1", "1", "500", "4071")
    debit(site)
    phone.dial()
    lines = phone.reply("3", "1", "4071").body.splitlines()
    today = site.scalar("SELECT to_char(now() AT TIME ZONE 'Africa/Nairobi', 'DD/MM')")
    assert lines == ["END Statement:", f"{today} -512.65 M-PESA", "23/11 +50,000.00 Opening"]
    phone.dial()
    assert phone.reply("3", "2", "4071").body == "END Nothing was paid into or out of Holiday yet."


def test_the_last_withdrawal_is_none_then_open_then_what_became_of_it(
    site: Site, owner_db: Database
) -> None:
    site.member()
    phone = site.phone()
    phone.dial()
    assert phone.reply("4", "1111", "4071").body == "END You have made no withdrawal to M-PESA yet."
    withdraw(phone)
    reference = site.scalar("SELECT reference FROM payout")
    told = {
        ("requested", None): "to M-PESA is being processed. You will get an SMS.",
        ("in_doubt", None): "to M-PESA is waiting for M-PESA. You will get an SMS.",
        ("paid", None): f"was paid to M-PESA. M-PESA ref {reference}.",
        ("reversed", "wallet_full"): "was not paid, your M-PESA is full. The money and the fee",
        ("reversed", "unheard of"): "was not paid, a problem on our side. The money and the fee",
        ("declined", "insufficient"): "was not sent, your savings did not cover it.",
        ("cancelled", "member"): "was cancelled and not sent. All the money is in your savings.",
        ("recovery", None): "after it was back in your savings. Please call 0700000111.",
    }
    for (state, reason), words in told.items():
        put_in(owner_db, state, reason)
        phone.dial()
        body = phone.reply("4", "4071").body
        assert body.startswith(f"END {reference} of "), state
        assert words in body
        assert "KES 500" in body


def put_in(owner_db: Database, state: str, reason: str | None) -> None:
    """Bring the payout to a state without the steps that lead there."""
    with owner_db.transaction() as tx:
        tx.execute(sa.text("SET LOCAL session_replication_role = replica"))
        tx.execute(
            sa.text(
                "UPDATE payout SET state = :state, reason_code = :reason, receipt = reference,"
                " evidence_id = 0"
            ),
            {"state": state, "reason": reason},
        )


def test_an_unsent_withdrawal_is_cancelled_by_its_member(site: Site) -> None:
    """Before the debit nothing was taken; after it the whole total comes back."""
    member = site.member()
    phone = site.phone()
    for is_debited in (False, True):
        withdraw(phone)
        if is_debited:
            debit(site)
        reference = site.scalar("SELECT reference FROM payout ORDER BY requested_at DESC LIMIT 1")
        assert phone.dial().body.startswith(f"CON {reference} to M-PESA: not sent yet\n1 Withdraw")
        assert "You can still cancel it.\n1 Cancel it" in phone.reply("1").body
        assert "Tries left: 2." in phone.reply("1", "1111").body
        body = phone.reply("4071").body
        assert body == (
            f"END {reference} is cancelled. Nothing was sent to M-PESA, "
            "all the money is in your savings."
        )
        assert phone.resend().body == body
        assert phone.dial().body.startswith("CON Baraza SACCO\n1 Withdraw to M-PESA")
        assert phone.reply("2", "4071").body.endswith("KES 50,000.00")
    assert site.column("SELECT DISTINCT state FROM payout") == ["cancelled"]
    sms = "SELECT count(*) FROM message WHERE kind = 'cancelled' AND member_id = :id"
    assert site.scalar(sms, id=member) == 2


def test_a_withdrawal_that_was_sent_meanwhile_cannot_be_cancelled(
    site: Site, owner_db: Database
) -> None:
    site.member()
    phone = site.phone()
    withdraw(phone)
    phone.dial()
    phone.reply("1", "1")
    put_in(owner_db, "submitting", None)
    body = phone.reply("4071").body
    assert "is with M-PESA already and cannot be cancelled. You will get an SMS" in body
    put_in(owner_db, "paid", None)
    assert phone.resend().body == body
    assert site.scalar("SELECT state FROM payout") == "paid"


def test_a_withdrawal_that_ended_meanwhile_has_nothing_to_cancel(
    site: Site, owner_db: Database
) -> None:
    site.member()
    phone = site.phone()
    withdraw(phone)
    phone.dial()
    phone.reply("1", "1")
    put_in(owner_db, "paid", None)
    assert "has ended already. Dial again: option 4 says how." in phone.reply("4071").body


def test_a_cancel_that_a_step_holds_up_keeps_the_pin_try_and_says_so(
    site: Site, owner_db: Database
) -> None:
    """A step is at work on the payout: who comes first is not known within a hop's time."""
    site.member()
    phone = site.phone()
    withdraw(phone)
    phone.dial()
    phone.reply("1", "1")
    with owner_db.transaction() as tx:
        tx.execute(sa.text("SELECT FROM payout FOR UPDATE"))
        assert "could not be cancelled just now. Dial again" in phone.reply("4071").body
    assert site.counts()["pin_attempt"] == 2
    assert site.scalar("SELECT state FROM payout") == "requested"


def test_whose_standing_ends_the_service_hears_where_to_go(site: Site) -> None:
    """Whoever holds the phone is not told why."""
    site.member()
    for status in ("dormant", "exited", "deceased", "minor"):
        change(site, "UPDATE member SET status = :status", status=status)
        assert site.phone().dial().body == (
            "END This account cannot be used by phone. "
            "Visit Baraza SACCO with your ID or call 0700000111."
        )


def test_accounts_that_the_office_serves_can_be_read_by_phone(site: Site) -> None:
    """Those that a court holds, and joint ones."""
    site.member()
    for status, mandate in (("court_lien", "sole"), ("active", "joint")):
        change(site, "UPDATE member SET status = :s, mandate = :m", s=status, m=mandate)
        phone = site.phone()
        phone.dial()
        branch = "END Withdrawals from this account are made at our office."
        assert phone.reply("1").body.startswith(branch)
        phone.dial()
        assert phone.reply("2", "4071").body.endswith("KES 50,000.00")


def test_a_phone_that_staff_locked_opens_nothing(site: Site) -> None:
    """Not at the dial, and not in a session that had begun before."""
    site.member()
    phone = site.phone()
    phone.dial()
    change(site, "UPDATE member SET phone_locked_at = now(), phone_lock_reason = 'lost phone'")
    assert phone.reply("2", "4071").body.startswith("END Service not available now.")
    assert site.counts()["pin_attempt"] == 0
    assert phone.dial().body.startswith("END Phone service is locked for this number.")


def test_stopped_withdrawals_leave_the_rest_of_the_menu(site: Site) -> None:
    """At the dial and, for a session that had begun before, after its PIN."""
    site.member()
    phone, other = site.phone(), site.phone()
    phone.dial()
    phone.reply("1", "500")
    with site.db.transaction() as tx:
        switch.stop(tx, reason="a drill", by=OFFICE)
    stopped = "END Withdrawals are not possible now. Nothing was deducted."
    assert phone.reply("4071").body.startswith(stopped)
    assert site.counts() == {"payout": 0, "quote": 1, "pin_attempt": 1}
    other.dial()
    assert other.reply("1").body.startswith(stopped)
    other.dial()
    assert other.reply("2", "4071").body.endswith("KES 50,000.00")


def lower_maximum(tx: Tx) -> None:
    prices.limits(tx, maximum=400_00, daily=400_00)


def lower_ceiling(tx: Tx) -> None:
    prices.limits(tx, sacco_hourly_cents=400_00)


def just_reset(tx: Tx) -> None:
    prices.limits(tx, after_change_wait_hours=24)
    tx.execute(sa.text("UPDATE member SET pin_reset_at = now()"))


def reset_yesterday(tx: Tx) -> None:
    prices.limits(tx, after_change_low_hours=72, after_change_maximum_cents=400_00)
    tx.execute(sa.text("UPDATE member SET number_changed_at = now() - interval '25 hours'"))


def court_order(tx: Tx) -> None:
    tx.execute(sa.text("UPDATE member SET status = 'court_lien'"))


REFUSALS: Mapping[str, Callable[[Tx], None]] = {
    "withdraw.over_maximum": lower_maximum,
    "withdraw.sacco_limit": lower_ceiling,
    "withdraw.cooling_off": just_reset,
    "withdraw.low_limit": reset_yesterday,
    "withdraw.branch": court_order,
}


def test_a_limit_is_told_after_the_pin_and_takes_nothing(site: Site) -> None:
    """Each came into force after the amount screen was shown."""
    for number, (screen, meanwhile) in enumerate(REFUSALS.items()):
        msisdn = f"+25471200000{number}"
        site.member(msisdn)
        phone = site.phone(msisdn)
        phone.dial()
        phone.reply("1", "500")
        with site.db.transaction() as tx, databases.owner_of(tx) as owner:
            meanwhile(owner)
        assert "Nothing was deducted." in phone.reply("4071").body
        assert phone.shown.id == screen
        with site.db.transaction() as tx, databases.owner_of(tx) as owner:
            prices.limits(owner)
    tried = len(REFUSALS)
    assert site.counts() == {"payout": 0, "quote": tried, "pin_attempt": tried}


def test_what_a_reset_or_a_limit_forbids_is_not_told_before_the_pin(site: Site) -> None:
    """The amount screen is the same for everybody at this hour."""
    site.member()
    phone = site.phone()
    phone.dial()
    before = phone.reply("1").body
    with site.db.transaction() as tx, databases.owner_of(tx) as owner:
        just_reset(owner)
    phone.dial()
    assert phone.reply("1").body == before


def test_words_stand_ready_for_whatever_the_books_and_m_pesa_say() -> None:
    """Screens know the reasons that SMS know, and the kinds of entries on a member's account."""
    assert REASONS.keys() == wording.REASONS.keys()
    system_only = {
        Kind.FLOAT_TOP_UP, Kind.SETTLE, Kind.PROVIDER_CHARGE, Kind.RECOVERY, Kind.WRITTEN_OFF
    }  # fmt: skip
    assert {kind.value for kind in set(Kind) - system_only} <= ENTRY_WORDS.keys()


def test_opening_hours_that_do_not_fit_stop_the_start(redis_url: str, database_url: str) -> None:
    with (
        pytest.raises(Misconfigured, match="SACCO_HOURS"),
        ussd_site.serving(
            database_url=database_url, redis_url=redis_url, SACCO_HOURS="[Mon-Fri 8am to 5pm] ~"
        ),
    ):
        pass


def test_six_accounts_are_paged_and_the_sixth_is_the_sixth(site: Site) -> None:
    member = site.member()
    numbers = count(2)
    accounts = [
        second_account(site, member, cents=n * 1_000_00, name=f"Account {n}")
        for n, _ in zip(numbers, range(5), strict=False)
    ]
    phone = site.phone(WANJIRU)
    phone.dial()
    assert phone.reply("1").body.splitlines()[-2:] == ["98 More", "0 Back"]
    assert phone.reply("98").body == "CON Withdraw from:\n5 Account 5\n6 Account 6\n0 Back"
    assert phone.reply("6", "500", "4071").body.startswith("END Request BRZ")
    assert site.scalar("SELECT account_id FROM payout") == accounts[-1]
