"""The doors for results as the web server loads them: one each, made when it is asked for."""

import os
from functools import cache
from typing import Any

from flask import Flask, Response, request

from tests.bench.peers import common


def naive(*wsgi: Any) -> Any:
    """RQ's."""
    from tests.bench.peers import rq_jobs

    return _made(rq_jobs.door)(*wsgi)


def celery(*wsgi: Any) -> Any:
    """Celery's."""
    from tests.bench.peers import celery_app

    return _made(celery_app.door)(*wsgi)


def dbos(*wsgi: Any) -> Any:
    """DBOS's: its client sends the result to the workflow."""
    return _made(_dbos)(*wsgi)


def restate(*wsgi: Any) -> Any:
    """Restate's: its server resolves the awakeable."""
    return _made(_restate)(*wsgi)


@cache
def _made(make: Any) -> Any:
    return make()


def _dbos() -> Flask:
    from dbos import DBOSClient

    app = Flask("dbos-door")
    client = DBOSClient(system_database_url=common.given().database_url)

    @app.post("/result/<key>")
    def result(key: str) -> Response:
        client.send(key, request.get_json(), topic="result")
        return Response("ok")

    return app


def _restate() -> Flask:
    app = Flask("restate-door")
    base = f"{os.environ['RESTATE_INGRESS_URL']}/restate/awakeables"

    @app.post("/result/<name>")
    def result(name: str) -> Response:
        receipt = common.receipt_in(request.get_json())
        common.http().post(f"{base}/{name}/resolve", json=receipt, timeout=25).raise_for_status()
        return Response("ok")

    return app
