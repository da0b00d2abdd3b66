"""What the web process holds, as the pages and probes in it see it."""

from typing import Protocol

from flask import Flask, current_app

from app.config import Settings
from app.db import Database

EXTENSION = "baraza"
"""The name under which `app.wsgi` keeps it in `Flask.extensions`."""


class WebContext(Protocol):
    """The part of the web process's belongings that people's pages and probes need."""

    @property
    def settings(self) -> Settings:
        """The installation's settings."""

    @property
    def db(self) -> Database:
        """The process's pool of connections."""


def context(app: Flask | None = None) -> WebContext:
    """The belongings of this application, or of the one that answers the current request."""
    belongings: WebContext = (app or current_app).extensions[EXTENSION]
    return belongings
