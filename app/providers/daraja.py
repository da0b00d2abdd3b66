"""Safaricom's Daraja: payouts (B2C v3), status and balance queries, one call at a time.

There are no retries of a payout here, in the adapter or in urllib3: whether the same request may
go out again is the saga's to decide. The one exception is a token that was refused, which proves
that the request was not looked at.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from app.config import Settings
from app.db import Database
from app.errors import Misconfigured
from app.money import whole_shillings
from app.msisdn import is_e164
from app.observability import logger
from app.providers.careful_http import CarefulHttp, NoAnswer, NothingLeft
from app.providers.credential import Credential
from app.providers.daraja_answers import read_answer
from app.providers.daraja_outcomes import (
    Accepted,
    Duplicate,
    InDoubt,
    Mend,
    NotProcessed,
    NotSent,
    Outcome,
    Refused,
)
from app.providers.tokens import GET_S_MAX, Tokens, TokenUnavailable

__all__ = [
    "Accepted", "BalanceRequest", "Daraja", "Duplicate", "InDoubt", "Mend", "NotProcessed",
    "NotSent", "Outcome", "PayRequest", "Refused", "StatusRequest", "pay_body_hash",
]  # fmt: skip

PAY_PATH = "/mpesa/b2c/v3/paymentrequest"
STATUS_PATH = "/mpesa/transactionstatus/v1/query"
BALANCE_PATH = "/mpesa/accountbalance/v1/query"

COMMAND_PAY = "BusinessPayment"
COMMAND_STATUS = "TransactionStatusQuery"
COMMAND_BALANCE = "AccountBalance"
SHORTCODE_IDENTIFIER = "4"
REMARKS_LENGTH = range(2, 101)

PREPARE_S_MAX = 10
"""A call for which no token was had by then is not begun: its lease may not outlast it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayRequest:
    """One payout to one member.

    Raises:
        AssertionError: it could never be a payout; the caller is wrong.
        ValueError: the amount has cents, which M-PESA cannot pay.
    """

    ocid: str
    msisdn: str = field(repr=False)
    amount_cents: int
    result_url: str = field(repr=False)
    timeout_url: str = field(repr=False)
    remarks: str = "Savings withdrawal"
    """For M-PESA's statement: 2 to 100 characters of ASCII."""

    def __post_init__(self) -> None:
        assert self.ocid
        assert is_e164(self.msisdn)
        assert self.amount_cents > 0
        assert self.remarks.isascii()
        assert len(self.remarks) in REMARKS_LENGTH
        whole_shillings(self.amount_cents)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRequest:
    """A question about the payout that was requested under this id."""

    ocid: str
    result_url: str = field(repr=False)
    timeout_url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRequest:
    """A question about the accounts of our shortcode."""

    result_url: str = field(repr=False)
    timeout_url: str = field(repr=False)


def pay_body_hash(request: PayRequest) -> bytes:
    """SHA-256 of what a request means: the same for every resend of a payout.

    The credential is left out because its padding is random, the addresses because they may
    carry a newer secret by then.
    """
    meaning = [
        COMMAND_PAY,
        request.ocid,
        request.msisdn,
        whole_shillings(request.amount_cents),
        request.remarks,
    ]
    return hashlib.sha256(json.dumps(meaning).encode()).digest()


def call_s_max(*, connect_s: float, read_s: float) -> float:
    """The longest that one call can take with these timeouts, in seconds."""
    return PREPARE_S_MAX + max(connect_s + read_s, GET_S_MAX)


class Daraja:
    """The client. Threads may share one. Whatever the provider does, an outcome is returned."""

    def __init__(
        self,
        *,
        base_url: str,
        shortcode: str,
        initiator: str,
        initiator_password: str,
        certificate: Path,
        tokens: Tokens,
        connect_timeout_s: float,
        read_timeout_s: float,
        calls_max: int,
    ) -> None:
        self._base_url = base_url
        self._shortcode = shortcode
        self._initiator = initiator
        self._credential = Credential(certificate=certificate, password=initiator_password)
        self._tokens = tokens
        self._http = CarefulHttp(
            connect_s=connect_timeout_s, read_s=read_timeout_s, connections_max=calls_max
        )

    @classmethod
    def from_settings(cls, settings: Settings, db: Database) -> Self:
        """The client that an installation's settings describe."""
        return cls(
            base_url=settings.daraja_base,
            shortcode=settings.daraja_shortcode,
            initiator=settings.daraja_initiator,
            initiator_password=settings.daraja_initiator_password.get_secret_value(),
            certificate=settings.daraja_certificate_file,
            tokens=Tokens(
                db=db,
                base_url=settings.daraja_base,
                consumer_key=settings.daraja_consumer_key.get_secret_value(),
                consumer_secret=settings.daraja_consumer_secret.get_secret_value(),
                encryption_key=settings.secret_key.get_secret_value(),
            ),
            connect_timeout_s=settings.daraja_connect_timeout_s,
            read_timeout_s=settings.daraja_read_timeout_s,
            calls_max=settings.daraja_calls_max,
        )

    def pay(self, request: PayRequest) -> Outcome:
        """Ask M-PESA, once, to pay a member. `Accepted` means queued, never paid."""
        return self._call(
            PAY_PATH,
            {
                "OriginatorConversationID": request.ocid,
                "InitiatorName": self._initiator,
                "CommandID": COMMAND_PAY,
                "Amount": str(whole_shillings(request.amount_cents)),
                "PartyA": self._shortcode,
                "PartyB": request.msisdn.removeprefix("+"),
                "Remarks": request.remarks,
                "QueueTimeOutURL": request.timeout_url,
                "ResultURL": request.result_url,
            },
        )

    def ask(self, request: StatusRequest) -> Outcome:
        """Ask M-PESA how a payout stands. The answer comes to the result address."""
        return self._call(
            STATUS_PATH,
            {
                # The contract's own spellings: Initiator here, InitiatorName for payouts;
                # Original, not Originator; one s in Occasion.
                "Initiator": self._initiator,
                "CommandID": COMMAND_STATUS,
                "TransactionID": "",
                "OriginalConversationID": request.ocid,
                "PartyA": self._shortcode,
                "IdentifierType": SHORTCODE_IDENTIFIER,
                "ResultURL": request.result_url,
                "QueueTimeOutURL": request.timeout_url,
                "Remarks": "Payout check",
                "Occasion": "",
            },
        )

    def balance(self, request: BalanceRequest) -> Outcome:
        """Ask M-PESA what our accounts hold. The answer comes to the result address."""
        return self._call(
            BALANCE_PATH,
            {
                "Initiator": self._initiator,
                "CommandID": COMMAND_BALANCE,
                "PartyA": self._shortcode,
                "IdentifierType": SHORTCODE_IDENTIFIER,
                "ResultURL": request.result_url,
                "QueueTimeOutURL": request.timeout_url,
                "Remarks": "Float check",
            },
        )

    def close(self) -> None:
        """Close the connections that are kept alive."""
        self._http.close()

    def _call(self, path: str, fields: Mapping[str, str]) -> Outcome:
        begin_by = time.monotonic() + PREPARE_S_MAX
        try:
            token = self._tokens.get()
            body = {**fields, "SecurityCredential": self._credential.text()}
        except (TokenUnavailable, Misconfigured) as missing:
            logger().warning("daraja_call_not_sent", path=path, reason=str(missing))
            return NotSent(str(missing))
        if time.monotonic() > begin_by:
            return NotSent("the access token took too long")
        raw = json.dumps(body).encode()
        outcome = self._post(path, raw, token.value)
        if _token_refused(outcome) and time.monotonic() < begin_by:
            try:
                newer = self._tokens.refresh(after_generation=token.generation)
            except TokenUnavailable as missing:
                logger().warning("daraja_token_not_renewed", path=path, reason=str(missing))
                return outcome
            if time.monotonic() < begin_by:
                return self._post(path, raw, newer.value)
        return outcome

    def _post(self, path: str, raw: bytes, token: str) -> Outcome:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        ending = self._http.post(self._base_url + path, headers=headers, body=raw)
        if isinstance(ending, NothingLeft):
            return NotSent(ending.reason)
        if isinstance(ending, NoAnswer):
            return InDoubt(ending.reason)
        return read_answer(ending.status, ending.content)


def _token_refused(outcome: Outcome) -> bool:
    return isinstance(outcome, NotProcessed) and outcome.retry is Mend.TOKEN
