"""Reading what Daraja posts to us: payout results, status results, queue-timeout notices. Pure.

Every odd form here was captured or published: parameters as a list, as one object or missing;
entries without a value; codes as numbers and as text; keys in several spellings. Nothing raises,
whatever the JSON; what could not be read is None, and None proves nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.providers.daraja_envelopes import Parameters, Unreadable, envelope_of, is_final
from app.providers.daraja_values import (
    PhoneMatch,
    charge_cents,
    moment,
    name_in,
    number_in,
    same_phone,
    to_cents,
)
from app.providers.loose_json import key_form, pick, strip_secrets, text_of
from app.providers.result_codes import NOT_KNOWN_NOW, ResultCode, Verdict, lookup

__all__ = [
    "B2cResult", "PhoneMatch", "StatusResult", "StatusSays", "TimeoutNotice", "Unreadable",
    "parse_b2c_result", "parse_status_result", "parse_timeout", "same_phone", "strip_secrets",
    "to_cents",
]  # fmt: skip

SHORTCODE_LENGTH_MAX = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class B2cResult:
    """A payout's result as M-PESA told it. Matching it with the payout is the caller's part."""

    code: ResultCode
    final: bool
    """False when M-PESA announces more to come, or does not say: then nothing is proved."""
    ocid: str | None
    conversation_id: str | None
    receipt: str | None
    """None unless the code is success: a failure carries an id that only looks like a receipt."""
    amount_cents: int | None
    receiver: str | None = field(repr=False)
    """The number that was paid, possibly masked; for `same_phone`."""
    payee: str | None = field(repr=False)
    """The name that M-PESA has for that number, possibly masked."""
    completed_at: datetime | None
    utility_cents: int | None
    """Our float after this payout."""
    charges_cents: int | None
    """What we owe Safaricom for payouts so far, as M-PESA keeps it: negative."""
    description: str

    @property
    def verdict(self) -> Verdict:
        """What the result proves: nothing, unless it is final."""
        return self.code.verdict if self.final else Verdict.DOUBT


class StatusSays(StrEnum):
    """What a status answer says about the payout that was asked about."""

    PAID = "paid"
    OPEN = "open"
    """M-PESA is still at work."""
    NOT_PAID = "not_paid"
    """Declined, cancelled or expired: it will never be paid."""
    NOT_KNOWN_NOW = "not_known_now"
    """M-PESA does not know the request at present. It may still sit in a queue."""
    ABOUT_QUERY = "about_query"
    """Our question failed. Says nothing about the payout."""
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusResult:
    """A status query's result. All ids but `query_conversation_id` are the payout's own."""

    says: StatusSays
    code: str
    """The query's own code, as text: 0 means only that the query worked."""
    status: str | None
    """M-PESA's word for the payout's state."""
    query_conversation_id: str | None
    ocid: str | None
    conversation_id: str | None
    receipt: str | None
    amount_cents: int | None
    receiver: str | None = field(repr=False)
    """The number that was paid, possibly masked; for `same_phone`."""
    payee: str | None = field(repr=False)
    """The name that M-PESA has for that number, possibly masked."""
    completed_at: datetime | None
    charge_cents: int | None
    """Safaricom's fee for this payout."""
    description: str


@dataclass(frozen=True, slots=True)
class TimeoutNotice:
    """The gateway stopped waiting. The payout may be made all the same."""

    ocid: str | None


_STATUS_SAYS = {
    "completed": StatusSays.PAID,
    "initiated": StatusSays.OPEN,
    "authorized": StatusSays.OPEN,
    "authorised": StatusSays.OPEN,
    "pendingauthorized": StatusSays.OPEN,
    "pendingauthorised": StatusSays.OPEN,
    "cancelled": StatusSays.NOT_PAID,
    "declined": StatusSays.NOT_PAID,
    "expired": StatusSays.NOT_PAID,
}


def parse_b2c_result(body: object) -> B2cResult | Unreadable:
    """A payout's result callback, from its decoded JSON."""
    envelope = envelope_of(body)
    if envelope is None:
        return Unreadable("no result with a code in it")
    told = Parameters(envelope)
    code = lookup(pick(envelope, "ResultCode"))
    paid = code.verdict is Verdict.SUCCESS
    receipt = told.text("TransactionReceipt") or text_of(pick(envelope, "TransactionID"))
    return B2cResult(
        code=code,
        final=is_final(envelope),
        ocid=text_of(pick(envelope, "OriginatorConversationID")),
        conversation_id=text_of(pick(envelope, "ConversationID")),
        receipt=receipt if paid else None,
        amount_cents=to_cents(told.only("TransactionAmount")),
        receiver=number_in(told.text("ReceiverPartyPublicName")),
        payee=name_in(told.text("ReceiverPartyPublicName")),
        completed_at=moment(told.only("TransactionCompletedDateTime")),
        utility_cents=to_cents(told.only("B2CUtilityAccountAvailableFunds")),
        charges_cents=to_cents(told.only("B2CChargesPaidAccountAvailableFunds")),
        description=text_of(pick(envelope, "ResultDesc")) or "",
    )


def parse_status_result(body: object) -> StatusResult | Unreadable:
    """A status query's result callback, from its decoded JSON."""
    envelope = envelope_of(body)
    if envelope is None:
        return Unreadable("no result with a code in it")
    told = Parameters(envelope)
    code = lookup(pick(envelope, "ResultCode"))
    status = told.text("TransactionStatus")
    return StatusResult(
        says=_says(code, status) if is_final(envelope) else StatusSays.UNCLEAR,
        code=code.code,
        status=status,
        query_conversation_id=text_of(pick(envelope, "ConversationID")),
        ocid=told.text("OriginatorConversationID"),
        conversation_id=told.text("ConversationID"),
        receipt=told.text("ReceiptNo"),
        amount_cents=to_cents(told.only("Amount")),
        receiver=number_in(told.text("CreditPartyName")) or _second_party(told),
        payee=name_in(told.text("CreditPartyName")),
        completed_at=moment(told.only("FinalisedTime")),
        charge_cents=charge_cents(told.text("DebitPartyCharges")),
        description=text_of(pick(envelope, "ResultDesc")) or "",
    )


def parse_timeout(body: object) -> TimeoutNotice:
    """A queue-timeout notice: our own request sent back, or an envelope; its form is not fixed."""
    ocid = pick(body, "OriginatorConversationID")
    if ocid is None:
        ocid = pick(pick(body, "Result"), "OriginatorConversationID")
    return TimeoutNotice(ocid=text_of(ocid))


def _says(code: ResultCode, status: str | None) -> StatusSays:
    if code.code in NOT_KNOWN_NOW:
        return StatusSays.NOT_KNOWN_NOW
    if code.verdict is not Verdict.SUCCESS:
        return StatusSays.ABOUT_QUERY
    return _STATUS_SAYS.get(key_form(status or ""), StatusSays.UNCLEAR)


def _second_party(told: Parameters) -> str | None:
    """The credit party of the old form, which names both parties `DebitPartyName`."""
    parties = [number_in(text_of(value)) for value in told.all("DebitPartyName")]
    phones = [p for p in parties if p and len(p) > SHORTCODE_LENGTH_MAX]
    return phones[0] if len(parties) > 1 and len(phones) == 1 else None
