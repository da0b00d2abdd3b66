"""Africa's Talking Insights: was the SIM card behind this number replaced lately?

The question is answered twice: at once with an id for each number, and later, to our door, with
that id and a date. The SDK's own call is not used: it reads the environment's proxies and loses
the HTTP status.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any, Literal, Self

from app.config import Settings
from app.msisdn import is_e164
from app.providers.careful_http import Answer, CarefulHttp
from app.providers.loose_json import loads, pick, text_of

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 9.0
PATH = "/v1/sim-swap"
NEVER = date(1901, 1, 1)
"""The published sample says `Swapped` with 01-01-1900, its mark for never: the date decides."""

Outcome = Literal["swapped", "not_swapped", "unknown"]


@dataclass(frozen=True, slots=True)
class SimAnswer:
    """What a later answer says about one request."""

    request_id: str
    outcome: Outcome
    swapped_on: date | None
    """When the SIM was replaced last; None where it never was, or the answer does not say."""


class Insights:
    """The service. Threads may share one."""

    def __init__(self, *, base_url: str, username: str, api_key: str) -> None:
        self._url = base_url + PATH
        self._username = username
        self._api_key = api_key
        self._http = CarefulHttp(connect_s=CONNECT_TIMEOUT_S, read_s=READ_TIMEOUT_S)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The service that an installation's settings describe."""
        return cls(
            base_url=settings.at_insights_base,
            username=settings.at_username,
            api_key=settings.at_api_key.get_secret_value(),
        )

    def ask(self, numbers: Sequence[str]) -> dict[str, str]:
        """Ask about these numbers (E.164). Returns the request id of each that was taken.

        A number that is missing was not taken, or nobody knows: its answer will not come, and
        time decides what to do without one. Asking twice costs a shilling and moves nothing.
        """
        asked = [number for number in numbers if is_e164(number)]
        ending = self._http.post(
            self._url,
            headers={"apiKey": self._api_key, "Content-Type": "application/json"},
            body=json.dumps({"username": self._username, "phoneNumbers": asked}).encode(),
        )
        if not isinstance(ending, Answer) or not HTTPStatus(200) <= ending.status < HTTPStatus(300):
            return {}
        responses = pick(loads(ending.content), "responses")
        taken = [_taken(one) for one in responses] if isinstance(responses, list) else []
        return {number: request for number, request in taken if number in asked and request}

    def close(self) -> None:
        """Close the connections that are kept alive."""
        self._http.close()


def read_answer(body: object) -> SimAnswer | None:
    """An answer to our door, or None if it names no request."""
    request_id = text_of(pick(body, "requestId"))
    if request_id is None:
        return None
    told = text_of(pick(body, "lastSimSwapDate"))
    try:
        swapped_on = datetime.strptime(told or "", "%d-%m-%Y").date()  # noqa: DTZ007 - a date only
    except ValueError:
        return SimAnswer(request_id, "unknown", None)
    if swapped_on < NEVER:
        return SimAnswer(request_id, "not_swapped", None)
    return SimAnswer(request_id, "swapped", swapped_on)


def _taken(told: Any) -> tuple[str, str | None]:
    number = text_of(pick(pick(told, "phoneNumber"), "number")) or ""
    return number, text_of(pick(told, "requestId"))
