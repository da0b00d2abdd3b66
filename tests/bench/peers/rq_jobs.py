"""The steps of the naive saga as RQ jobs: a session and a commit each; each rings for the next.

With `depends_on` rq 3.0.0 leaves some of the next jobs lying when two workers finish at once, until
its maintenance minutes later, so nothing could be timed.
"""

from functools import cache

from flask import Flask, Response, request
from redis import Redis
from rq import Queue

from tests.bench.peers import common


@cache
def queue() -> Queue:
    """The one queue, on this process's connection."""
    return Queue(connection=Redis.from_url(common.given().redis_url))


def debit(key: str) -> None:
    """One job."""
    with common.sessions().begin() as session:
        common.debit(session, key)
    queue().enqueue(pay, key)


def pay(key: str) -> None:
    """One job."""
    common.pay(key, f"{common.given().door}/result/{key}")


def settle(key: str, receipt: str) -> None:
    """One job."""
    with common.sessions().begin() as session:
        common.settle(session, key, receipt)
    queue().enqueue(tell, key)


def tell(key: str) -> None:
    """One job."""
    common.tell(key)


def door() -> Flask:
    """Where results come in."""
    app = Flask("naive")

    @app.post("/result/<key>")
    def result(key: str) -> Response:
        queue().enqueue(settle, key, common.receipt_in(request.get_json()))
        return Response("ok")

    return app
