"""Accounts, statements, the last withdrawal and taking one back: by keys alone."""

import pytest

from tests.support.dialogue import FIRST_FACTS, LAST, OUTCOME_FACTS, Dialogue, pin_is_4071
from ussd_menus import menu
from ussd_menus.placeholders import PLACEHOLDERS
from ussd_menus.rendering import render

TWO = {**FIRST_FACTS, "accounts": [[11, "Savings"], [12, "Holiday"]]}
SIX = {**FIRST_FACTS, "accounts": [[10 + n, f"Account {n}"] for n in range(1, 7)]}


def test_who_has_several_accounts_chooses_one() -> None:
    session = Dialogue(first_facts=TWO)
    session.dial()
    assert session.reply("1") == "CON Withdraw from:\n1 Savings\n2 Holiday\n0 Back"
    assert session.reply("3").startswith("CON Wrong choice.\nWithdraw from:\n1 Savings")
    assert session.reply("2") == (
        "CON Withdraw to M-PESA 0712***678\nHoliday: KES 50 to KES 250,000\nEnter amount:\n0 Back"
    )
    assert session.state(session.tokens).answers == {"account": [12, "Holiday"]}
    assert session.reply("0") == "CON Withdraw from:\n1 Savings\n2 Holiday\n0 Back"
    assert session.state(session.tokens).answers == {}


def test_a_dialled_string_may_choose_the_account_too() -> None:
    assert Dialogue(first_facts=TWO).dial("1", "2", "500").startswith("CON KES 500 to M-PESA")


def test_who_has_one_account_is_not_asked() -> None:
    session = Dialogue()
    main = session.dial()
    assert session.reply("3") == "CON Mini statement of Savings\nEnter PIN:\n0 Back"
    assert session.reply("0") == main


def test_the_commonest_account_name_is_translated() -> None:
    session = Dialogue(language="sw", first_facts=TWO)
    session.dial()
    assert session.reply("3") == "CON Taarifa fupi ya:\n1 Akiba\n2 Holiday\n0 Rudi"
    assert session.reply("1") == "CON Taarifa fupi ya Akiba\nWeka PIN:\n0 Rudi"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Holiday", "Holiday"),
        ("Children's education", "Children's educa"),
        ("Jenga [2027]", "Jenga [2027]"),
        ("[[[[[[[[[", "[[[[[[[["),
        ("Caf\u00e9 \u2013 savings", "Caf\u00e9 ? savings"),
    ],
)
def test_a_name_that_no_phone_can_show_whole_is_shown_as_far_as_it_can(
    name: str, shown: str
) -> None:
    """However the SACCO called it, the member is served."""
    assert PLACEHOLDERS["account"].write([1, name], "en") == shown


def test_a_long_list_takes_several_screens() -> None:
    """98 leads on, 0 leads back a screen, and numbers run through."""
    session = Dialogue(first_facts=SIX)
    main = session.dial()
    first = "CON Mini statement of:\n1 Account 1\n2 Account 2\n3 Account 3\n4 Account 4\n98 More"
    assert session.reply("3") == f"{first}\n0 Back"
    assert session.reply("98") == "CON Mini statement of:\n5 Account 5\n6 Account 6\n0 Back"
    assert session.reply("98").startswith("CON Wrong choice.\nMini statement of:\n5 Account 5")
    assert session.reply("0") == f"{first}\n0 Back"
    assert session.reply("0") == main
    assert session.reply("3", "98", "6") == "CON Mini statement of Account 6\nEnter PIN:\n0 Back"
    assert session.reply("0") == f"{first}\n0 Back"
    assert session.reply("98", "00") == main


def test_a_statement_has_a_line_for_each_entry() -> None:
    session = Dialogue()
    session.dial()
    assert session.reply("3", "4071") == (
        "END Statement:\n23/11 -512.65 M-PESA\n3/11 +48,512.65 Opening"
    )


def test_an_entry_of_a_kind_without_a_word_is_shown_all_the_same() -> None:
    lines = PLACEHOLDERS["lines"]
    assert lines.write([["3/11", 5_00, "bonus"]], "en") == "3/11 +5.00 Other"
    assert lines.write([["3/11", 5_00, "bonus"]], "sw") == "3/11 +5.00 Nyingine"


def test_an_account_without_entries_says_so() -> None:
    session = Dialogue(effect=lambda _effect, _pin: "empty")
    session.dial()
    assert session.reply("3", "4071") == "END Nothing was paid into or out of Savings yet."


def test_more_accounts_than_lines_are_counted() -> None:
    rows = [[n, f"Account {n}", n * 100_00] for n in range(1, 7)]
    body = render(menu.SCREENS["balance.shown"], "en", {"balances": rows}, is_root=False)
    assert body == (
        "END You can withdraw:\nAccount 1 KES 100.00\nAccount 2 KES 200.00\n"
        "Account 3 KES 300.00\n+ 3"
    )


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("none", "You have made no withdrawal to M-PESA yet."),
        ("open", "BRZ8K2QF7M of 23/11/26 10:15 AM: KES 500 to M-PESA is waiting for M-PESA. You"),
        ("paid", "BRZ8K2QF7M of 23/11/26 10:15 AM: KES 500 was paid to M-PESA. M-PESA ref SKL12"),
        ("failed", "BRZ8K2QF7M of 23/11/26 10:15 AM: KES 500 was not paid, your M-PESA is full."),
        ("declined", "BRZ8K2QF7M of 23/11/26 10:15 AM: KES 500 was not sent, your savings did"),
        ("cancelled", "BRZ8K2QF7M of 23/11/26 10:15 AM: KES 500 was cancelled and not sent."),
        ("returned", "BRZ8K2QF7M of 23/11/26 10:15 AM: M-PESA returned KES 500. The money and"),
        ("paid_after_all", "BRZ8K2QF7M of 23/11/26 10:15 AM: M-PESA paid KES 500 after it was"),
    ],
)
def test_the_last_withdrawal_is_told_in_words_after_the_pin(outcome: str, says: str) -> None:
    session = Dialogue(effect=lambda _effect, _pin: outcome)
    session.dial()
    assert session.reply("4") == "CON Last withdrawal to M-PESA\nEnter PIN:\n0 Back"
    assert session.reply("4071").startswith(f"END {says}")


def test_an_unsent_withdrawal_can_be_taken_back_with_the_pin() -> None:
    session = Dialogue(start="main.unsent", first_facts={**FIRST_FACTS, **unsent()})
    assert session.dial().startswith("CON BRZ8K2QF7M to M-PESA: not sent yet\n1 Withdraw to M-PESA")
    assert session.reply("1") == (
        "CON BRZ8K2QF7M to M-PESA is not sent yet. You can still cancel it.\n1 Cancel it\n0 Back"
    )
    assert session.reply("1") == (
        "CON Cancel BRZ8K2QF7M: all the money stays in your savings.\nEnter PIN to cancel:\n0 Back"
    )
    assert session.reply("4071").startswith("END BRZ8K2QF7M is cancelled. Nothing was sent")
    assert session.effects == [("cancel_withdrawal", ("1", "1", "4071"))]


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("too_late", "BRZ8K2QF7M is with M-PESA already and cannot be cancelled."),
        ("ended", "BRZ8K2QF7M has ended already. Dial again: option 4 says how."),
        ("not_now", "BRZ8K2QF7M could not be cancelled just now."),
    ],
)
def test_a_cancel_that_cannot_be_says_why(outcome: str, says: str) -> None:
    session = Dialogue(
        start="main.unsent",
        first_facts={**FIRST_FACTS, **unsent()},
        effect=lambda _effect, _pin: outcome,
    )
    session.dial()
    body = session.reply("1", "1", "4071")
    assert body.startswith(f"END {says}")
    assert "Nothing new was deducted." in body


def test_a_cancel_in_a_dialled_string_cancels_nothing() -> None:
    session = Dialogue(start="main.unsent", first_facts={**FIRST_FACTS, **unsent()})
    assert session.dial("1", "1", "4071").startswith("CON Cancel BRZ8K2QF7M")
    assert session.effects == []


def unsent() -> dict[str, str]:
    return {"ref": "BRZ8K2QF7M", "status": "unsent"}


def test_an_account_that_the_office_serves_keeps_the_rest_of_the_menu() -> None:
    """Joint accounts, and those that a court holds: nothing tells which of them it is."""
    session = Dialogue(start="main.branch")
    session.dial()
    assert session.reply("1").startswith("END Withdrawals from this account are made at our office")
    session.dial()
    assert session.reply("2", "4071").startswith("END You can withdraw:\nSavings")


def test_every_outcome_of_the_script_is_one_that_screens_know() -> None:
    """The scripted world stays in step with the menu."""
    declared = {
        outcome for screen in menu.SCREENS.values() for outcome in getattr(screen, "outcomes", ())
    }
    assert set(OUTCOME_FACTS) <= declared
    assert set(LAST) <= PLACEHOLDERS.keys()
    assert pin_is_4071("set_first_pin", "8305") == "changed"
