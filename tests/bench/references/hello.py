"""The least that a Flask hop can be: a form is read and a line is answered; and with Redis."""

import os

import redis
from flask import Flask, Response, request


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
