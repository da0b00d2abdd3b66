"""What USSD screens can set off, by the names that screens know it by."""

from collections.abc import Callable, Mapping

from app.channels import ussd_money, ussd_pins
from app.channels.ussd_calls import Call, Done
from ussd_menus.model import Facts

EFFECTS: Mapping[str, Callable[[Call], Done]] = {
    "submit_withdrawal": ussd_money.submit_withdrawal,
    "cancel_withdrawal": ussd_money.cancel_withdrawal,
    "read_balance": ussd_money.read_balance,
    "read_statement": ussd_money.read_statement,
    "read_last": ussd_money.read_last,
    "check_start": ussd_pins.check_start,
    "set_first_pin": ussd_pins.set_first_pin,
    "check_pin": ussd_pins.check_pin,
    "change_pin": ussd_pins.change_pin,
    "show_balance_in_receipts": ussd_pins.show_balance,
    "hide_balance_in_receipts": ussd_pins.hide_balance,
}
PREPARATIONS: Mapping[str, Callable[[Call], Facts]] = {"quote": ussd_money.prepare_quote}
