"""Daraja's access token: asked for with our key, shared by all processes."""

import base64

from app.db import Database
from app.providers.careful_http import CarefulHttp, NoAnswer, NothingLeft
from app.providers.loose_json import loads, pick, text_of
from app.providers.shared_token import WAIT_S_MAX, Granted, SharedToken, Token, TokenUnavailable

__all__ = ["GET_S_MAX", "Token", "TokenUnavailable", "Tokens"]

TOKEN_PATH = "/oauth/v1/generate"  # noqa: S105 - no password
CONNECT_S = 3
READ_S = 5
HTTP_OK = 200
LIFETIME_S_MAX = 24 * 3600

GET_S_MAX = WAIT_S_MAX + CONNECT_S + READ_S
"""The longest that getting a token can take, in seconds."""


class Tokens(SharedToken):
    """Tokens for one Daraja application. Threads may share an instance."""

    def __init__(
        self,
        *,
        db: Database,
        base_url: str,
        consumer_key: str,
        consumer_secret: str,
        encryption_key: str,
    ) -> None:
        super().__init__(db, provider="daraja", encryption_key=encryption_key, fetch=self._fetch)
        self._url = base_url + TOKEN_PATH
        self._basic = _basic(consumer_key, consumer_secret)
        self._http = CarefulHttp(connect_s=CONNECT_S, read_s=READ_S)

    def _fetch(self) -> Granted:
        ending = self._http.get(
            self._url,
            headers={"Authorization": self._basic},
            params={"grant_type": "client_credentials"},
        )
        if isinstance(ending, NothingLeft | NoAnswer):
            raise TokenUnavailable(f"no answer to the token request: {ending.reason}")
        if ending.status != HTTP_OK:
            raise TokenUnavailable(f"the token request was answered with HTTP {ending.status}")
        return _granted(ending.content)


def _granted(content: bytes) -> Granted:
    body = loads(content)
    value = text_of(pick(body, "access_token"))
    # A number in the documentation, a text on the wire.
    lifetime = text_of(pick(body, "expires_in")) or ""
    if value is None or not (value.isascii() and value.isprintable()) or not lifetime.isdecimal():
        raise TokenUnavailable("the answer to the token request holds no token")
    return Granted(value, min(int(lifetime), LIFETIME_S_MAX))


def _basic(key: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()
