"""The network between our real client and the simulated M-PESA, in place of its connections."""

import io
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from app.providers import careful_http
from app.providers.daraja import Daraja
from app.providers.tokens import TOKEN_PATH
from tests.simulation.mpesa import Mpesa, Silent, Unreachable


class Wire:
    """Carries requests to M-PESA; other things may happen just before and while it answers."""

    def __init__(self, mpesa: Mpesa, meanwhile: Callable[[str], None]) -> None:
        self._mpesa = mpesa
        self._meanwhile = meanwhile

    def connection_from_host(self, *_: Any) -> "Wire":
        """Whichever host: there is one."""
        return self

    def urlopen(
        self, method: str, url: str, *, body: bytes | None, headers: Mapping[str, str], **_: Any
    ) -> urllib3.BaseHTTPResponse:
        """One request, to its answer or its end."""
        # What the connection would note: CarefulHttp tells "nothing left" from "no answer" by it.
        call = careful_http._thread.call
        call.watched = True
        path = urlsplit(url).path
        is_token = path == TOKEN_PATH
        if not is_token:
            self._meanwhile("before a call")
        answer = self._mpesa.answer(path, headers.get("Authorization", ""), body or b"")
        if isinstance(answer, Unreachable):
            raise HTTPError
        call.begun = True
        if not is_token:
            self._meanwhile("during a call")
        if isinstance(answer, Silent):
            raise HTTPError
        return urllib3.HTTPResponse(
            io.BytesIO(answer.body), status=answer.status, preload_content=False
        )


def over(wire: Wire, client: Daraja) -> Daraja:
    """The real client, with this network under it."""
    for http in (client._http, client._tokens._http):
        http._pools = wire  # type: ignore[assignment]
    return client
