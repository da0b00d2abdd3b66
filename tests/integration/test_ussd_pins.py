"""First PINs, new PINs and locks by phone: over a real socket, on a real database."""

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.db import Database
from app.members.pins import issue_starts
from tests.support import ussd_site
from tests.support.ledger import assert_coherent
from tests.support.ussd_site import Site
from ussd_menus import notices

ID_DIGITS = "3344"
NEW_PIN = "8305"


@pytest.fixture
def site(db: Database, owner_db: Database, database_url: str, redis_url: str) -> Iterator[Site]:
    with ussd_site.running(db, database_url=database_url, redis_url=redis_url) as running:
        yield running
    assert_coherent(owner_db)


def newcomer(site: Site, *, valid_h: int = 72) -> tuple[int, str]:
    """A member with an ID on file and a start PIN that is out. Returns her id and that PIN."""
    member = site.member(pin=None)
    pins = site.doors.pins
    with site.db.transaction() as tx:
        tx.execute(
            sa.text("UPDATE member SET id_check = :check"),
            {"check": pins.id_check(member, ID_DIGITS)},
        )
        issue_starts(tx, [member], valid_h=valid_h)
        nonce = tx.scalar(sa.text("SELECT start_pin_nonce FROM member"))
    assert nonce is not None
    return member, pins.start_pin(member, nonce)


def other_than(pin: str) -> str:
    """A start PIN that is not this one."""
    return "4826" if pin != "4826" else "4827"


def acts(site: Site) -> list[object]:
    return site.column("SELECT action FROM staff_action ORDER BY id")


def texts(site: Site) -> list[object]:
    return site.column("SELECT kind FROM message ORDER BY queued_at, id")


def test_a_start_pin_and_the_id_lead_to_a_pin_of_her_own(site: Site) -> None:
    """Once, told by SMS and on record; the start PIN is then gone and opened nothing else."""
    _, start = newcomer(site)
    phone = site.phone()
    assert phone.dial().body.startswith("CON Welcome to Baraza SACCO\nEnter the start PIN")
    assert phone.reply(start).body.startswith("CON Enter the last 4 digits of your ID number:")
    assert phone.reply(ID_DIGITS).body.startswith("CON Choose your own PIN")
    done = phone.reply(NEW_PIN, NEW_PIN).body
    assert done.startswith("END Your PIN is set.")
    assert phone.resend().body == done
    assert (acts(site), texts(site)) == (["pin_set"], ["pin_changed"])
    assert site.scalar("SELECT start_pin_nonce FROM member") is None
    phone.dial()
    assert "Tries left: 2." in phone.reply("2", start).body
    assert phone.reply(NEW_PIN).body.endswith("KES 50,000.00")


def test_who_has_the_sim_card_but_not_the_id_gets_nowhere(site: Site) -> None:
    """Three wrong tries void the start PIN, whichever of the two was wrong."""
    _, start = newcomer(site)
    phone = site.phone()
    phone.dial()
    wrong = "CON Start PIN or ID is wrong. Tries left: {}.\nWelcome to Baraza SACCO\n"
    assert phone.reply(start, "9999").body.startswith(wrong.format(2))
    assert phone.reply(other_than(start), ID_DIGITS).body.startswith(wrong.format(1))
    over = phone.reply(start, "9999").body
    assert over.startswith("END Too many wrong tries: this start PIN no longer works.")
    assert phone.resend().body == over
    assert site.scalar("SELECT count(*) FROM pin_attempt") == 3
    assert site.phone().dial().body.startswith("END You have no PIN yet.")
    assert texts(site) == ["pin_locked"]
    assert acts(site) == []


def test_a_start_pin_that_ran_out_says_where_to_get_another(site: Site) -> None:
    newcomer(site)
    run_out(site)
    assert site.phone().dial().body.startswith("END Your start PIN is no longer valid.")


def test_a_start_pin_that_runs_out_during_the_session_is_refused(site: Site) -> None:
    _, start = newcomer(site)
    phone = site.phone()
    phone.dial()
    phone.reply(start)
    run_out(site)
    assert phone.reply(ID_DIGITS).body.startswith("END Your start PIN is no longer valid.")
    assert site.scalar("SELECT pin_hash FROM member") is None


def run_out(site: Site) -> None:
    with site.db.transaction() as tx:
        tx.execute(sa.text("UPDATE member SET start_pin_until = now() - interval '1 second'"))


def test_the_hop_that_sets_a_pin_counts_once_from_eight_sides(site: Site) -> None:
    _, start = newcomer(site)
    phone = site.phone()
    phone.dial()
    phone.reply(start, ID_DIGITS, NEW_PIN)
    bodies = phone.reply_concurrently(NEW_PIN, 8)
    assert len(set(bodies)) == 1
    assert (acts(site), texts(site)) == (["pin_set"], ["pin_changed"])


def test_the_pin_is_changed_once_and_told_by_sms(site: Site) -> None:
    site.member()
    phone = site.phone()
    phone.dial()
    phone.reply("5", "1", "4071", NEW_PIN)
    assert phone.reply(NEW_PIN).body.startswith("END Your PIN is changed.")
    assert (acts(site), texts(site)) == (["pin_changed"], ["pin_changed"])
    assert site.scalar("SELECT detail ->> 'by' FROM staff_action") == "member"
    phone.dial()
    assert "Tries left: 2." in phone.reply("2", "4071").body
    assert phone.reply(NEW_PIN).body.startswith("END You can withdraw:")


def test_what_is_wrong_with_a_new_pin_costs_one_line_and_no_try(site: Site) -> None:
    site.member()
    phone = site.phone()
    phone.dial()
    phone.reply("5", "1", "4071")
    assert phone.reply("1234").body.startswith("CON Type 4 digits, not 1234 or 5555.\nChange PIN")
    assert phone.reply(NEW_PIN, "8306").body.startswith("CON The two PINs differ. Choose again.")
    assert phone.reply("4071", "4071").body.startswith("CON You had this PIN before.\nChange PIN")
    assert phone.reply(NEW_PIN, NEW_PIN).body.startswith("END Your PIN is changed.")
    assert site.scalar("SELECT count(*) FROM pin_attempt") == 1
    assert acts(site) == ["pin_changed"]


def test_an_earlier_pin_does_not_come_back(site: Site) -> None:
    site.member()
    phone = site.phone()
    phone.dial()
    phone.reply("5", "1", "4071", NEW_PIN, NEW_PIN)
    phone.dial()
    phone.reply("5", "1", NEW_PIN)
    assert phone.reply("4071", "4071").body.startswith("CON You had this PIN before.")


def test_a_pin_that_staff_reset_meanwhile_is_not_changed(site: Site) -> None:
    """The proof of the old PIN is worth nothing once somebody at the office took that PIN away."""
    member = site.member()
    phone = site.phone()
    phone.dial()
    phone.reply("5", "1", "4071", NEW_PIN)
    with site.db.transaction() as tx:
        tx.execute(sa.text("UPDATE member SET pin_hash = NULL"))
        issue_starts(tx, [member], valid_h=72)
    assert phone.reply(NEW_PIN).body == notices.UNAVAILABLE
    assert site.scalar("SELECT pin_hash FROM member") is None


def test_a_lock_from_another_phone_stops_the_change(site: Site) -> None:
    """Somebody is guessing just now: whoever sits here must not set a new PIN past the lock."""
    site.member()
    phone, other = site.phone(), site.phone()
    phone.dial()
    phone.reply("5", "1", "4071", NEW_PIN)
    other.dial()
    other.reply("2", "1111", "2222", "3333")
    assert phone.reply(NEW_PIN).body == notices.UNAVAILABLE
    assert acts(site) == []


def test_a_locked_pin_is_told_at_the_next_dial(site: Site) -> None:
    site.member()
    phone = site.phone()
    phone.dial()
    locked = phone.reply("2", "1111", "2222", "3333").body
    assert locked.startswith("END Your PIN is locked until ")
    assert phone.dial().body == locked
    assert phone.shown.id == "pin.locked"
    assert texts(site) == ["pin_locked"]


def test_a_lock_until_the_office_opens_it_says_so(site: Site) -> None:
    """With the wrong try that closed it, and at every dial after it."""
    site.member()
    phone = site.phone()
    phone.dial()
    phone.reply("2", "1111", "2222", "3333")
    with site.db.transaction() as tx:
        tx.execute(sa.text("UPDATE member SET pin_locked_until = now() - interval '1 second'"))
    phone.dial()
    assert "Tries left: " in phone.reply("2", "1111").body
    closed = phone.reply("2222").body
    assert closed.startswith("END Too many wrong PINs: your phone service is locked.")
    assert phone.resend().body == closed
    assert phone.dial().body.startswith("END Phone service is locked for this number.")
    assert texts(site) == ["pin_locked", "pin_locked"]


@pytest.mark.parametrize(("key", "shows"), [("2", False), ("1", True)])
def test_receipts_name_the_balance_or_not(site: Site, key: str, *, shows: bool) -> None:
    site.member()
    with site.db.transaction() as tx:
        tx.execute(sa.text("UPDATE member SET receipt_balance = :other"), {"other": not shows})
    phone = site.phone()
    phone.dial()
    assert "Tries left: 2." in phone.reply("5", "2", key, "1111").body
    assert site.scalar("SELECT receipt_balance FROM member") is not shows
    assert phone.reply("4071").body.startswith("END SMS receipts ")
    assert site.scalar("SELECT receipt_balance FROM member") is shows


def test_no_secret_of_a_first_use_or_a_change_is_kept(
    site: Site, owner_db: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    """Start PIN, digits of the ID, new and old PINs, also those typed wrong or into the dial."""
    _, start = newcomer(site)
    phone = site.phone()
    phone.deep_dial(f"{start}*{ID_DIGITS}")
    phone.reply(start, "7294", start, ID_DIGITS, "7936", "7937", NEW_PIN, NEW_PIN)
    phone.dial()
    phone.reply("5", "1", "7936", NEW_PIN, "6148", "6148")
    assert acts(site) == ["pin_set", "pin_changed"]
    typed = f"{start}|{ID_DIGITS}|7294|7936|7937|{NEW_PIN}|6148"
    # Digits inside digests, ids and times are chance; a secret would stand alone.
    secret = re.compile(rf"(?<![\w+/$.:\\-])({typed})(?![\w+/.:-])|\*({typed})")
    with owner_db.transaction() as tx:
        tables = tx.scalars(
            sa.text("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
                    " WHERE schemaname IN ('public', 'ledger')")
        ).all()  # fmt: skip
        for table in tables:
            rows = tx.scalars(sa.text(f"SELECT t::text FROM {table} t")).all()  # noqa: S608
            assert not [row for row in rows if secret.search(row)], table
    logged = "".join(capfd.readouterr())
    assert "ussd_hop" in logged
    assert not secret.search(logged)
