"""Withdrawing by phone: over a real socket, on a real database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from redis import Redis

from app import redis_client
from app.db import Database
from tests.support import prices, ussd_site
from tests.support.ledger import assert_coherent
from tests.support.ussd_site import JUMA, WANJIRU, Site
from ussd_menus import menu, notices


@pytest.fixture
def site(db: Database, owner_db: Database, database_url: str, redis_url: str) -> Iterator[Site]:
    with ussd_site.running(db, database_url=database_url, redis_url=redis_url) as running:
        yield running
    assert_coherent(owner_db)


def test_a_withdrawal_becomes_one_payout_with_what_was_shown(site: Site, redis_url: str) -> None:
    """The payout carries the quote's figures, and the debit step is rung for once."""
    member = site.member()
    phone = site.phone()
    assert phone.dial().body.startswith("CON Baraza SACCO\n1 Withdraw to M-PESA\n")
    assert phone.shown.id == "main"
    confirm = phone.reply("1", "500").body
    assert "KES 500 to M-PESA 0712***678\nFee KES 11\nDuty KES 1.65\nTotal KES 512.65" in confirm
    done = phone.reply("4071").body
    reference = site.scalar("SELECT reference FROM payout")
    assert done.startswith(f"END Request {reference} received: KES 500 to M-PESA 0712***678.")
    assert phone.shown.id == "withdraw.accepted"
    with site.db.transaction() as tx:
        row = tx.execute(
            sa.text(
                "SELECT member_id, amount_cents, fee_cents, duty_cents, msisdn, state FROM payout"
            )
        ).one()
    assert tuple(row) == (member, 500_00, 11_00, 1_65, WANJIRU, "requested")
    redis: Redis = redis_client.connect(redis_url)
    assert redis.llen("rq:queue:debit") == 1
    redis.close()


def test_a_quote_binds_although_the_tariff_changes_before_the_pin(site: Site) -> None:
    site.member()
    phone = site.phone()
    phone.dial()
    phone.reply("1", "500")
    with site.db.transaction() as tx:
        prices.tariff(tx, [(50_00, 250_000_00, 99_00)])
    assert "Fee KES 11\n" in phone.resend().body
    assert "Fee KES 11\n" in phone.reply("1111").body
    phone.reply("4071")
    assert site.scalar("SELECT fee_cents FROM payout") == 11_00


def test_every_repeat_gets_the_same_bytes_and_no_second_effect(site: Site) -> None:
    """A proxy may deliver any hop twice, also after the next ones."""
    site.member()
    phone = site.phone()
    bodies = [phone.dial().body]
    bodies += [phone.reply(token).body for token in ("1", "500", "1111", "4071")]
    counted = site.counts()
    assert counted == {"payout": 1, "quote": 1, "pin_attempt": 2}
    for hops_ago in (*range(5), *reversed(range(5))):
        assert phone.late(hops_ago) == bodies[-1 - hops_ago]
    assert site.counts() == counted
    assert site.scalar("SELECT pin_failures FROM member") == 0


def test_the_pin_hop_at_the_same_moment_from_eight_sides_pays_once(site: Site) -> None:
    site.member()
    phone = site.phone()
    phone.dial()
    phone.reply("1", "500")
    bodies = phone.reply_concurrently("4071", 8)
    assert len(set(bodies)) == 1
    assert bodies[0].startswith("END Request BRZ")
    assert site.counts() == {"payout": 1, "quote": 1, "pin_attempt": 1}


def test_a_wrong_pin_at_the_same_moment_counts_once(site: Site) -> None:
    site.member()
    phone = site.phone()
    phone.dial()
    phone.reply("1", "500")
    bodies = phone.reply_concurrently("1111", 6)
    assert {body.splitlines()[0] for body in bodies} == {"CON Wrong PIN. Tries left: 2."}
    assert site.scalar("SELECT pin_failures FROM member") == 1


def test_two_phones_of_one_member_make_one_open_payout(site: Site) -> None:
    """Two sessions race on the PIN; one wins, the other is told which one is open."""
    site.member()
    phones = [site.phone(), site.phone()]
    for phone in phones:
        phone.dial()
        phone.reply("1", "500")
    first, second = (phone.reply("4071").body for phone in phones)
    reference = site.scalar("SELECT reference FROM payout")
    assert first.startswith(f"END Request {reference} received")
    assert second.startswith(f"END {reference} to M-PESA is not sent yet.")
    # The PIN was right both times, and both tries stay counted.
    assert site.counts() == {"payout": 1, "quote": 2, "pin_attempt": 2}


def test_the_next_dial_shows_the_open_withdrawal_and_starts_no_other(
    site: Site, owner_db: Database
) -> None:
    site.member()
    phone = site.phone()
    phone.dial()
    phone.reply("1", "500", "4071")
    reference = site.scalar("SELECT reference FROM payout")
    again = phone.dial().body
    assert again.startswith(f"CON {reference} to M-PESA: not sent yet\n1 Withdraw")
    assert phone.reply("1").body.startswith(f"CON {reference} to M-PESA is not sent yet.")
    assert phone.shown.id == "withdraw.unsent"
    sent(owner_db)
    assert phone.dial().body.startswith(
        f"CON {reference} to M-PESA: waiting for M-PESA\n1 Withdraw"
    )
    assert phone.reply("1").body.startswith(f"END {reference} to M-PESA is waiting for M-PESA.")
    assert phone.shown.id == "withdraw.open"


def test_a_session_keeps_what_its_first_hop_saw(site: Site) -> None:
    """What a key means does not change when a withdrawal is made from another phone meanwhile."""
    site.member()
    phone, other = site.phone(), site.phone()
    phone.dial()
    other.dial()
    other.reply("1", "500", "4071")
    assert phone.reply("1").body.startswith("CON Withdraw to M-PESA")
    assert "is not sent yet." in phone.reply("700", "4071").body


def test_too_little_savings_is_told_only_after_the_right_pin(site: Site) -> None:
    """Screens before the PIN are the same for rich and poor: phones are shared."""
    site.member(cents=600_00)
    site.member(JUMA, pin="5193")
    poor, rich = site.phone(), site.phone(JUMA)
    for phone in (poor, rich):
        phone.dial()
    for token in ("1", "20000"):
        own = poor.reply(token).body.replace("0712***678", "phone")
        assert own == rich.reply(token).body.replace("0722***679", "phone")
    assert poor.reply("1111").body.startswith("CON Wrong PIN. Tries left: 2.")
    assert poor.reply("4071").body == (
        "END Your savings do not cover KES 20,077.05 with the fee. Nothing was deducted."
    )
    assert site.counts()["payout"] == 0


def test_the_daily_limit_is_kept(site: Site, owner_db: Database) -> None:
    """What was drawn today counts, however its payout ended well; what came back does not."""
    site.member(cents=900_000_00)
    with owner_db.transaction() as tx:
        prices.limits(tx, daily=250_000_00)
    phone = site.phone()
    phone.dial()
    assert phone.reply("1", "200000", "4071").body.startswith("END Request BRZ")
    end_all(owner_db, "paid")
    phone.dial()
    assert phone.reply("1", "50001", "4071").body == (
        "END KES 50,001 would exceed what you may withdraw in one day. Nothing was deducted."
        " Help 0700000111"
    )
    phone.dial()
    assert phone.reply("1", "50000", "4071").body.startswith("END Request BRZ")
    end_all(owner_db, "reversed")
    phone.dial()
    assert phone.reply("1", "250000", "4071").body.startswith("END Request BRZ")


def sent(owner_db: Database) -> None:
    """Let M-PESA be silent about the payout, without the steps that lead there."""
    with owner_db.transaction() as tx:
        tx.execute(sa.text("SET LOCAL session_replication_role = replica"))
        tx.execute(sa.text("UPDATE payout SET state = 'in_doubt'"))


def end_all(owner_db: Database, state: str) -> None:
    """Bring all payouts to an end without the steps that lead there."""
    with owner_db.transaction() as tx:
        tx.execute(sa.text("SET LOCAL session_replication_role = replica"))
        tx.execute(
            sa.text("UPDATE payout SET state = :state, receipt = reference, evidence_id = 0"),
            {"state": state},
        )


def test_three_wrong_pins_lock_and_the_member_is_told_by_sms(site: Site) -> None:
    """The lock holds in every session, also for the right PIN in one that had begun before."""
    site.member()
    phone, other = site.phone(), site.phone()
    other.dial()
    phone.dial()
    assert "Tries left: 1." in phone.reply("1", "500", "1111", "2222").body
    locked = phone.reply("3333").body
    assert locked.startswith("END Your PIN is locked until ")
    assert "Nothing was deducted." in locked
    assert phone.dial().body == locked
    assert other.reply("2", "4071").body == locked
    messages = site.column("SELECT body FROM message WHERE kind = 'pin_locked'")
    assert len(messages) == 1
    assert str(messages[0]).startswith("Your PIN is locked until ")
    assert "after 3 wrong tries" in str(messages[0])
    assert site.counts()["payout"] == 0


def test_the_balance_is_shown_after_the_pin(site: Site) -> None:
    site.member()
    phone = site.phone()
    phone.dial()
    phone.reply("2")
    assert phone.reply("4071").body == "END You can withdraw:\nSavings KES 50,000.00"
    # A repeat shows the balance of then, not of now.
    assert "KES 50,000.00" in phone.resend().body


def test_the_language_is_remembered_for_the_member(site: Site) -> None:
    """The choice outlives the session, and a late repeat of it does not turn it again."""
    member = site.member()
    phone = site.phone()
    english = phone.dial().body
    swahili = phone.reply("7").body
    assert swahili.startswith("CON Baraza SACCO\n1 Tuma akiba kwenda M-PESA\n2 Salio\n3 ")
    assert phone.dial().body == swahili
    assert phone.reply("7").body == english
    assert site.scalar("SELECT language FROM member WHERE id = :id", id=member) == "en"
    phone.dial()
    phone.reply("7", "7")
    assert phone.late(1) == swahili
    assert site.scalar("SELECT language FROM member WHERE id = :id", id=member) == "en"


def test_a_swahili_member_withdraws_in_swahili(site: Site) -> None:
    site.member(JUMA, pin="5193", language="sw")
    phone = site.phone(JUMA)
    assert phone.dial().body.startswith("CON Baraza SACCO\n1 Tuma akiba")
    assert phone.reply("1", "500", "5193").body.startswith("END Ombi BRZ")
    assert site.scalar("SELECT language FROM payout") == "sw"


def test_who_cannot_be_served_is_told_why(site: Site) -> None:
    """No member, no PIN, not active: one screen each, and nothing else."""
    assert (
        site.phone().dial().body.startswith("END This number is not registered with Baraza SACCO.")
    )
    site.member(JUMA, pin=None)
    assert site.phone(JUMA).dial().body.startswith("END You have no PIN yet. Call 0700000111")
    site.member()
    with site.db.transaction() as tx:
        tx.execute(sa.text("UPDATE member SET status = 'dormant'"))
    assert site.phone().dial().body.startswith("END This account cannot be used by phone.")


def test_a_membership_that_ends_during_the_session_pays_nothing(site: Site) -> None:
    site.member()
    phone = site.phone()
    phone.dial()
    phone.reply("1", "500")
    with site.db.transaction() as tx:
        tx.execute(sa.text("UPDATE member SET status = 'deceased'"))
    assert phone.reply("4071").body == notices.UNAVAILABLE
    assert site.counts()["payout"] == 0


def test_a_dialled_string_with_the_pin_shows_the_fee_first(site: Site) -> None:
    """The PIN in it is neither checked nor counted; the screen is then as good as any."""
    site.member()
    phone = site.phone()
    body = phone.deep_dial("1*500*4071").body
    assert body.startswith("CON KES 500 to M-PESA 0712***678\nFee KES 11\n")
    assert phone.resend().body == body
    assert site.counts() == {"payout": 0, "quote": 1, "pin_attempt": 0}
    assert phone.reply("4071").body.startswith("END Request BRZ")


def test_a_session_that_comes_back_hours_later_is_over(site: Site, owner_db: Database) -> None:
    """A hop that something held up must not pay when nobody expects it any more."""
    site.member()
    phone = site.phone()
    phone.dial()
    confirm = phone.reply("1", "500").body
    with owner_db.transaction() as tx:
        tx.execute(
            sa.text("UPDATE ussd_session SET started_at = :then"),
            {"then": datetime.now(UTC) - timedelta(minutes=6)},
        )
    assert phone.resend().body == confirm
    assert phone.reply("4071").body == notices.OVER
    assert site.counts() == {"payout": 0, "quote": 1, "pin_attempt": 0}


def test_a_session_of_an_older_menu_is_over(site: Site, owner_db: Database) -> None:
    """A key must not land on a screen that the member was not shown."""
    site.member()
    phone = site.phone()
    phone.dial()
    with owner_db.transaction() as tx:
        tx.execute(sa.text("UPDATE ussd_session SET menu_version = 'older'"))
    assert menu.VERSION != "older"
    assert phone.reply("1").body == notices.OVER


def test_without_limits_in_force_a_balance_can_still_be_read(
    site: Site, owner_db: Database
) -> None:
    site.member()
    with owner_db.transaction() as tx:
        tx.execute(sa.text("TRUNCATE withdrawal_limit"))
    phone = site.phone()
    phone.dial()
    assert phone.reply("1").body.startswith(
        "END Withdrawals are not possible now. Nothing was deducted."
    )
    phone.dial()
    assert phone.reply("2", "4071").body.endswith("KES 50,000.00")


@pytest.mark.parametrize(
    "fault",
    [
        "TRUNCATE withdrawal_limit",
        "ALTER TABLE payout ADD CONSTRAINT none_today CHECK (false)",
    ],
)
def test_an_intake_that_fails_keeps_the_pin_try_and_says_so(
    site: Site, owner_db: Database, fault: str
) -> None:
    """Only the withdrawal is undone. She hears that nothing was deducted, and it is true."""
    site.member()
    phone = site.phone()
    phone.dial()
    phone.reply("1", "500")
    with owner_db.transaction() as tx:
        tx.execute(sa.text(fault))
    body = phone.reply("4071").body
    assert body.startswith("END Withdrawals are not possible now. Nothing was deducted.")
    assert phone.resend().body == body
    assert site.counts() == {"payout": 0, "quote": 1, "pin_attempt": 1}


def test_an_amount_that_nothing_prices_changes_nothing(site: Site, owner_db: Database) -> None:
    site.member()
    with owner_db.transaction() as tx:
        tx.execute(sa.text("TRUNCATE tariff_band"))
    phone = site.phone()
    phone.dial()
    assert phone.reply("1", "500").body == notices.UNAVAILABLE
    assert site.counts()["quote"] == 0
