"""Which callbacks are taken in, and which are turned away at the door."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from uuid import UUID

import pytest
import requests
import sqlalchemy as sa
from werkzeug.serving import WSGIRequestHandler, make_server

from app import config
from app.channels.doors import doors_of
from app.config import Settings
from app.db import Database
from app.providers import balance_queries
from app.wsgi import create_app
from tests.support.stories import Stories

TIMEOUT_S = 10
DECLINED = {
    "Result": {
        "ResultType": 0,
        "ResultCode": 0,
        "ResultParameters": {
            "ResultParameter": [{"Key": "TransactionStatus", "Value": "Declined"}]
        },
    }
}


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object, **__: object) -> None:
        """Write nothing: tests read answers, not access logs."""


@dataclass(frozen=True, slots=True)
class Site:
    """The web application on a real socket, behind one proxy of ours."""

    url: str
    settings: Settings

    def post(self, kind: str, key: UUID, *, caller: str = "196.201.214.200") -> int:
        """Post a refusal to a door, with the token of `key`. Returns the HTTP status."""
        token = self.settings.door_token(str(key))
        return requests.post(
            f"{self.url}/d/{token}/{kind}/{key}",
            json=DECLINED,
            headers={"X-Forwarded-For": caller},
            timeout=TIMEOUT_S,
        ).status_code


@contextmanager
def served(settings: Settings) -> Iterator[Site]:
    """These settings' doors, until the end of the block."""
    app = create_app(settings)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Site(f"http://127.0.0.1:{server.server_port}", settings)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        doors_of(app).db.close()


@pytest.fixture
def site(database_url: str, redis_url: str) -> Iterator[Callable[..., Site]]:
    """Opens doors with more settings than the necessary ones."""
    needed = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "STAFF_PAGES": "false",
        "TRUSTED_PROXIES": "1",
    }
    with ExitStack() as open_sites:
        yield lambda **more: open_sites.enter_context(served(config.load(needed | more)))


@pytest.fixture
def stories(db: Database, redis_url: str) -> Stories:
    return Stories(db, redis_url)


@pytest.fixture
def payout_id(stories: Stories) -> UUID:
    """One payout, which M-PESA has acknowledged."""
    stories.submitted()
    with stories.db.transaction() as tx:
        found = tx.scalar(sa.text("SELECT id FROM payout"))
    assert isinstance(found, UUID)
    return found


def column(db: Database, query: str) -> list[object]:
    with db.transaction() as tx:
        return list(tx.scalars(sa.text(query)))


def test_a_payouts_token_does_not_open_the_door_of_status_answers(
    site: Callable[..., Site], stories: Stories, payout_id: UUID
) -> None:
    """Whoever can fake a refusal must not be able to confirm it too, nor to stop the payout."""
    assert 404 == site().post("status/result", payout_id)
    assert [] == column(stories.db, "SELECT kind FROM inbox")
    stories.resolve()
    assert ["submitted"] == column(stories.db, "SELECT state FROM payout")
    assert [0] == column(stories.db, "SELECT failures FROM payout")


def test_an_answer_to_our_own_query_is_filed(
    site: Callable[..., Site], stories: Stories, payout_id: UUID
) -> None:
    """The query's row is there before the query goes out."""
    with stories.db.transaction() as tx:
        query = tx.scalar(
            sa.text(
                "INSERT INTO status_query (id, payout_id) VALUES (gen_random_uuid(), :payout)"
                " RETURNING id"
            ),
            {"payout": payout_id},
        )
    assert isinstance(query, UUID)
    assert 200 == site().post("status/result", query)
    assert ["status_result"] == column(stories.db, "SELECT kind FROM inbox")


def test_an_answer_to_a_balance_query_is_filed_under_its_own_id(
    site: Callable[..., Site], stories: Stories, payout_id: UUID
) -> None:
    """No other id's token opens this door, and none but listed callers come in."""
    with stories.db.transaction() as tx:
        assert balance_queries.want(tx, by="amina")
        query = balance_queries.next_wanted(tx, every_s=0)
        assert query is not None
        balance_queries.asked(tx, query)
    listed = site(CALLBACK_SOURCES="196.201.214.0/24")
    assert 404 == listed.post("balance/result", payout_id)
    assert 404 == listed.post("status/result", query)
    assert 403 == listed.post("balance/result", query, caller="196.201.215.1")
    assert [] == column(stories.db, "SELECT kind FROM balance_answer")
    for kind in ("result", "timeout", "result"):
        assert 200 == listed.post(f"balance/{kind}", query)
    filed = "SELECT kind || copies FROM balance_answer ORDER BY id"
    assert ["result2", "timeout1"] == column(stories.db, filed)
    assert [] == column(stories.db, "SELECT kind FROM inbox")


@pytest.mark.parametrize(
    ("caller", "status"),
    [
        ("196.201.214.200", 200),
        ("::ffff:196.201.214.200", 200),
        ("196.201.215.1", 403),
        ("::ffff:196.201.215.1", 403),
        ("nobody", 403),
    ],
)
def test_a_listed_address_is_known_in_its_ipv6_form(
    site: Callable[..., Site], payout_id: UUID, caller: str, status: int
) -> None:
    """A server that listens on IPv6 sees IPv4 callers so."""
    listed = site(CALLBACK_SOURCES="196.201.214.0/24")
    assert status == listed.post("b2c/result", payout_id, caller=caller)
