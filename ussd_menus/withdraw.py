"""Withdraw to M-PESA: amount, then confirm with the PIN, then the truth about what happened.

Nothing before the PIN depends on the balance: phones are shared. Fee and duty are shown before the
member confirms, as the Competition Authority orders. No text says "sent": only M-PESA knows that,
and the SMS tells it.
"""

from ussd_menus.checks import AmountInRange, FourDigits
from ussd_menus.model import Ask, Do, End, Menu, Opt, Outcome, Pick, Screens, T
from ussd_menus.pin import pin_outcomes

SCREENS: Screens = {
    "withdraw.account": Pick(
        T("Withdraw from:", "Tuma kutoka:"),
        items="accounts",
        save="account",
        to="withdraw.amount",
    ),
    "withdraw.amount": Ask(
        T(
            "Withdraw to M-PESA {phone}\n{account}: {minimum} to {maximum}\nEnter amount:",
            "Tuma M-PESA {phone}\n{account}: {minimum} hadi {maximum}\nWeka kiasi:",
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
            **pin_outcomes("withdraw.confirm"),
            "accepted": Outcome("withdraw.accepted"),
            "insufficient": Outcome("withdraw.insufficient"),
            "one_open": Outcome("withdraw.open"),
            "daily_limit": Outcome("withdraw.daily_limit"),
            "over_maximum": Outcome("withdraw.over_maximum"),
            "sacco_limit": Outcome("withdraw.sacco_limit"),
            "cooling_off": Outcome("withdraw.cooling_off"),
            "low_limit": Outcome("withdraw.low_limit"),
            "not_allowed": Outcome("withdraw.branch"),
            "stopped": Outcome("withdraw.stopped"),
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
            "{amount} would exceed what you may withdraw in one day. "
            "Nothing was deducted. Help {tel}",
            "Ukitoa {amount} utazidi kiwango chako cha siku moja. "
            "Hakuna pesa iliyokatwa. Msaada {tel}",
        )
    ),
    "withdraw.over_maximum": End(
        T(
            "{amount} is more than can be withdrawn at once at this hour. "
            "Nothing was deducted. Try less. Help {tel}",
            "{amount} inazidi kiwango cha kutuma kwa saa hizi. "
            "Hakuna pesa iliyokatwa. Jaribu kiasi kidogo. Msaada {tel}",
        )
    ),
    "withdraw.sacco_limit": End(
        T(
            "Too much is being withdrawn at {sacco} now. "
            "Nothing was deducted. Please try later. Help {tel}",
            "Maombi ya {sacco} yamefika kiwango kwa sasa. "
            "Hakuna pesa iliyokatwa. Jaribu tena baadaye. Msaada {tel}",
        )
    ),
    "withdraw.cooling_off": End(
        T(
            "Your PIN or number was changed lately. For your safety withdrawals must wait. "
            "Nothing was deducted. Help {tel}",
            "PIN au nambari yako ilibadilishwa karibuni. Kwa usalama wako subiri kutuma pesa. "
            "Hakuna pesa iliyokatwa. Msaada {tel}",
        )
    ),
    "withdraw.low_limit": End(
        T(
            "Your PIN or number was changed lately, so {amount} is too much for now. "
            "Nothing was deducted. Try less. Help {tel}",
            "PIN au nambari yako ilibadilishwa karibuni, {amount} ni nyingi kwa sasa. "
            "Hakuna pesa iliyokatwa. Jaribu kidogo. Msaada {tel}",
        )
    ),
    "withdraw.branch": End(
        T(
            "Withdrawals from this account are made at our office. Bring your ID; a joint account "
            "needs all signatures. Nothing was deducted. Help {tel}",
            "Pesa za akaunti hii hutolewa ofisini. Njoo na kitambulisho; akaunti ya pamoja "
            "huhitaji sahihi zote. Hakuna pesa iliyokatwa. Msaada {tel}",
        )
    ),
    "withdraw.stopped": End(
        T(
            "Withdrawals are not possible now. Nothing was deducted. Please try later. Help {tel}",
            "Kutuma pesa hakuwezekani sasa. Hakuna pesa iliyokatwa. Jaribu baadaye. Msaada {tel}",
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
    "withdraw.unsent": Menu(
        T(
            "{ref} to M-PESA is {status}. You can still cancel it.",
            "Ombi {ref} la M-PESA {status}. Bado unaweza kulighairi.",
        ),
        options=(Opt("1", T("Cancel it", "Ghairi ombi"), "withdraw.cancel"),),
    ),
    "withdraw.cancel": Do(
        T(
            "Cancel {ref}: all the money stays in your savings.\nEnter PIN to cancel:",
            "Ghairi {ref}: pesa zote zinabaki kwenye akiba.\nWeka PIN kughairi:",
        ),
        check=FourDigits(),
        effect="cancel_withdrawal",
        outcomes={
            **pin_outcomes("withdraw.cancel"),
            "cancelled": Outcome("withdraw.cancelled"),
            "too_late": Outcome("withdraw.too_late"),
            "ended": Outcome("withdraw.ended"),
            "not_now": Outcome("withdraw.not_now"),
        },
    ),
    "withdraw.cancelled": End(
        T(
            "{ref} is cancelled. Nothing was sent to M-PESA, all the money is in your savings.",
            "Ombi {ref} limeghairiwa. Hakuna kilichotumwa M-PESA, pesa zote ziko kwenye akiba.",
        )
    ),
    "withdraw.too_late": End(
        T(
            "{ref} is with M-PESA already and cannot be cancelled. You will get an SMS "
            "when M-PESA answers. Nothing new was deducted.",
            "Ombi {ref} liko M-PESA tayari, haliwezi kughairiwa. Utapata SMS M-PESA ikijibu. "
            "Hakuna pesa mpya iliyokatwa.",
        )
    ),
    "withdraw.not_now": End(
        T(
            "{ref} could not be cancelled just now. Dial again to see how it stands. "
            "Nothing new was deducted.",
            "Ombi {ref} halikughairiwa kwa sasa. Piga tena uone lilipo. "
            "Hakuna pesa mpya iliyokatwa.",
        )
    ),
    "withdraw.ended": End(
        T(
            "{ref} has ended already. Dial again: option 4 says how. Nothing new was deducted.",
            "Ombi {ref} limekwisha. Piga tena: chaguo 4 linaeleza. Hakuna pesa mpya iliyokatwa.",
        )
    ),
}
