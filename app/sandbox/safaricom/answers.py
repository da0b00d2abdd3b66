"""What Daraja's gateway says at once: acknowledgements, and every kind of error it is known for."""

import json
import secrets
from dataclasses import dataclass

from app.sandbox.web import HTML, Reply, as_json


def error(status: int, code: str, message: str) -> Reply:
    """The gateway's usual error."""
    number = f"{secrets.token_hex(2)}-{secrets.token_hex(2)}-{secrets.token_hex(10)}"
    return as_json({"requestId": number, "errorCode": code, "errorMessage": message}, status)


def acknowledge(*, conversation_id: str, ocid: str) -> Reply:
    """The request is queued. That is not yet a payment."""
    return as_json(
        {
            "ConversationID": conversation_id,
            "OriginatorConversationID": ocid,
            "ResponseCode": "0",
            "ResponseDescription": "Accept the service request successfully.",
        }
    )


def invalid(field: str) -> Reply:
    """A field is missing or badly written."""
    return error(400, "400.002.02", f"Bad Request - Invalid {field}")


@dataclass(frozen=True, slots=True)
class TokenError:
    """The same idea, an invalid access token, is written in another way by each API."""

    status: int
    code: str
    message: str

    def reply(self) -> Reply:
        """The answer."""
        return error(self.status, self.code, self.message)


INVALID_TOKEN = {
    "b2c": TokenError(401, "401.002.01", "Error Occurred - Invalid Access Token - ********"),
    "status": TokenError(400, "400.003.01", "Invalid Access Token"),
    "balance": TokenError(404, "404.001.03", "Invalid Access Token"),
}

DUPLICATE = error(500, "500.002.1001", "Duplicate OriginatorConversationID.")

_PAGE = b"<html><head><title>%b</title></head><body><h1>%b</h1></body></html>"


def _html(status: int, title: bytes) -> Reply:
    return Reply(status, _PAGE % (title, title), HTML)


def _apigee(status: int, violation: str) -> Reply:
    text = f"Rate limit exceeded: policies.ratelimit.{violation}"
    detail = {"errorcode": f"policies.ratelimit.{violation}"}
    return as_json({"fault": {"faultstring": text, "detail": detail}}, status)


def _soap(text: str) -> Reply:
    fault = {"Body": {"Fault": {"faultcode": "soap:Server", "faultstring": text}}}
    return Reply(500, json.dumps({"Envelope": fault}).encode())


ODD_ANSWERS: dict[str, Reply] = {
    "html_200": _html(200, b"Request Rejected"),
    "empty_200": Reply(200),
    "error_envelope_200": error(200, "500.003.02", "System is busy. Please try again later."),
    "internal_error": error(500, "500.002.1001", "System internal error."),
    "maintenance": error(
        500, "500.002.1001", "Service is currently under maintenance. Please try again later"
    ),
    "unreachable": error(500, "500.003.1001", "Service is currently unreachable."),
    "spike_arrest": error(500, "500.003.02", "Error Occurred: Spike Arrest Violation"),
    "quota_violation": error(500, "500.003.03", "Quota Violation"),
    "system_busy": error(
        500, "500.003.02", "System is busy. Please try again in few minutes."
    ),
    "spike_arrest_429": _apigee(429, "SpikeArrestViolation"),
    "quota_429": _apigee(429, "QuotaViolation"),
    "soap_fault": _soap("The system is temporarily unavailable"),
    "empty_500": Reply(500, content_type=""),
    "forbidden_html": _html(403, b"Access Denied"),
    "bad_gateway_html": _html(502, b"Bad Gateway"),
    "unavailable_html": _html(503, b"Service Unavailable"),
    "gateway_timeout_html": _html(504, b"Gateway Time-out"),
    "not_found": error(404, "404.001.01", "Resource not found"),
    "method_not_allowed": error(405, "405.001", "Method Not Allowed"),
    "bad_request": error(400, "400.002.02", "Bad Request - Invalid PartyB"),
    "no_product": error(
        401, "401.002.01",
        "Error Occurred - Invalid Access Token - Invalid API call as no apiproduct match found",
    ),
}  # fmt: skip
"""By the name of the behaviour that says them."""
