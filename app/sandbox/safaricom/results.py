"""The bodies that Safaricom posts, and the odd forms they are known to take."""

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from app.money import CENTS_PER_SHILLING

EAT = timezone(timedelta(hours=3))
INTERNAL_URL = "https://internalapi.safaricom.co.ke/mpesa/b2cresults/v1/submit"
Result = dict[str, Any]
Entry = dict[str, Any]

DESCRIPTIONS: Mapping[str, str] = {
    "0": "The service request is processed successfully.",
    "1": "The balance is insufficient for the transaction.",
    "2": "Declined due to limit rule: less than the minimum transaction amount.",
    "3": "Declined due to limit rule: greater than the maximum transaction amount.",
    "4": "Declined due to limit rule: would exceed daily transfer limit.",
    "6": "Unresolved Primary Party",
    "8": "Declined due to limit rule: would exceed the maximum balance.",
    "11": "The DebitParty is in an invalid state.",
    "15": "Duplicate Detected",
    "17": "Internal Failure",
    "21": "The initiator is not allowed to initiate this request",
    "25": "Invalid parameters",
    "26": "Traffic blocking condition in place",
    "2001": "The initiator information is invalid.",
    "2006": "Declined due to account rule: The account status does not allow this transaction.",
    "2028": "The request is not permitted according to product assignment.",
    "2032": "The transaction receipt number does not exist.",
    "2040": (
        "Credit Party customer type (Unregistered or Registered Customer) can't be supported by "
        "the service."
    ),
    "8006": "The security credential is locked.",
    "SFC_IC0003": "The operator does not exist.",
    "100000000": "Request was cached, waiting for resending.",
}


def shillings(cents: int) -> float | int:
    """As Daraja writes amounts: a number, with a point only where it is needed."""
    whole, rest = divmod(cents, CENTS_PER_SHILLING)
    return cents / CENTS_PER_SHILLING if rest else whole


def person(payout: Mapping[str, Any]) -> str:
    """The receiver as M-PESA writes it, without a name where the number's owner is not known."""
    return f"{payout['msisdn']} - {payout['name']}"


def day_first(moment: float) -> str:
    """`23.11.2026 14:05:52`, East Africa Time, as in payout results."""
    return datetime.fromtimestamp(moment, UTC).astimezone(EAT).strftime("%d.%m.%Y %H:%M:%S")


def digits(moment: float) -> int:
    """20261123140552, East Africa Time, as in status and balance results."""
    return int(datetime.fromtimestamp(moment, UTC).astimezone(EAT).strftime("%Y%m%d%H%M%S"))


def entries(pairs: Iterable[tuple[str, object]]) -> list[Entry]:
    """Result parameters. One without a value has no `Value` at all."""
    return [{"Key": key} if value is None else {"Key": key, "Value": value} for key, value in pairs]


def envelope(
    *,
    code: int | str,
    ocid: str,
    conversation_id: str,
    transaction_id: str,
    parameters: list[Entry] | None,
    reference: Entry,
) -> Result:
    """The outermost form of every result."""
    result: Result = {
        "ResultType": 0,
        "ResultCode": code,
        "ResultDesc": DESCRIPTIONS.get(str(code), "The service request failed."),
        "OriginatorConversationID": ocid,
        "ConversationID": conversation_id,
        "TransactionID": transaction_id,
    }
    if parameters is not None:
        result["ResultParameters"] = {"ResultParameter": parameters}
    result["ReferenceData"] = {"ReferenceItem": reference}
    return {"Result": result}


def payout_result(payout: Mapping[str, Any], *, code: int | str) -> Result:
    """The result of a payout. A failure also carries an id that looks like a receipt."""
    paid = code == 0
    parameters = entries(
        (
            ("TransactionAmount", shillings(payout["cents"])),
            ("TransactionReceipt", payout["transaction_id"]),
            ("ReceiverPartyPublicName", person(payout)),
            ("TransactionCompletedDateTime", day_first(payout["finished_at"])),
            ("B2CUtilityAccountAvailableFunds", shillings(payout["utility_cents"])),
            ("B2CWorkingAccountAvailableFunds", 0.00),
            ("B2CRecipientIsRegisteredCustomer", "Y"),
            ("B2CChargesPaidAccountAvailableFunds", shillings(payout["charges_cents"])),
        )
    )
    return envelope(
        code=code,
        ocid=payout["ocid"],
        conversation_id=payout["conversation_id"],
        transaction_id=payout["transaction_id"],
        parameters=parameters if paid else None,
        reference={"Key": "QueueTimeoutURL", "Value": INTERNAL_URL},
    )


def status_parameters(payout: Mapping[str, Any], *, status: str, shortcode: str) -> list[Entry]:
    """What a status query tells of a payout. All ids in here are the payout's own."""
    paid = status == "Completed"
    fee = payout["fee_cents"] / CENTS_PER_SHILLING
    return entries(
        (
            ("DebitPartyName", f"{shortcode} - BARAZA SACCO"),
            ("CreditPartyName", person(payout)),
            ("OriginatorConversationID", payout["ocid"]),
            ("InitiatedTime", digits(payout["accepted_at"])),
            ("DebitAccountType", "Utility Account"),
            ("DebitPartyCharges", f"Fee For B2C Payment|KES|{fee:.2f}" if paid and fee else None),
            ("TransactionReason", None),
            ("ReasonType", "Business Payment to Customer via API"),
            ("TransactionStatus", status),
            ("FinalisedTime", digits(payout["finished_at"]) if paid else None),
            ("Amount", shillings(payout["cents"])),
            ("ConversationID", payout["conversation_id"]),
            ("ReceiptNo", payout["transaction_id"] if paid else None),
        )
    )


def balance_parameters(*, utility_cents: int, charges_cents: int, at: float) -> list[Entry]:
    """The accounts, packed into one text."""
    lines = []
    for name, cents in (
        ("Working Account", 0),
        ("Float Account", 0),
        ("Utility Account", utility_cents),
        ("Charges Paid Account", charges_cents),
        ("Organization Settlement Account", 0),
    ):
        money = f"{cents / CENTS_PER_SHILLING:.2f}"
        lines.append(f"{name}|KES|{money}|{money}|0.00|0.00")
    return entries((("AccountBalance", "&".join(lines)), ("BOCompletedTime", digits(at))))


def _parameters(result: Result) -> list[Entry]:
    found = result["Result"].get("ResultParameters", {}).get("ResultParameter", [])
    assert isinstance(found, list)
    return found


def _set(result: Result, keys: set[str], change: Callable[[Any], Any]) -> None:
    for entry in _parameters(result):
        if entry["Key"] in keys and "Value" in entry:
            entry["Value"] = change(entry["Value"])


def _wrong_amount(result: Result) -> None:
    _set(result, {"TransactionAmount", "Amount"}, lambda shillings: shillings + 1)


def _wrong_phone(result: Result) -> None:
    receivers = {"ReceiverPartyPublicName", "CreditPartyName"}
    _set(result, receivers, lambda _: "254799999999 - SOMEBODY ELSE")


def _other_name(result: Result) -> None:
    receivers = {"ReceiverPartyPublicName", "CreditPartyName"}
    _set(result, receivers, lambda text: f"{text.partition(' - ')[0]} - SOMEBODY ELSE")


def _masked_phone(result: Result) -> None:
    receivers = {"ReceiverPartyPublicName", "CreditPartyName"}
    _set(result, receivers, lambda text: f"{text[:4]}*****{text[9:12]} - {text[15:16]}*****")


def _parameters_as_object(result: Result) -> None:
    # Captured on failures, where there is one entry. Of a success the amount is what is left.
    body = result["Result"]
    found = _parameters(result)
    only = found[0] if found else {"Key": "BOCompletedTime", "Value": 20200625232427}
    body["ResultParameters"] = {"ResultParameter": only}


def _parameters_missing(result: Result) -> None:
    result["Result"].pop("ResultParameters", None)


def _parameters_shuffled(result: Result) -> None:
    random.Random(0).shuffle(_parameters(result))  # noqa: S311 - the same every time


def _value_missing(result: Result) -> None:
    _set(result, {"B2CUtilityAccountAvailableFunds"}, lambda _: None)
    for entry in _parameters(result):
        if entry["Key"] == "B2CUtilityAccountAvailableFunds":
            del entry["Value"]


def _code_as_text(result: Result) -> None:
    result["Result"]["ResultCode"] = str(result["Result"]["ResultCode"])


def _unknown_ocid(result: Result) -> None:
    result["Result"]["OriginatorConversationID"] = "00000000-0000-7000-8000-000000000000"


def _other_conversation_id(result: Result) -> None:
    result["Result"]["ConversationID"] = "AG_20200101_00000000000000000000"


def _more_to_come(result: Result) -> None:
    result["Result"]["ResultType"] = 1


_OLD_KEYS = {
    "FinalisedTime": "FinalizedTime",
    "ConversationID": "Conversation ID",
    "OriginatorConversationID": "Originator Conversation ID",
    "CreditPartyName": "DebitPartyName",
}


def _old_spelling(result: Result) -> None:
    """As the old portal's sample has it: other keys, both parties under one, values as text."""
    for entry in _parameters(result):
        entry["Key"] = _OLD_KEYS.get(entry["Key"], entry["Key"])
        if "Value" in entry:
            entry["Value"] = str(entry["Value"])


CHANGES: dict[str, Callable[[Result], None]] = {
    "wrong_amount": _wrong_amount,
    "wrong_phone": _wrong_phone,
    "other_name": _other_name,
    "masked_phone": _masked_phone,
    "parameters_as_object": _parameters_as_object,
    "parameters_missing": _parameters_missing,
    "parameters_shuffled": _parameters_shuffled,
    "value_missing": _value_missing,
    "code_as_text": _code_as_text,
    "unknown_ocid": _unknown_ocid,
    "other_conversation_id": _other_conversation_id,
    "more_to_come": _more_to_come,
    "old_spelling": _old_spelling,
}
"""Odd forms, by the name of the behaviour. Each changes a finished body in place."""
