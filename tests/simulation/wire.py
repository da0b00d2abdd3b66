"""The network between our real client and the simulated M-PESA: one requests transport adapter."""

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

from app.providers import careful_http
from app.providers.daraja import Daraja
from app.providers.tokens import TOKEN_PATH
from tests.simulation.mpesa import Mpesa, Silent, Unreachable


class Wire(BaseAdapter):
    """Carries requests to M-PESA; other things may happen just before and while it answers."""

    def __init__(self, mpesa: Mpesa, meanwhile: Callable[[str], None]) -> None:
        super().__init__()
        self._mpesa = mpesa
        self._meanwhile = meanwhile

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """One request, to its answer or its end."""
        # What the connection would note: CarefulHttp tells "nothing left" from "no answer" by it.
        call = careful_http._thread.call
        call.watched = True
        path = urlsplit(request.url or "").path
        is_token = path == TOKEN_PATH
        if not is_token:
            self._meanwhile("before a call")
        raw = request.body if isinstance(request.body, bytes) else b""
        answer = self._mpesa.answer(path, request.headers.get("Authorization", ""), raw)
        if isinstance(answer, Unreachable):
            raise requests.ConnectionError
        call.begun = True
        if not is_token:
            self._meanwhile("during a call")
        if isinstance(answer, Silent):
            raise requests.ReadTimeout
        response = requests.Response()
        response.status_code = answer.status
        response.raw = io.BytesIO(answer.body)
        return response

    def close(self) -> None:
        """There is nothing to close."""


def over(wire: Wire, client: Daraja) -> Daraja:
    """The real client, with this network under it."""
    for http in (client._http, client._tokens._http):
        http._adapter = wire  # type: ignore[assignment]
    return client
