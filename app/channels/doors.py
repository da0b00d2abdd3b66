"""What every door for machines needs, handed over once when the web application is made."""

from dataclasses import dataclass, field

from flask import current_app
from flask.sansio.app import App

from app.channels.refusals import Refusals
from app.config import Settings
from app.db import Database
from app.doorbell import Doorbell
from app.members.pins import Pins

EXTENSION = "baraza"
"""Where the doors wait in `app.extensions`."""


@dataclass(frozen=True, slots=True)
class Doors:
    """The settings and connections of this web process."""

    settings: Settings
    db: Database
    doorbell: Doorbell
    pins: Pins
    refusals: Refusals = field(default_factory=Refusals)


def doors() -> Doors:
    """The doors of the application that serves this request."""
    return doors_of(current_app)


def doors_of(app: App) -> Doors:
    """The doors of an application."""
    found = app.extensions[EXTENSION]
    assert isinstance(found, Doors)
    return found
