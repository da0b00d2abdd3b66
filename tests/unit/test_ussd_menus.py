"""What members meet when they press keys."""

import pytest

from app.money import shillings
from tests.support.dialogue import FIRST_FACTS, Dialogue
from ussd_menus import engine, menu
from ussd_menus.engine import Recorded, UndeclaredOutcome


def test_a_withdrawal_takes_three_keys_and_a_pin() -> None:
    session = Dialogue()
    assert session.dial() == (
        "CON Baraza SACCO\n1 Withdraw to M-PESA\n2 Balance\n3 Mini statement\n4 Last withdrawal\n"
        "5 PIN and SMS\n6 Help\n7 Kiswahili"
    )
    assert session.reply("1") == (
        "CON Withdraw to M-PESA 0712***678\nSavings: KES 50 to KES 250,000\nEnter amount:\n0 Back"
    )
    assert session.reply("500") == (
        "CON KES 500 to M-PESA 0712***678\nFee KES 11\nDuty KES 1.65\nTotal KES 512.65\n"
        "Enter PIN to confirm:\n0 Back"
    )
    assert session.reply("4071") == (
        "END Request BRZ8K2QF7M received: KES 500 to M-PESA 0712***678. "
        "You will get an SMS. Do not repeat it."
    )
    assert session.effects == [("submit_withdrawal", ("1", "500", "4071"))]


def test_the_same_in_swahili() -> None:
    session = Dialogue(language="sw")
    assert session.dial() == (
        "CON Baraza SACCO\n1 Tuma akiba kwenda M-PESA\n2 Salio\n3 Taarifa fupi\n"
        "4 Ombi la mwisho\n5 PIN na SMS\n6 Msaada\n7 English"
    )
    assert session.reply("1", "500") == (
        "CON KES 500 kwa M-PESA 0712***678\nAda KES 11\nUshuru KES 1.65\nJumla KES 512.65\n"
        "Weka PIN kuthibitisha:\n0 Rudi"
    )
    assert session.reply("4071").startswith("END Ombi BRZ8K2QF7M limepokelewa: KES 500")


@pytest.mark.parametrize(
    "token",
    ["49", "250001", "0500", "1,000", "1000/=", "500.0", "-500", "+500", " 500", "", "#",
     "\u0665\u0660\u0660", "500\n", "9" * 300, "98x", "000"],
)  # fmt: skip
def test_anything_but_an_amount_in_range_shows_the_range_and_asks_again(token: str) -> None:
    session = Dialogue()
    assert session.dial("1", token) == (
        "CON Type KES 50 to KES 250,000, digits only.\nWithdraw to M-PESA 0712***678\n"
        "Savings: KES 50 to KES 250,000\nEnter amount:\n0 Back"
    )
    assert "Enter PIN to confirm" in session.reply("500")


@pytest.mark.parametrize(("token", "whole"), [("50", 50), ("250000", 250_000), ("98", 98)])
def test_both_ends_of_the_range_are_amounts(token: str, whole: int) -> None:
    assert shillings(whole) == Dialogue().state(["1", token]).answers["amount"]


def test_back_on_the_amount_screen_is_no_amount() -> None:
    session = Dialogue()
    session.dial()
    assert session.reply("1", "0") == session.dial()


def test_back_from_the_confirm_screen_forgets_amount_and_quote() -> None:
    session = Dialogue()
    session.dial()
    session.reply("1", "500", "0")
    state = session.state(session.tokens)
    assert (list(state.answers), state.shown) == (["account"], {})
    assert session.reply("700").startswith("CON KES 700 to M-PESA")


def test_back_and_home_on_the_first_screen_stay_there() -> None:
    session = Dialogue()
    first = session.dial()
    assert first == session.reply("0") == session.reply("00")


def test_home_leads_to_the_first_screen_from_anywhere() -> None:
    session = Dialogue()
    first = session.dial()
    assert first == session.reply("1", "500", "00")
    assert session.state(session.tokens).answers == {}


def test_a_wrong_choice_says_so_and_stays() -> None:
    session = Dialogue()
    session.dial()
    body = session.reply("9")
    assert body.startswith("CON Wrong choice.\nBaraza SACCO\n1 Withdraw")
    assert "Wrong choice" not in session.reply("1")


def test_a_wrong_pin_keeps_the_quote_and_tells_the_tries_left() -> None:
    session = Dialogue()
    session.dial()
    body = session.reply("1", "500", "1111")
    assert body.startswith(
        "CON Wrong PIN. Tries left: 2.\nKES 500 to M-PESA 0712***678\nFee KES 11"
    )
    assert session.reply("4071").startswith("END Request BRZ8K2QF7M received")


@pytest.mark.parametrize(
    "token", ["407", "40711", "pin!", "", "\u0664\u0660\u0667\u0661", "4071\n"]
)
def test_what_is_no_pin_costs_no_try(token: str) -> None:
    session = Dialogue()
    session.dial()
    assert session.reply("1", "500", token).startswith("CON A PIN has 4 digits.\nKES 500")
    assert session.effects == []
    assert session.reply("4071").startswith("END Request")


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("locked", "Your PIN is locked until 23/11/26 10:45 AM. Nothing was deducted."),
        (
            "insufficient",
            "Your savings do not cover KES 512.65 with the fee. Nothing was deducted.",
        ),
        ("one_open", "BRZ8K2QF7M to M-PESA is waiting for M-PESA. A new one can start when it"),
        (
            "daily_limit",
            "KES 500 would exceed what you may withdraw in one day. Nothing was deducted.",
        ),
        ("over_maximum", "KES 500 is more than can be withdrawn at once at this hour. Nothing was"),
        ("sacco_limit", "Too much is being withdrawn at Baraza SACCO now. Nothing was deducted."),
        ("cooling_off", "Your PIN or number was changed lately. For your safety withdrawals must"),
        ("low_limit", "Your PIN or number was changed lately, so KES 500 is too much for now."),
        ("not_allowed", "Withdrawals from this account are made at our office. Bring your ID;"),
        (
            "locked_by_us",
            "Too many wrong PINs: your phone service is locked. Nothing was deducted.",
        ),
        ("stopped", "Withdrawals are not possible now. Nothing was deducted."),
        ("not_possible", "Withdrawals are not possible now. Nothing was deducted."),
    ],
)
def test_every_refusal_ends_by_saying_whether_money_moved(outcome: str, says: str) -> None:
    session = Dialogue(effect=lambda _effect, _pin: outcome)
    session.dial()
    assert session.reply("1", "500", "4071").startswith(f"END {says}")


def test_the_balance_needs_the_pin_and_ends_the_session() -> None:
    session = Dialogue()
    session.dial()
    assert session.reply("2") == "CON Savings balance\nEnter PIN:\n0 Back"
    assert session.reply("1234").startswith("CON Wrong PIN. Tries left: 2.\nSavings balance")
    assert session.reply("4071") == (
        "END You can withdraw:\nSavings KES 48,000.00\nHoliday KES 0.50"
    )


def test_seven_turns_the_language_and_seven_turns_it_back() -> None:
    session = Dialogue()
    english = session.dial()
    swahili = session.reply("7")
    assert swahili == Dialogue(language="sw").dial()
    assert english == session.reply("7")
    assert list(session.hops) == [("7",), ("7", "7")]


def test_a_dialled_string_turns_the_language_once_and_is_remembered() -> None:
    """The hop that carried the 7 is the one that remembers it, whatever came after it."""
    session = Dialogue()
    assert session.dial("7", "1").startswith("CON Tuma M-PESA 0712***678")
    assert session.state(("7", "1", "500")).language_turned is False
    assert session.reply("500").startswith("CON KES 500 kwa M-PESA")


def test_an_open_withdrawal_stands_above_the_menu_and_stops_the_next() -> None:
    session = Dialogue(start="main.open")
    assert session.dial().startswith(
        "CON BRZ8K2QF7M to M-PESA: being processed\n1 Withdraw to M-PESA\n2 Balance\n"
    )
    assert session.reply("1").startswith("END BRZ8K2QF7M to M-PESA is being processed.")
    assert session.effects == []


def test_when_withdrawals_are_stopped_a_balance_can_still_be_read() -> None:
    session = Dialogue(start="main.stopped")
    session.dial()
    assert session.reply("1").startswith("END Withdrawals are not possible now.")
    session.dial()
    assert session.reply("2", "4071").startswith("END You can withdraw:\nSavings")


@pytest.mark.parametrize(
    "start",
    ["unregistered", "no_pin", "not_active", "phone_locked", "start.expired"],
)
def test_who_cannot_be_served_is_told_whom_to_call(start: str) -> None:
    body = Dialogue(start=start).dial()
    assert body.startswith("END ")
    assert "0700000111" in body


def test_dialling_everything_at_once_shows_the_fee_first_and_ignores_the_pin() -> None:
    """Dialled strings stay in the call log, and nobody pays a fee that was not shown."""
    session = Dialogue()
    body = session.dial("1", "500", "4071")
    assert body.startswith("CON KES 500 to M-PESA 0712***678\nFee KES 11\n")
    assert session.effects == []
    assert session.reply("4071").startswith("END Request BRZ8K2QF7M received")
    assert session.effects == [("submit_withdrawal", ("1", "500", "4071", "4071"))]


def test_more_keys_after_a_dialled_pin_do_not_pass_it_either() -> None:
    session = Dialogue()
    body = session.dial("2", "4071", "4071")
    assert body.startswith("CON Savings balance\nEnter PIN:")
    assert session.effects == []


def test_keys_after_the_end_change_nothing() -> None:
    session = Dialogue()
    session.dial()
    ended = session.reply("1", "500", "4071")
    assert ended == session.reply("1", "4071", "0")
    assert len(session.effects) == 1


def test_an_outcome_that_the_screen_does_not_know_is_refused() -> None:
    """What is stored of another menu never leads anywhere."""
    state = engine.begin("balance.pin", "en", FIRST_FACTS)
    with pytest.raises(UndeclaredOutcome):
        engine.apply(menu.SCREENS, state, "accepted", {})
    with pytest.raises(UndeclaredOutcome):
        engine.apply(menu.SCREENS, engine.begin("main", "en", FIRST_FACTS), "shown", {})


def test_the_pin_is_never_part_of_a_state() -> None:
    """Whatever is stored or logged of a state, the PIN is not in it."""
    session = Dialogue()
    session.dial()
    session.reply("1", "500", "1111", "4071")
    assert "4071" not in repr(session.hops.values())
    assert "4071" not in repr(session.state(session.tokens))


def test_a_record_without_an_outcome_runs_the_effect_again_never() -> None:
    """A hop that was stored as not seen stays not seen, however often it is replayed."""
    seen = Recorded("withdraw.confirm", None, {"quote": "one"})
    ignored = Recorded("withdraw.confirm", engine.NOT_SEEN, {})
    state = engine.replay(
        menu.SCREENS,
        engine.begin("main", "en", FIRST_FACTS),
        ["1", "500", "4071"],
        {2: seen, 3: ignored}.get,
    )
    assert (state.due, state.outcome, state.screen) == (None, engine.NOT_SEEN, "withdraw.confirm")
