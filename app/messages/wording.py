"""The sentences of every SMS, in English and Swahili. Data; `facts` fills the gaps.

The reference comes first, since it makes a repeat read as one. No name, no link, no account number.
Times are digits with AM/PM, never "saa": half of the country would hear another hour. A text about
a withdrawal that failed says where the money is.
"""

from collections.abc import Mapping

LANGUAGES = ("en", "sw")

Sentences = Mapping[str, Mapping[str, str]]

REASONS: Sentences = {
    "wallet_full": {"en": "your M-PESA account is full", "sw": "M-PESA yako imejaa"},
    "not_registered": {
        "en": "this number cannot receive M-PESA",
        "sw": "namba hii haipokei M-PESA",
    },
    "daily_limit": {
        "en": "your M-PESA daily limit is reached",
        "sw": "umefikia kikomo cha M-PESA cha leo",
    },
    "minimum": {
        "en": "it is below the M-PESA minimum",
        "sw": "kiasi ni chini ya kiwango cha M-PESA",
    },
    "maximum": {
        "en": "it is above the M-PESA maximum",
        "sw": "kiasi kimezidi kiwango cha M-PESA",
    },
    "our_side": {"en": "a problem on our side", "sw": "hitilafu upande wetu"},
}
"""Why M-PESA refused, by `result_codes.MemberReason`."""

ABOUT_WITHDRAWALS: Sentences = {
    "sent": {
        "en": "{ref} Confirmed. {amount} sent to M-PESA {phone} on {when}. "
        "Fee incl. tax {fee}. M-PESA ref {code}. Balance {balance}.",
        "sw": "{ref} Imethibitishwa. {amount} zimetumwa M-PESA {phone} {when}. "
        "Ada na ushuru {fee}. M-PESA {code}. Salio {balance}.",
    },
    "sent/plain": {
        "en": "{ref} Confirmed. {amount} sent to M-PESA {phone} on {when}. "
        "Fee incl. tax {fee}. M-PESA ref {code}.",
        "sw": "{ref} Imethibitishwa. {amount} zimetumwa M-PESA {phone} {when}. "
        "Ada na ushuru {fee}. M-PESA {code}.",
    },
    "failed": {
        "en": "{ref} failed: {reason}. {amount} and the fee are back in your savings. "
        "Balance {balance}. Help {tel}",
        "sw": "{ref} imeshindikana: {reason}. {amount} na ada zimerudi kwenye akiba yako. "
        "Salio {balance}. Msaada {tel}",
    },
    "failed/plain": {
        "en": "{ref} failed: {reason}. {amount} and the fee are back in your savings. Help {tel}",
        "sw": "{ref} imeshindikana: {reason}. {amount} na ada zimerudi kwenye akiba yako. "
        "Msaada {tel}",
    },
    # No promise of a time: doubt can last, and she may have been paid.
    "silent": {
        "en": "{ref}: M-PESA has not told us if {amount} was paid. Check your M-PESA. "
        "If not paid, it returns to savings. Do not send again. Help {tel}",
        "sw": "{ref}: M-PESA haijatujulisha kama {amount} zimelipwa. Angalia M-PESA yako. "
        "Zisipolipwa zitarudi akiba. Usitume tena. Msaada {tel}",
    },
    "held": {
        "en": "{ref}: {amount} is delayed on our side. Nothing was sent to M-PESA yet. "
        "Wait, or dial {dial} to cancel. Do not send again. Help {tel}",
        "sw": "{ref}: {amount} zimechelewa upande wetu. Bado hazijatumwa M-PESA. "
        "Subiri, au piga {dial} kughairi. Usitume tena. Msaada {tel}",
    },
    "delayed": {
        "en": "{ref}: {amount} is delayed. M-PESA has not taken it yet. We keep trying. "
        "Do not send again. Help {tel}",
        "sw": "{ref}: {amount} zimechelewa. M-PESA bado haijazipokea. Tunaendelea kujaribu. "
        "Usitume tena. Msaada {tel}",
    },
    "declined": {
        "en": "{ref} was not sent: your savings do not cover {amount} and the fee. "
        "Nothing was deducted. Help {tel}",
        "sw": "{ref} haikutumwa: akiba yako haitoshi {amount} na ada. "
        "Hakuna pesa iliyokatwa. Msaada {tel}",
    },
    "cancelled/member": {
        "en": "{ref} is cancelled as you asked. Nothing was sent to M-PESA. "
        "{amount} and the fee are in your savings. Help {tel}",
        "sw": "{ref} imeghairiwa ulivyoomba. Hakuna kilichotumwa M-PESA. "
        "{amount} na ada ziko kwenye akiba yako. Msaada {tel}",
    },
    "cancelled/sim": {
        "en": "{ref} was not sent: your SIM card was replaced lately. "
        "{amount} and the fee are in your savings. Visit us with your ID. Help {tel}",
        "sw": "{ref} haikutumwa: laini yako ilibadilishwa hivi karibuni. "
        "{amount} na ada ziko kwenye akiba yako. Tutembelee na kitambulisho. Msaada {tel}",
    },
    "cancelled/us": {
        "en": "{ref} was cancelled by us. Nothing was sent to M-PESA. "
        "{amount} and the fee are in your savings. Help {tel}",
        "sw": "{ref} imeghairiwa na sisi. Hakuna kilichotumwa M-PESA. "
        "{amount} na ada ziko kwenye akiba yako. Msaada {tel}",
    },
    "returned": {
        "en": "{ref} correction: M-PESA gave {amount} back to us. "
        "It is in your savings again. Help {tel}",
        "sw": "{ref} marekebisho: M-PESA imeturudishia {amount}. "
        "Ziko tena kwenye akiba yako. Msaada {tel}",
    },
    "recovered/savings": {
        "en": "{ref} correction: M-PESA paid you {amount} after it had gone back to savings. "
        "It is taken from your savings now. Help {tel}",
        "sw": "{ref} marekebisho: M-PESA ilikulipa {amount} baada ya kurudishwa akiba. "
        "Sasa zimetolewa kwenye akiba yako. Msaada {tel}",
    },
    "recovered/mpesa": {
        "en": "{ref} correction: M-PESA took back {amount} that it had paid you. "
        "You have it in your savings and owe nothing. Help {tel}",
        "sw": "{ref} marekebisho: M-PESA imechukua {amount} ilizokulipa. "
        "Ziko kwenye akiba yako na huna deni. Msaada {tel}",
    },
    "written_off": {
        "en": "{ref} correction: M-PESA paid {amount} after it had gone back to savings. "
        "You owe us nothing for it. Help {tel}",
        "sw": "{ref} marekebisho: M-PESA ililipa {amount} baada ya kurudishwa akiba. "
        "Huna deni kwetu. Msaada {tel}",
    },
    "frozen": {
        "en": "{ref}: what M-PESA told us about {amount} is not clear. "
        "We are checking with M-PESA. Do not send again. Help {tel}",
        "sw": "{ref}: majibu ya M-PESA kuhusu {amount} si wazi. "
        "Tunachunguza na M-PESA. Usitume tena. Msaada {tel}",
    },
}  # fmt: skip

ABOUT_ACCESS: Sentences = {
    # The only text with a PIN in it, and the only gap that is filled at the moment of sending.
    "start_pin": {
        "en": "Your start PIN is {pin}. Dial {dial} before {until} and set your own PIN. "
        "Have your ID ready. Tell nobody. Help {tel}",
        "sw": "PIN yako ya kuanza ni {pin}. Piga {dial} kabla ya {until} uweke PIN yako. "
        "Uwe na kitambulisho. Usimwambie mtu. Msaada {tel}",
    },
    "pin_changed": {
        "en": "Your PIN was changed on {when}. If it was not you, call {tel} now.",
        "sw": "PIN yako imebadilishwa {when}. Kama si wewe, piga {tel} sasa.",
    },
    "pin_locked": {
        "en": "Your PIN is locked until {time} after {tries} wrong tries. No money moved. "
        "If it was not you, call {tel} now.",
        "sw": "PIN yako imefungwa hadi {time}, umekosea mara {tries}. "
        "Hakuna pesa iliyotoka. Kama si wewe, piga {tel} sasa.",
    },
    "pin_locked/staff": {
        "en": "Your PIN is locked after {tries} wrong tries. No money moved. "
        "To open it, visit us with your ID. If it was not you, call {tel} now.",
        "sw": "PIN yako imefungwa, umekosea mara {tries}. Hakuna pesa iliyotoka. "
        "Tutembelee na kitambulisho ifunguliwe. Kama si wewe, piga {tel} sasa.",
    },
    "pin_reset": {
        "en": "Our staff reset your PIN on {when}. "
        "If you did not ask for it, call {tel} now.",
        "sw": "Wafanyakazi wetu wamefuta PIN yako {when}. "
        "Kama hukuomba, piga {tel} sasa.",
    },
    "number_changed": {
        "en": "The phone number of your savings was changed to {phone} on {when}. "
        "If you did not ask for it, call {tel} now.",
        "sw": "Namba ya simu ya akiba yako imebadilishwa kuwa {phone} {when}. "
        "Kama hukuomba, piga {tel} sasa.",
    },
    "phone_locked": {
        "en": "The phone service for your savings was locked on {when}. "
        "No money can leave by phone. Call {tel} or visit us with your ID.",
        "sw": "Huduma ya simu ya akiba yako imefungwa {when}. "
        "Hakuna pesa itakayotoka kwa simu. Piga {tel} au tutembelee na kitambulisho.",
    },
    "phone_unlocked": {
        "en": "The phone service for your savings was opened again on {when}. "
        "If you did not ask for it, call {tel} now.",
        "sw": "Huduma ya simu ya akiba yako imefunguliwa {when}. "
        "Kama hukuomba, piga {tel} sasa.",
    },
}  # fmt: skip

SENTENCES: Sentences = {**ABOUT_WITHDRAWALS, **ABOUT_ACCESS}
"""By kind, or by kind and variant."""
