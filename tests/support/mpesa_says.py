"""What M-PESA posts to us, in every form that it is known to have. Amounts in shillings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DROPPED = object()
"""A key that this form leaves out."""
OTHER = "+254799999999"


@dataclass(frozen=True)
class Payout:
    """What a message can truly say about one payout of 1,500 shillings."""

    id: str
    reference: str
    phone: str
    """As M-PESA writes it: 254…"""

    @property
    def conversation(self) -> str:
        """M-PESA's own id, as it acknowledged it."""
        return f"AG_{self.reference}"

    @property
    def receipt(self) -> str:
        """M-PESA's code for the payment."""
        return f"S{self.reference[1:]}"


Form = Callable[[Payout], Any]


def envelope(payout: Payout, **changes: Any) -> dict[str, Any]:
    told = {
        "ResultType": 0,
        "ResultCode": 0,
        "ResultDesc": "Said by M-PESA.",
        "OriginatorConversationID": payout.id,
        "ConversationID": payout.conversation,
        "TransactionID": payout.receipt,
        "ReferenceData": {"ReferenceItem": {"Key": "QueueTimeoutURL", "Value": "https://x"}},
        **changes,
    }
    return {"Result": {key: value for key, value in told.items() if value is not DROPPED}}


def pairs(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"Key": key} if value is None else {"Key": key, "Value": value}
        for key, value in told.items()
        if value is not DROPPED
    ]


def paid_parameters(payout: Payout, **changes: Any) -> list[dict[str, Any]]:
    return pairs(
        {
            "TransactionAmount": 1500,
            "TransactionReceipt": payout.receipt,
            "ReceiverPartyPublicName": f"{payout.phone} - WANJIKU KAMAU",
            "TransactionCompletedDateTime": "23.11.2026 14:05:52",
            "B2CUtilityAccountAvailableFunds": 482310.50,
            "B2CWorkingAccountAvailableFunds": 0.00,
            "B2CRecipientIsRegisteredCustomer": "Y",
            "B2CChargesPaidAccountAvailableFunds": -1305.00,
            **changes,
        }
    )


def paid(parameters: dict[str, Any] | None = None, **changes: Any) -> Form:
    """A success with other parameters, or another envelope."""

    def form(payout: Payout) -> dict[str, Any]:
        inner = {"ResultParameter": paid_parameters(payout, **(parameters or {}))}
        return envelope(payout, **{"ResultParameters": inner, **changes})

    return form


def refused(code: Any = 2040, **changes: Any) -> Form:
    """A failure, which comes without parameters."""
    return lambda payout: envelope(payout, ResultCode=code, **changes)


def again(parameters: list[dict[str, Any]]) -> Form:
    """A success in which some keys come a second time."""

    def form(payout: Payout) -> dict[str, Any]:
        inner = {"ResultParameter": [*paid_parameters(payout), *parameters]}
        return envelope(payout, ResultParameters=inner)

    return form


def name_of(shown: Callable[[str], str]) -> Form:
    """A success whose recipient is shown like this."""
    return lambda payout: paid({"ReceiverPartyPublicName": shown(payout.phone)})(payout)


def echo(**changes: Any) -> Form:
    """Our own request, sent back by a gateway that stopped waiting."""
    return lambda payout: {
        "OriginatorConversationID": payout.id,
        "InitiatorName": "barazaapi",
        "SecurityCredential": "canary",
        "CommandID": "BusinessPayment",
        "Amount": "1500",
        "PartyB": payout.phone,
        **changes,
    }


def status_parameters(payout: Payout, **changes: Any) -> list[dict[str, Any]]:
    return pairs(
        {
            "DebitPartyName": "3041257 - BARAZA SACCO",
            "CreditPartyName": f"{payout.phone} - WANJIKU KAMAU",
            "OriginatorConversationID": payout.id,
            "InitiatedTime": 20261123140551,
            "DebitAccountType": "Utility Account",
            "DebitPartyCharges": "Fee For B2C Payment|KES|5.00",
            "TransactionReason": None,
            "ReasonType": "Business Payment to Customer via API",
            "TransactionStatus": "Completed",
            "FinalisedTime": 20261123140552,
            "Amount": 1500,
            "ConversationID": payout.conversation,
            "ReceiptNo": payout.receipt,
            **changes,
        }
    )


QUERY = {
    "OriginatorConversationID": "4327-461f",
    "ConversationID": "AG_query",
    "TransactionID": "UKN1000000",
    "ReferenceData": {"ReferenceItem": {"Key": "Occasion"}},
}
"""The envelope's ids belong to the question."""


def status(told: dict[str, Any] | None = None, **changes: Any) -> Form:
    """An answer to a status query."""

    def form(payout: Payout) -> dict[str, Any]:
        inner = {"ResultParameter": status_parameters(payout, **(told or {}))}
        return envelope(payout, **{**QUERY, "ResultParameters": inner, **changes})

    return form


def failed(code: Any) -> Form:
    """A query that failed: no parameters."""
    return lambda payout: envelope(payout, **QUERY, ResultCode=code)


def two_debit_parties(payout: Payout) -> dict[str, Any]:
    """The older form: both sides are named DebitPartyName."""
    told = status_parameters(payout, CreditPartyName=DROPPED)
    other = {"Key": "DebitPartyName", "Value": f"{payout.phone} - WANJIKU KAMAU"}
    return envelope(payout, **QUERY, ResultParameters={"ResultParameter": [*told, other]})


def older_spellings(payout: Payout) -> dict[str, Any]:
    """Keys with spaces, a z for an s, everything as text."""
    told = {
        "Transaction Status": "Completed",
        "FinalizedTime": "20261123140552",
        "Conversation ID": payout.conversation,
        "Originator Conversation ID": payout.id,
        "Amount": "1500",
        "Receipt No": payout.receipt,
    }
    return envelope(payout, **QUERY, ResultParameters={"ResultParameter": pairs(told)})


def of_status(word: Any) -> Form:
    return status({"TransactionStatus": word})
