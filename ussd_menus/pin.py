"""PINs: the first one from a start PIN, a new one for an old one, and what a wrong one leads to.

The digits of the ID on file stand beside the start PIN because phone numbers are given to new
people: who holds the SIM card need not be the member.
"""

from collections.abc import Mapping

from ussd_menus.checks import FourDigits, NewPin
from ussd_menus.model import Ask, Do, End, Menu, Opt, Outcome, Screens, T

WRONG_PIN = T("Wrong PIN. Tries left: {tries}.", "PIN si sahihi. Umebakiza majaribio: {tries}.")
_WRONG_START = T(
    "Start PIN or ID is wrong. Tries left: {tries}.",
    "PIN ya kuanza au ID si sahihi. Umebakiza majaribio: {tries}.",
)
_DIFFERENT = T("The two PINs differ. Choose again.", "PIN mbili hazifanani. Chagua tena.")
_USED_BEFORE = T("You had this PIN before.", "PIN hii ulikuwa nayo awali.")
_ID_SHAPE = T("Type 4 digits.", "Andika tarakimu 4.")


def pin_outcomes(here: str) -> Mapping[str, Outcome]:
    """What may come of a PIN other than that it is right. The screen asks again, or it is over."""
    return {
        "wrong_pin": Outcome(here, WRONG_PIN),
        "locked": Outcome("pin.locked"),
        "locked_by_us": Outcome("pin.locked_by_us"),
    }


def _choose_pin(prefix: str, question: T) -> Screens:
    """New PIN, repeat it, done. Whatever is wrong with it leads back to the first of the two."""
    choose, repeat = f"{prefix}.new", f"{prefix}.repeat"
    return {
        choose: Ask(question, save="new_pin", check=NewPin(), to=repeat, secret=True),
        repeat: Do(
            T("Enter the new PIN again:", "Weka PIN mpya tena:"),
            check=FourDigits(),
            effect="change_pin" if prefix == "pin" else "set_first_pin",
            outcomes={
                "changed": Outcome(f"{prefix}.done"),
                "different": Outcome(choose, _DIFFERENT),
                "used_before": Outcome(choose, _USED_BEFORE),
            },
        ),
    }


_FIRST_USE: Screens = {
    "start.pin": Ask(
        T(
            "Welcome to {sacco}\nEnter the start PIN from our SMS:",
            "Karibu {sacco}\nWeka PIN ya kuanza iliyo kwenye SMS yetu:",
        ),
        save="start_pin",
        check=FourDigits(),
        to="start.id",
        secret=True,
    ),
    "start.id": Do(
        T(
            "Enter the last 4 digits of your ID number:",
            "Weka tarakimu 4 za mwisho za nambari ya kitambulisho (ID):",
        ),
        check=FourDigits(_ID_SHAPE),
        effect="check_start",
        outcomes={
            "right": Outcome("start.new"),
            "wrong_start": Outcome("start.pin", _WRONG_START),
            "locked": Outcome("start.void"),
            "expired": Outcome("start.expired"),
        },
    ),
    **_choose_pin(
        "start",
        T(
            "Choose your own PIN, 4 digits. Not the one of M-PESA.\nEnter new PIN:",
            "Chagua PIN yako, tarakimu 4. Isiwe ile ya M-PESA.\nWeka PIN mpya:",
        ),
    ),
    "start.done": End(
        T(
            "Your PIN is set. Never tell it to anybody, not even to us. Dial again to use {sacco}.",
            "PIN yako imewekwa. Usimwambie mtu yeyote, hata sisi. Piga tena kutumia {sacco}.",
        )
    ),
    "start.void": End(
        T(
            "Too many wrong tries: this start PIN no longer works. Nothing was deducted. "
            "Call {tel} or visit us with your ID.",
            "Umekosea mara nyingi: PIN ya kuanza haitumiki tena. Hakuna pesa iliyokatwa. "
            "Piga {tel} au tutembelee na kitambulisho.",
        )
    ),
    "start.expired": End(
        T(
            "Your start PIN is no longer valid. Nothing was deducted. "
            "Call {tel} or visit {sacco} with your ID for a new one.",
            "PIN yako ya kuanza haitumiki tena. Hakuna pesa iliyokatwa. "
            "Piga {tel} au tembelea {sacco} na kitambulisho upewe mpya.",
        )
    ),
}

_CHANGE: Screens = {
    "pin.menu": Menu(
        T("PIN and SMS", "PIN na SMS"),
        options=(
            Opt("1", T("Change PIN", "Badilisha PIN"), "pin.old"),
            Opt("2", T("Balance in SMS receipts", "Salio kwenye risiti za SMS"), "receipts.menu"),
        ),
    ),
    "pin.old": Do(
        T("Change PIN\nEnter your present PIN:", "Badilisha PIN\nWeka PIN yako ya sasa:"),
        check=FourDigits(),
        effect="check_pin",
        outcomes={**pin_outcomes("pin.old"), "right": Outcome("pin.new")},
    ),
    **_choose_pin("pin", T("Change PIN\nEnter new PIN:", "Badilisha PIN\nWeka PIN mpya:")),
    "pin.done": End(
        T(
            "Your PIN is changed. Never tell it to anybody. You will get an SMS.",
            "PIN yako imebadilishwa. Usimwambie mtu yeyote. Utapata SMS.",
        )
    ),
    "pin.locked": End(
        T(
            "Your PIN is locked until {until}. Nothing was deducted. "
            "If it was not you, call {tel}.",
            "PIN yako imefungwa hadi {until}. Hakuna pesa iliyokatwa. Kama si wewe, piga {tel}.",
        )
    ),
    "pin.locked_by_us": End(
        T(
            "Too many wrong PINs: your phone service is locked. Nothing was deducted. "
            "To open it, call {tel} or visit {sacco} with your ID.",
            "Umekosea PIN mara nyingi: huduma ya simu imefungwa. Hakuna pesa iliyokatwa. "
            "Kuifungua, piga {tel} au tembelea {sacco} na kitambulisho.",
        )
    ),
}


def _receipts(effect: str, text: T) -> Do:
    here = f"receipts.{effect.removesuffix('_balance_in_receipts')}"
    return Do(
        text,
        check=FourDigits(),
        effect=effect,
        outcomes={**pin_outcomes(here), "kept": Outcome(f"{here}.done")},
    )


_RECEIPTS: Screens = {
    "receipts.menu": Menu(
        T("Balance in SMS receipts", "Salio kwenye risiti za SMS"),
        options=(
            Opt("1", T("Show it", "Lionyeshe"), "receipts.show"),
            Opt("2", T("Hide it", "Lifiche"), "receipts.hide"),
        ),
    ),
    "receipts.show": _receipts(
        "show_balance_in_receipts",
        T(
            "SMS receipts will show your balance.\nEnter PIN:",
            "Risiti za SMS zitaonyesha salio.\nWeka PIN:",
        ),
    ),
    "receipts.show.done": End(
        T("SMS receipts now show your balance.", "Risiti za SMS sasa zitaonyesha salio lako.")
    ),
    "receipts.hide": _receipts(
        "hide_balance_in_receipts",
        T(
            "SMS receipts will not show your balance.\nEnter PIN:",
            "Risiti za SMS hazitaonyesha salio.\nWeka PIN:",
        ),
    ),
    "receipts.hide.done": End(
        T(
            "SMS receipts no longer show your balance.",
            "Risiti za SMS sasa hazitaonyesha salio lako.",
        )
    ),
}

SCREENS: Screens = {**_FIRST_USE, **_CHANGE, **_RECEIPTS}
