"""SMS through Africa's Talking, behind its SDK. Nothing of the SDK gets out of this module.

The SDK builds the request. Its HTTP is replaced through its one private hook, because it loses
the HTTP status, has no bound on a dripping answer, and cannot say whether a request left us. The
version is pinned, and a contract test holds both hooks.
"""

from dataclasses import dataclass
from typing import Any, Self

from africastalking.SMS import SMSService

from app.config import Settings
from app.msisdn import is_e164, mask_all
from app.providers.careful_http import Answer, CarefulHttp, Ending, NoAnswer, NothingLeft
from app.providers.loose_json import loads, pick, text_of

CONNECT_TIMEOUT_S = 3.0
TEXT_MAX = 100
API_PATH = "/version1"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway has the message. Whether it arrives, a delivery report will say."""

    message_id: str | None
    """What delivery reports name it by; None if the gateway gave no id."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The gateway will not send this message."""

    code: str
    status: str
    permanent: bool
    """False: a later attempt may find another route."""


@dataclass(frozen=True, slots=True)
class TryLater:
    """Nothing was sent. The message is as good as before."""

    reason: str
    out_of_credit: bool = False


@dataclass(frozen=True, slots=True)
class InDoubt:
    """It may have been sent. There is no idempotency key: sending again may send twice."""

    reason: str


SmsOutcome = Accepted | Rejected | TryLater | InDoubt

_ACCEPTED = {"100", "101", "102"}
_TRY_LATER = {"405": "InsufficientBalance", "500": "InternalServerError", "501": "GatewayError"}
_REJECTED = {
    "401": "RiskHold",
    "402": "InvalidSenderId",
    "403": "InvalidPhoneNumber",
    "404": "UnsupportedNumberType",
    "406": "UserInBlacklist",
    "407": "CouldNotRoute",
    "409": "DoNotDisturbRejection",
    "502": "RejectedByGateway",
}
USER_IN_BLACKLIST = "406"
"""The code of a number whose owner blocked our sender."""
_ANOTHER_ROUTE = "407"
_OUT_OF_CREDIT = "405"
_CODES = {name.lower(): code for code, name in {**_REJECTED, **_TRY_LATER}.items()}

_HTTP_OK = range(200, 300)
_HTTP_BAD_REQUEST = 400
_TURNED_AWAY = {
    401: "our key was refused",
    403: "access was refused",
    404: "wrong address",
    405: "wrong address",
    429: "too many requests",
}


class Sms:
    """The gateway for text messages. Threads may share one."""

    def __init__(
        self, *, base_url: str, username: str, api_key: str, sender_id: str, read_timeout_s: float
    ) -> None:
        self._http = CarefulHttp(connect_s=CONNECT_TIMEOUT_S, read_s=read_timeout_s)
        self._service = _Service(
            username=username, api_key=api_key, base_url=base_url, http=self._http
        )
        self._sender_id = sender_id or None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The gateway that an installation's settings describe."""
        return cls(
            base_url=settings.at_base,
            username=settings.at_username,
            api_key=settings.at_api_key.get_secret_value(),
            sender_id=settings.at_sender_id,
            read_timeout_s=settings.at_read_timeout_s,
        )

    def send(self, *, to: str, text: str) -> SmsOutcome:
        """Send one message to one number (E.164), once. Never raises for what the gateway does."""
        if not is_e164(to):
            return Rejected("403", "InvalidPhoneNumber", permanent=True)
        ending: Ending = self._service.send(text, [to], sender_id=self._sender_id)
        if isinstance(ending, NothingLeft):
            return TryLater(ending.reason)
        if isinstance(ending, NoAnswer):
            return InDoubt(ending.reason)
        return _read(ending)

    def close(self) -> None:
        """Close the connections that are kept alive."""
        self._http.close()


class _Service(SMSService):  # type: ignore[misc]  # the SDK ships no types
    """The SDK's SMS service, pointed at an address of ours and using our HTTP."""

    def __init__(self, *, username: str, api_key: str, base_url: str, http: CarefulHttp) -> None:
        self._given_url = base_url + API_PATH
        self._http = http
        super().__init__(username, api_key)

    def _init_service(self) -> None:
        self._baseUrl = self._contentUrl = self._given_url

    def _make_request(
        self,
        url: str,
        method: str,
        *,
        headers: dict[str, str],
        data: dict[str, Any],
        params: None,
        callback: None = None,
        timeout: object = None,
    ) -> Ending:
        del params, timeout
        assert method == "POST"
        assert callback is None
        return self._http.post(url, headers=headers, body=data)


def _read(answer: Answer) -> SmsOutcome:
    if answer.status in _TURNED_AWAY:
        return TryLater(_TURNED_AWAY[answer.status])
    if answer.status == _HTTP_BAD_REQUEST:
        return Rejected("400", _short(answer.content.decode(errors="replace")), permanent=True)
    body = loads(answer.content)
    if answer.status not in _HTTP_OK or body is None:
        return InDoubt(f"HTTP {answer.status} without an answer that we know")
    told = pick(body, "SMSMessageData")
    recipients = pick(told, "Recipients")
    if isinstance(recipients, list) and recipients:
        return _recipient(recipients[0])
    reason = text_of(pick(told, "Message"))
    if reason is None:
        return InDoubt("an answer without recipients and without a reason")
    # No recipient was taken; the reason is the name that a recipient's status would have.
    return _by_code(_CODES.get(reason.lower(), ""), _short(reason)) or TryLater(_short(reason))


def _recipient(told: Any) -> SmsOutcome:
    code = text_of(pick(told, "statusCode")) or ""
    if code in _ACCEPTED:
        message_id = text_of(pick(told, "messageId"))
        return Accepted(None if message_id == "None" else message_id)
    status = _short(text_of(pick(told, "status")) or "")
    return _by_code(code, status) or InDoubt(f"unknown status code {code[:10]}")


def _by_code(code: str, status: str) -> SmsOutcome | None:
    if code in _REJECTED:
        return Rejected(code, status or _REJECTED[code], permanent=code != _ANOTHER_ROUTE)
    if code in _TRY_LATER:
        return TryLater(_TRY_LATER[code], out_of_credit=code == _OUT_OF_CREDIT)
    return None


def _short(text: str) -> str:
    return mask_all(text.strip()[:TEXT_MAX])
