"""Reading requests the way Daraja does: the first bad field is named, nothing else is checked.

The operator's password and the recipient are not checked here. Both show in the result only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.money import shillings
from app.sandbox.safaricom.answers import invalid
from app.sandbox.safaricom.book import Asked
from app.sandbox.web import Reply

_AMOUNT = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_MSISDN = re.compile(r"254[17][0-9]{8}", re.ASCII)
_SHORTCODE = re.compile(r"[0-9]{5,7}", re.ASCII)
_ADDRESS = re.compile(r"https?://[^\s/]+(/\S*)?")
_ANYTHING = re.compile(r".+", re.DOTALL)
_REMARKS = re.compile(r".{2,100}", re.DOTALL)

_OPERATOR = {"SecurityCredential": _ANYTHING}
_ADDRESSES = {"QueueTimeOutURL": _ADDRESS, "ResultURL": _ADDRESS}
_PAYOUT = {
    "InitiatorName": _ANYTHING,
    **_OPERATOR,
    "OriginatorConversationID": _ANYTHING,
    "CommandID": re.compile("BusinessPayment|SalaryPayment|PromotionPayment"),
    "Amount": _AMOUNT,
    "PartyA": _SHORTCODE,
    "PartyB": _MSISDN,
    "Remarks": _REMARKS,
    **_ADDRESSES,
}


def _query(command: str) -> dict[str, re.Pattern[str]]:
    return {
        "Initiator": _ANYTHING,
        **_OPERATOR,
        "CommandID": re.compile(command),
        "PartyA": _SHORTCODE,
        "IdentifierType": re.compile("4"),
        "Remarks": re.compile(r".{1,100}", re.DOTALL),
        **_ADDRESSES,
    }


_FIELDS = {
    "b2c": _PAYOUT,
    "status": _query("TransactionStatusQuery"),
    "balance": _query("AccountBalance"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A status or balance query that can be read."""

    initiator: str
    credential: str
    ocid: str
    transaction_id: str
    result_url: str
    timeout_url: str
    body: Mapping[str, Any]


def fault_in(api: str, body: Any) -> Reply | None:
    """The error for the first field that is missing or badly written, or None."""
    given = body if isinstance(body, dict) else {}
    for name, form in _FIELDS[api].items():
        value = given.get(name)
        # Numbers are taken where the samples have texts of digits; running systems send both.
        text = str(value) if isinstance(value, int | str) and value is not True else ""
        if not form.fullmatch(text):
            return invalid(name)
    return None


def payout(body: Mapping[str, Any]) -> Asked:
    """A payout request without a fault in it."""
    return Asked(
        ocid=str(body["OriginatorConversationID"]),
        msisdn=str(body["PartyB"]),
        cents=shillings(int(body["Amount"])),
        initiator=str(body["InitiatorName"]),
        credential=str(body["SecurityCredential"]),
        party_a=str(body["PartyA"]),
        result_url=body["ResultURL"],
        timeout_url=body["QueueTimeOutURL"],
        body=body,
    )


def query(body: Mapping[str, Any]) -> Query:
    """A status or balance query without a fault in it."""
    return Query(
        initiator=str(body["Initiator"]),
        credential=str(body["SecurityCredential"]),
        ocid=str(body.get("OriginalConversationID") or ""),
        transaction_id=str(body.get("TransactionID") or ""),
        result_url=body["ResultURL"],
        timeout_url=body["QueueTimeOutURL"],
        body=body,
    )
