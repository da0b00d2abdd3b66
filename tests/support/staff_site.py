"""The staff pages on a real socket, and a browser without scripts to walk them with."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import requests
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from app import config
from app.db import Database
from app.operations import health, metrics
from app.staff import accounts, site
from app.staff.accounts import Role

PASSWORD = "four unrelated words here"
TIMEOUT_S = 10


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object, **__: object) -> None:
        """Write nothing: tests read answers, not access logs."""


@dataclass(frozen=True)
class Site:
    """A running application with staff pages, health and metrics."""

    url: str
    app: Flask
    db: Database

    def browser(self) -> "Browser":
        """A browser that nobody has used yet."""
        return Browser(self)

    def people(self) -> "dict[Role, Browser]":
        """A browser for each role, in which a person of that role has signed in."""
        found = {}
        for role in Role:
            found[role] = self.browser()
            signed_in = found[role].sign_in(self.hire(f"{role}@sacco.example", role))
            assert signed_in.status_code == HTTPStatus.SEE_OTHER
        return found

    def hire(self, email: str = "ops@sacco.example", role: str = "ops") -> str:
        """Make an account with PASSWORD and return its e-mail."""
        with self.db.transaction() as tx:
            accounts.create(tx, email=email, name="Wanjiru Otieno", role=role, password=PASSWORD)
        return email


class Browser:
    """Keeps cookies, sends forms with the token that the page carried, follows no redirect."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.http = requests.Session()
        self.http.trust_env = False

    def get(self, path: str, **headers: str) -> requests.Response:
        """Open an address of the site."""
        options: dict[str, Any] = {
            "headers": headers,
            "allow_redirects": False,
            "timeout": TIMEOUT_S,
        }
        answer = self.http.get(self.site.url + path, **options)
        # An address with several spellings leads to the first of them; that is no answer yet.
        if answer.status_code == HTTPStatus.PERMANENT_REDIRECT:
            answer = self.http.get(answer.headers["Location"], **options)
        return answer

    def send(self, path: str, **fields: str) -> requests.Response:
        """Send form fields as they are, without any token."""
        return self.http.post(
            self.site.url + path, data=fields, allow_redirects=False, timeout=TIMEOUT_S
        )

    def sign_in(self, email: str, password: str = PASSWORD, path: str = "/staff/login") -> Any:
        """Open the sign-in page, fill it in, send it."""
        token = csrf_token(self.get(path).text)
        return self.send(path, email=email, password=password, csrf_token=token)

    def age_session(self, **seconds: int) -> None:
        """Make the session older, with the site's own signature, as if time had passed."""
        name = self.site.app.config["SESSION_COOKIE_NAME"]
        signer = self.site.app.session_interface.get_signing_serializer(self.site.app)  # type: ignore[attr-defined]
        session = signer.loads(self.http.cookies[name])
        for key, age_s in seconds.items():
            session[key] -= age_s
        self.http.cookies.clear()
        self.http.cookies.set(name, signer.dumps(session), domain="127.0.0.1", path="/")


def send(browser: Browser, path: str, **fields: str) -> tuple[int, str]:
    """Send a form as its page would, and follow where it leads: that page's status and text."""
    token = csrf_token(browser.get("/staff/you").text)
    answer = browser.send(path, csrf_token=token, **fields)
    if answer.status_code == HTTPStatus.SEE_OTHER:
        answer = browser.get(answer.headers["Location"])
    return answer.status_code, answer.text


def post(browser: Browser, path: str, **fields: str) -> str:
    """The same, of which only the text matters."""
    return send(browser, path, **fields)[1]


def csrf_token(page: str) -> str:
    """The token in a page's form."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found, page
    return found.group(1)


@contextmanager
def running(db: Database, *, database_url: str, redis_url: str, **extra: str) -> Iterator[Site]:
    """Serve the pages on a free port until the block is left."""
    settings = config.load(
        {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        | {name.upper(): value for name, value in extra.items()}
    )
    app = Flask("staff-tests", static_folder=None)
    app.extensions["baraza"] = SimpleNamespace(settings=settings, db=db)
    health.register(app)
    metrics.register(app)
    site.register(app)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Site(f"http://127.0.0.1:{server.server_port}", app, db)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
