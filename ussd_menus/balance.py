"""Balance: only after the PIN, and as the last screen, so that it is gone with the session."""

from ussd_menus.checks import FourDigits
from ussd_menus.model import Do, End, Outcome, Screens, T
from ussd_menus.withdraw import WRONG_PIN

SCREENS: Screens = {
    "balance.pin": Do(
        T("Savings balance\nEnter PIN:", "Salio la akiba\nWeka PIN:"),
        check=FourDigits(),
        effect="read_balance",
        outcomes={
            "shown": Outcome("balance.shown"),
            "wrong_pin": Outcome("balance.pin", WRONG_PIN),
            "locked": Outcome("pin.locked"),
        },
    ),
    "balance.shown": End(
        T(
            "{sacco}\nSavings you can withdraw: {available}",
            "{sacco}\nAkiba unayoweza kutoa: {available}",
        )
    ),
}
