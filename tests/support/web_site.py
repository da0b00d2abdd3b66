"""The whole web application on a real socket of this machine, and an M-PESA that calls it back."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
import sqlalchemy as sa
from werkzeug.serving import WSGIRequestHandler, make_server

from app import config
from app.channels.doors import doors_of
from app.config import Settings
from app.wsgi import create_app
from tests.support.stories import Stories

SECRETS = {"CALLBACK_SECRETS": "the newer secret of the doors,the older secret of the doors"}
TIMEOUT_S = 10


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object, **__: object) -> None:
        """Write nothing: tests read answers, not access logs."""


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The application's base address, until the block is left."""
    app = create_app(settings)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        doors_of(app).db.close()


@dataclass(frozen=True)
class Callbacks:
    """A running Baraza, and the M-PESA that calls it back."""

    url: str
    settings: Settings
    stories: Stories

    def path(self, key: object, door: str = "b2c/result", *, token: str = "") -> str:
        """The address that we handed out for this payout or query; or with another token."""
        return f"/d/{token or self.settings.door_token(str(key))}/{door}/{key}"

    def post(self, path: str, body: Any, **headers: str) -> requests.Response:
        """One callback. Bytes and streams go as they are, anything else as JSON."""
        raw = body if isinstance(body, bytes | Iterator) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
        return requests.post(self.url + path, data=raw, headers=headers, timeout=TIMEOUT_S)

    def id_of(self, reference: str) -> uuid.UUID:
        """The payout's id, which addresses carry."""
        [found] = self.rows("SELECT id FROM payout WHERE reference = :reference", reference)
        assert isinstance(found.id, uuid.UUID)
        return found.id

    def success(
        self, reference: str, *, shillings: float = 1500, phone: str = "", **more: Any
    ) -> dict[str, Any]:
        """M-PESA's word that the payout was made, true unless said otherwise."""
        [asked] = self.rows("SELECT msisdn FROM payout WHERE reference = :reference", reference)
        parameters = {
            "TransactionAmount": shillings,
            "TransactionReceipt": f"S{reference[1:]}",
            "ReceiverPartyPublicName": f"{phone or asked.msisdn[1:]} - WANJIKU KAMAU",
        }
        return {
            "Result": {
                "ResultType": 0,
                "ResultCode": 0,
                "ResultDesc": "The service request is processed successfully.",
                "ConversationID": f"AG_{reference}",
                "TransactionID": f"S{reference[1:]}",
                "ResultParameters": {
                    "ResultParameter": [{"Key": k, "Value": v} for k, v in parameters.items()]
                },
                **more,
            }
        }

    def rows(self, query: str, reference: str = "") -> list[sa.Row[Any]]:
        """What the database has."""
        with self.stories.db.transaction() as tx:
            return list(tx.execute(sa.text(query), {"reference": reference}))

    def kept(self) -> Any:
        """The body of the one filed callback."""
        [row] = self.rows("SELECT body FROM inbox")
        return row.body


def loaded(database_url: str, redis_url: str, **more: str) -> Settings:
    """Settings of a web process without staff pages."""
    servers = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    return config.load({**servers, **SECRETS, "STAFF_PAGES": "false", **more})
