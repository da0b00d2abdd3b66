"""Withdraw to M-PESA: amount, then confirm with the PIN, then the truth about what happened.

Nothing before the PIN depends on the balance: phones are shared. Fee and duty are shown before the
member confirms, as the Competition Authority orders. No text says "sent": only M-PESA knows that,
and the SMS tells it.
"""

from ussd_menus.checks import AmountInRange, FourDigits
from ussd_menus.model import Ask, Do, End, Outcome, Screens, T

WRONG_PIN = T("Wrong PIN. Tries left: {tries}.", "PIN si sahihi. Umebakiza majaribio: {tries}.")

SCREENS: Screens = {
    "withdraw.amount": Ask(
        T(
            "Withdraw to M-PESA {phone}\nFrom {minimum} to {maximum}\nEnter amount:",
            "Tuma M-PESA {phone}\nKuanzia {minimum} hadi {maximum}\nWeka kiasi:",
        ),
        save="amount",
        check=AmountInRange(),
        to="withdraw.confirm",
    ),
    "withdraw.confirm": Do(
        T(
            "{amount} to M-PESA {phone}\nFee {fee}\nDuty {duty}\nTotal {total}\n"
            "Enter PIN to confirm:",
            "{amount} kwa M-PESA {phone}\nAda {fee}\nUshuru {duty}\nJumla {total}\n"
            "Weka PIN kuthibitisha:",
        ),
        check=FourDigits(),
        effect="submit_withdrawal",
        prepare="quote",
        outcomes={
            "accepted": Outcome("withdraw.accepted"),
            "wrong_pin": Outcome("withdraw.confirm", WRONG_PIN),
            "locked": Outcome("pin.locked"),
            "insufficient": Outcome("withdraw.insufficient"),
            "one_open": Outcome("withdraw.open"),
            "daily_limit": Outcome("withdraw.daily_limit"),
            "not_possible": Outcome("withdraw.stopped"),
        },
    ),
    "withdraw.accepted": End(
        T(
            "Request {ref} received: {amount} to M-PESA {phone}. "
            "You will get an SMS. Do not repeat it.",
            "Ombi {ref} limepokelewa: {amount} kwa M-PESA {phone}. Utapata SMS. Usirudie.",
        )
    ),
    "withdraw.insufficient": End(
        T(
            "Your savings do not cover {total} with the fee. Nothing was deducted.",
            "Akiba yako haitoshi {total} pamoja na ada. Hakuna pesa iliyokatwa.",
        )
    ),
    "withdraw.daily_limit": End(
        T(
            "{amount} is over what you may withdraw in one day. Nothing was deducted. Help {tel}",
            "{amount} inazidi kiwango chako cha siku moja. Hakuna pesa iliyokatwa. Msaada {tel}",
        )
    ),
    "withdraw.open": End(
        T(
            "{ref} to M-PESA is {status}. A new one can start when it ends. "
            "You will get an SMS. Nothing new was deducted.",
            "Ombi {ref} la M-PESA {status}. Likikamilika unaweza kuomba tena. "
            "Utapata SMS. Hakuna pesa mpya iliyokatwa.",
        )
    ),
    "withdraw.stopped": End(
        T(
            "Withdrawals are not possible now. Nothing was deducted. Please try later. Help {tel}",
            "Kutuma pesa hakuwezekani sasa. Hakuna pesa iliyokatwa. Jaribu baadaye. Msaada {tel}",
        )
    ),
    "pin.locked": End(
        T(
            "Your PIN is locked until {until}. Nothing was deducted. "
            "If it was not you, call {tel}.",
            "PIN yako imefungwa hadi {until}. Hakuna pesa iliyokatwa. Kama si wewe, piga {tel}.",
        )
    ),
}
