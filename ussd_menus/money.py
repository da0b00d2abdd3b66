"""Balance, mini statement and last withdrawal: only after the PIN, and as the last screen.

So they are gone with the session: phones are shared.
"""

from ussd_menus.checks import FourDigits
from ussd_menus.model import Do, End, Outcome, Pick, Screens, T
from ussd_menus.pin import pin_outcomes

_BALANCE: Screens = {
    "balance.pin": Do(
        T("Savings balance\nEnter PIN:", "Salio la akiba\nWeka PIN:"),
        check=FourDigits(),
        effect="read_balance",
        outcomes={**pin_outcomes("balance.pin"), "shown": Outcome("balance.shown")},
    ),
    "balance.shown": End(T("You can withdraw:\n{balances}", "Unaweza kutoa:\n{balances}")),
}

_STATEMENT: Screens = {
    "statement.account": Pick(
        T("Mini statement of:", "Taarifa fupi ya:"),
        items="accounts",
        save="account",
        to="statement.pin",
    ),
    "statement.pin": Do(
        T("Mini statement of {account}\nEnter PIN:", "Taarifa fupi ya {account}\nWeka PIN:"),
        check=FourDigits(),
        effect="read_statement",
        outcomes={
            **pin_outcomes("statement.pin"),
            "shown": Outcome("statement.shown"),
            "empty": Outcome("statement.empty"),
        },
    ),
    "statement.shown": End(T("Statement:\n{lines}", "Taarifa:\n{lines}")),
    "statement.empty": End(
        T("Nothing was paid into or out of {account} yet.", "Bado hakuna muamala kwenye {account}.")
    ),
}

_LAST: Screens = {
    "last.pin": Do(
        T("Last withdrawal to M-PESA\nEnter PIN:", "Ombi la mwisho la M-PESA\nWeka PIN:"),
        check=FourDigits(),
        effect="read_last",
        outcomes={
            **pin_outcomes("last.pin"),
            "none": Outcome("last.none"),
            "open": Outcome("last.open"),
            "paid": Outcome("last.paid"),
            "failed": Outcome("last.failed"),
            "declined": Outcome("last.declined"),
            "cancelled": Outcome("last.cancelled"),
            "returned": Outcome("last.returned"),
            "paid_after_all": Outcome("last.paid_after_all"),
        },
    ),
    "last.none": End(
        T("You have made no withdrawal to M-PESA yet.", "Bado hujatuma akiba kwenda M-PESA.")
    ),
    "last.open": End(
        T(
            "{ref} of {when}: {amount} to M-PESA is {status}. You will get an SMS. "
            "Do not send it again.",
            "Ombi {ref} la {when}: {amount} kwa M-PESA {status}. Utapata SMS. Usitume tena.",
        )
    ),
    "last.paid": End(
        T(
            "{ref} of {when}: {amount} was paid to M-PESA. M-PESA ref {code}.",
            "Ombi {ref} la {when}: {amount} zimelipwa M-PESA. Kumb. M-PESA {code}.",
        )
    ),
    "last.failed": End(
        T(
            "{ref} of {when}: {amount} was not paid, {reason}. "
            "The money and the fee are back in your savings.",
            "Ombi {ref} la {when}: {amount} hazikulipwa, {reason}. "
            "Pesa na ada zimerudi kwenye akiba.",
        )
    ),
    "last.declined": End(
        T(
            "{ref} of {when}: {amount} was not sent, your savings did not cover it. "
            "Nothing was deducted.",
            "Ombi {ref} la {when}: {amount} hazikutumwa, akiba haikutosha. Hakuna pesa iliyokatwa.",
        )
    ),
    "last.cancelled": End(
        T(
            "{ref} of {when}: {amount} was cancelled and not sent. "
            "All the money is in your savings.",
            "Ombi {ref} la {when}: {amount} lilighairiwa, hazikutumwa. "
            "Pesa zote ziko kwenye akiba.",
        )
    ),
    "last.returned": End(
        T(
            "{ref} of {when}: M-PESA returned {amount}. "
            "The money and the fee are back in your savings.",
            "Ombi {ref} la {when}: M-PESA imerudisha {amount}. Pesa na ada zimerudi kwenye akiba.",
        )
    ),
    "last.paid_after_all": End(
        T(
            "{ref} of {when}: M-PESA paid {amount} after it was back in your savings. "
            "Please call {tel}.",
            "Ombi {ref} la {when}: M-PESA ililipa {amount} baada ya kurudi kwenye akiba. "
            "Tafadhali piga {tel}.",
        )
    ),
}

SCREENS: Screens = {**_BALANCE, **_STATEMENT, **_LAST}
