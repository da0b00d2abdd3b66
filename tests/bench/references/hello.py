"""The least that a Flask hop can be: a form is read and a line is answered; and with a store."""

import os

import redis
import sqlalchemy as sa
from flask import Flask, Response, request

from app.db import Database


def hello() -> Flask:
    """Reads the form, answers."""
    app = Flask("hello")

    @app.post("/hop")
    def hop() -> Response:
        return Response(f"CON {request.form['text'][:20]}", mimetype="text/plain")

    return app


def hello_redis() -> Flask:
    """The same with a session that is fetched and stored: two round trips to Redis."""
    app = Flask("hello-redis")
    store = redis.Redis.from_url(os.environ["REDIS_URL"])

    @app.post("/hop")
    def hop() -> Response:
        key = f"hello:{request.form['sessionId']}"
        seen = store.get(key)
        store.set(key, request.form["text"], ex=180)
        return Response(f"CON {bool(seen)}", mimetype="text/plain")

    return app


def hello_select() -> Flask:
    """The same with a session that is looked up: one statement of PostgreSQL, by its key."""
    app = Flask("hello-select")
    db = Database(os.environ["DATABASE_URL"], pool_max=1)
    look = sa.text("SELECT facts FROM ussd_session WHERE session_id = :session")

    @app.post("/hop")
    def hop() -> Response:
        with db.statements() as tx:
            seen = tx.execute(look, {"session": request.form["sessionId"]}).one_or_none()
        return Response(f"CON {bool(seen)}", mimetype="text/plain")

    return app
