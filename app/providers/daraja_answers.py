"""What Daraja's HTTP answer to a call means. Pure.

The same idea has different codes per product, and the same code has different meanings, so a row
is chosen by HTTP status, error code and text together. What no row fits is a doubt.
"""

from dataclasses import dataclass
from typing import Any

from app.msisdn import mask_all
from app.providers.daraja_outcomes import (
    Accepted,
    Answered,
    Duplicate,
    InDoubt,
    Mend,
    NotProcessed,
    Refused,
)
from app.providers.loose_json import loads, pick, text_of
from app.providers.result_codes import normalised

ERROR_TEXT_MAX = 200
_HTTP_OK = range(200, 300)


@dataclass(frozen=True, slots=True)
class _Row:
    """One known answer. An empty code or text fits any."""

    status: int
    code: str
    says: str
    """Part of the text, in lower case."""
    means: type[Refused | Duplicate | InDoubt] | Mend


_ROWS = (
    # Whatever else it says, an answer about a duplicate speaks of another call.
    _Row(500, "500.002.1001", "duplicate originatorconversationid", Duplicate),
    _Row(400, "", "duplicate", InDoubt),
    # Tokens. The app may also lack the product, which no new token mends.
    _Row(401, "", "no apiproduct match found", Mend.CONFIG),
    _Row(401, "", "", Mend.TOKEN),
    _Row(404, "404.001.03", "invalid access token", Mend.TOKEN),
    _Row(400, "400.003.01", "invalid access token", Mend.TOKEN),
    _Row(400, "400.002.02", "invalid access token", Mend.TOKEN),
    # Fields that M-PESA read and will not have.
    _Row(400, "400.002.02", "invalid", Refused),
    _Row(400, "400.002.05", "", Refused),
    _Row(400, "400.003.02", "", Refused),
    # Turned away by the gateway in front: wrong path, wrong method, firewall, too many calls.
    _Row(403, "", "", Mend.CONFIG),
    _Row(404, "", "", Mend.CONFIG),
    _Row(405, "", "", Mend.CONFIG),
    _Row(429, "", "", Mend.RATE),
    _Row(500, "500.003.02", "spike arrest violation", Mend.RATE),
    _Row(500, "500.003.03", "quota violation", Mend.RATE),
    _Row(500, "policies.ratelimit.SpikeArrestViolation", "", Mend.RATE),
    _Row(500, "policies.ratelimit.QuotaViolation", "", Mend.RATE),
)

RATE_CODES = tuple(row.code for row in _ROWS if row.means is Mend.RATE and row.code)
"""By which the gateway says that we call too often; besides HTTP 429."""


def read_answer(http_status: int, content: bytes) -> Answered:
    """What this answer means for the call that it answers."""
    body = loads(content)
    code, text = _error(body)
    if http_status in _HTTP_OK:
        return _acknowledgement(http_status, body, code)
    plain = " ".join(text.lower().split())
    for row in _ROWS:
        if row.status == http_status and row.code in {"", code} and row.says in plain:
            return _outcome(row, code, mask_all(text[:ERROR_TEXT_MAX]))
    return InDoubt(_form(body, content), http_status, code or None)


def _outcome(row: _Row, code: str, text: str) -> Answered:
    if isinstance(row.means, Mend):
        return NotProcessed(row.status, code, text, row.means)
    if row.means is Refused:
        return Refused(row.status, code, text)
    return Duplicate() if row.means is Duplicate else InDoubt(text, row.status, code or None)


def _acknowledgement(http_status: int, body: Any, code: str) -> Answered:
    """Accepted needs a zero response code and no error beside it."""
    told = normalised(pick(body, "ResponseCode"))
    if told == "0" and not code:
        return Accepted(text_of(pick(body, "ConversationID")))
    reason = "acknowledged with another code" if told else "acknowledged without a code"
    return InDoubt(reason, http_status, code or told or None)


def _error(body: Any) -> tuple[str, str]:
    """Code and text of an error in any of its shapes: gateway, Apigee fault, SOAP turned JSON."""
    fault = pick(body, "fault")
    soap = pick(pick(pick(body, "Envelope"), "Body"), "Fault")
    code = text_of(pick(body, "errorCode")) or text_of(pick(pick(fault, "detail"), "errorcode"))
    text = (
        text_of(pick(body, "errorMessage"))
        or text_of(pick(fault, "faultstring"))
        or text_of(pick(soap, "faultstring"))
    )
    return code or "", text or ""


def _form(body: Any, content: bytes) -> str:
    """What came instead of an answer that we know. Never its words: others wrote them."""
    if not content.strip():
        return "empty answer"
    return "an answer we do not know" if isinstance(body, dict) else "an answer that is not JSON"
