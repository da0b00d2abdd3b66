"""The same as Celery tasks: acknowledged late, so that a task outlives its worker."""

from celery import Celery, chain
from flask import Flask, Response, request

from tests.bench.peers import common

app = Celery("peer", broker=common.given().redis_url)
app.conf.task_acks_late = True
app.conf.worker_prefetch_multiplier = 4
app.conf.task_ignore_result = True


@app.task
def debit(key: str) -> str:
    """One task."""
    with common.sessions().begin() as session:
        common.debit(session, key)
    return key


@app.task
def pay(key: str) -> None:
    """One task."""
    common.pay(key, f"{common.given().door}/result/{key}")


@app.task
def settle(key: str, receipt: str) -> str:
    """One task."""
    with common.sessions().begin() as session:
        common.settle(session, key, receipt)
    return key


@app.task
def tell(key: str) -> None:
    """One task."""
    common.tell(key)


def door() -> Flask:
    """Where results come in."""
    flask = Flask("celery-door")

    @flask.post("/result/<key>")
    def result(key: str) -> Response:
        chain(settle.s(key, common.receipt_in(request.get_json())), tell.s()).delay()
        return Response("ok")

    return flask
