"""The first PIN, a new PIN, and what is shown to whom: by keys alone."""

import pytest

from tests.support.dialogue import Dialogue, pin_is_4071
from ussd_menus import engine, menu

NEW_EN = "CON Change PIN\nEnter new PIN:\n0 Back"
WEAK_EN = "CON Type 4 digits, not 1234 or 5555.\nChange PIN\nEnter new PIN:\n0 Back"


def changing(*keys: str) -> Dialogue:
    """A session on its way through 5, 1 and these keys."""
    session = Dialogue()
    session.dial()
    session.reply("5", "1", *keys)
    return session


def test_a_new_pin_takes_the_present_one_and_the_new_one_twice() -> None:
    session = Dialogue()
    session.dial()
    assert session.reply("5") == "CON PIN and SMS\n1 Change PIN\n2 Balance in SMS receipts\n0 Back"
    assert session.reply("1") == "CON Change PIN\nEnter your present PIN:\n0 Back"
    assert session.reply("4071") == NEW_EN
    assert session.reply("8305") == "CON Enter the new PIN again:\n0 Back"
    assert session.reply("8305") == (
        "END Your PIN is changed. Never tell it to anybody. You will get an SMS."
    )
    assert [effect for effect, _ in session.effects] == ["check_pin", "change_pin"]


@pytest.mark.parametrize("weak", ["1234", "9876", "7890", "5555", "0000", "12", "83051", "pin!"])
def test_a_weak_pin_is_refused_in_one_line_and_asked_again(weak: str) -> None:
    session = changing("4071")
    assert session.reply(weak) == WEAK_EN
    assert session.reply("8305").startswith("CON Enter the new PIN again:")


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("different", "The two PINs differ. Choose again."),
        ("used_before", "You had this PIN before."),
    ],
)
def test_what_is_wrong_with_a_new_pin_leads_back_to_choosing_it(outcome: str, says: str) -> None:
    """The first of the two is forgotten, and the session goes on."""
    answers = iter([outcome, "changed"])
    session = Dialogue(
        effect=lambda effect, pin: next(answers) if "change" in effect else pin_is_4071(effect, pin)
    )
    session.dial()
    body = session.reply("5", "1", "4071", "8305", "8306")
    assert body == f"CON {says}\nChange PIN\nEnter new PIN:\n0 Back"
    assert "new_pin" not in session.state(session.tokens).answers
    assert session.reply("9402", "9402").startswith("END Your PIN is changed.")


def test_going_back_from_the_second_new_pin_forgets_the_first() -> None:
    session = changing("4071", "8305")
    assert session.reply("0") == NEW_EN
    assert session.state(session.tokens).answers == {}
    assert session.reply("0") == "CON Change PIN\nEnter your present PIN:\n0 Back"


def test_a_wrong_present_pin_leads_no_further() -> None:
    session = changing("1111")
    assert session.reply("8305").startswith("CON Wrong PIN. Tries left: 2.\nChange PIN\nEnter your")
    assert [effect for effect, _ in session.effects] == ["check_pin", "check_pin"]


def test_a_dialled_string_sets_no_pin() -> None:
    """Dialled strings stay in the call log: every PIN in one is ignored, old or new."""
    session = Dialogue()
    body = session.dial("5", "1", "4071", "8305", "8305")
    assert body == "CON Change PIN\nEnter your present PIN:\n0 Back"
    assert session.effects == []


def test_first_use_asks_the_start_pin_the_id_and_a_pin_of_her_own() -> None:
    session = Dialogue(start="start.pin")
    assert session.dial() == "CON Welcome to Baraza SACCO\nEnter the start PIN from our SMS:"
    assert session.reply("4826") == "CON Enter the last 4 digits of your ID number:\n0 Back"
    assert session.reply("3344") == (
        "CON Choose your own PIN, 4 digits. Not the one of M-PESA.\nEnter new PIN:\n0 Back"
    )
    assert session.reply("8305") == "CON Enter the new PIN again:\n0 Back"
    assert session.reply("8305").startswith("END Your PIN is set.")
    assert session.effects == [
        ("check_start", ("4826", "3344")),
        ("set_first_pin", ("4826", "3344", "8305", "8305")),
    ]


def test_a_wrong_start_pin_or_id_is_asked_for_again_from_the_start() -> None:
    """Which of the two was wrong is not told, so both are typed again."""
    session = Dialogue(start="start.pin")
    session.dial()
    body = session.reply("4826", "9999")
    assert body == (
        "CON Start PIN or ID is wrong. Tries left: 2.\nWelcome to Baraza SACCO\n"
        "Enter the start PIN from our SMS:"
    )
    assert session.state(session.tokens).answers == {}
    assert session.reply("4826", "3344").startswith("CON Choose your own PIN")


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("locked", "Too many wrong tries: this start PIN no longer works."),
        ("expired", "Your start PIN is no longer valid."),
    ],
)
def test_a_start_pin_that_ended_tells_where_to_get_another(outcome: str, says: str) -> None:
    session = Dialogue(start="start.pin", effect=lambda _effect, _pin: outcome)
    session.dial()
    body = session.reply("4826", "3344")
    assert body.startswith(f"END {says}")
    assert "Call 0700000111" in body


def test_a_start_pin_in_a_dialled_string_is_not_looked_at() -> None:
    session = Dialogue(start="start.pin")
    asks = "CON Welcome to Baraza SACCO\nEnter the start PIN from our SMS:"
    assert session.dial("4826", "3344", "8305", "8305") == asks
    assert session.effects == []
    assert session.reply("4826", "3344").startswith("CON Choose your own PIN")


def test_a_dialled_secret_stays_ignored_although_the_dial_arrives_late() -> None:
    """The answer that a hop got stands, whatever overtook what on the way."""
    session = Dialogue(start="start.pin")
    session.dial("4826")
    session.hop(())
    assert "start_pin" not in session.state(("4826",)).answers
    assert session.reply("4826").startswith("CON Enter the last 4 digits of your ID")


def test_a_secret_after_a_hop_that_never_came_is_ignored() -> None:
    """The second secret was typed on a screen that nobody was shown."""
    session = Dialogue(start="start.pin")
    session.dial()
    assert session.hop(("4826", "3344")).startswith("CON Enter the last 4 digits of your ID")
    assert session.effects == []


def test_an_effect_whose_hop_never_came_has_not_run() -> None:
    """The PIN was typed on its screen, but no hop carried it; the next key does not pass it."""
    session = changing()
    assert session.hop(("5", "1", "4071", "8305")).startswith("CON Change PIN\nEnter your present")
    assert session.effects == []


@pytest.mark.parametrize(
    ("key", "asks", "done"),
    [
        ("1", "SMS receipts will show your balance.", "SMS receipts now show your balance."),
        (
            "2",
            "SMS receipts will not show your balance.",
            "SMS receipts no longer show your balance.",
        ),
    ],
)
def test_receipts_with_and_without_the_balance(key: str, asks: str, done: str) -> None:
    session = Dialogue()
    session.dial()
    assert session.reply("5", "2") == "CON Balance in SMS receipts\n1 Show it\n2 Hide it\n0 Back"
    assert session.reply(key) == f"CON {asks}\nEnter PIN:\n0 Back"
    assert session.reply("4071") == f"END {done}"


def test_help_tells_number_hours_and_how_to_lock_the_sim() -> None:
    assert Dialogue().dial("6") == (
        "END Baraza SACCO\nCall 0700000111\nMon-Fri 8am-5pm\nWe never ask for your PIN.\n"
        "Stop others from swapping your SIM: dial *100*100#"
    )


def test_a_locked_pin_is_told_at_the_dial() -> None:
    assert (
        Dialogue(start="pin.locked")
        .dial()
        .startswith("END Your PIN is locked until 23/11/26 10:45 AM. Nothing was deducted.")
    )


def test_what_was_typed_is_printed_nowhere() -> None:
    """A state in a traceback or a log holds no answer."""
    session = changing("4071", "8305")
    state = session.state(session.tokens)
    assert state.answers == {"new_pin": "8305"}
    assert "8305" not in repr(state)
    assert engine.must_be_stored(menu.SCREENS, state)
