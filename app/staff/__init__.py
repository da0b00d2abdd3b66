"""Doors for people who work at the SACCO."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def register(app: "Flask") -> None:
    """Mount the staff pages and RQ's dashboard under `/staff`.

    Imported here, so that commands that make accounts do not load a web framework.
    """
    from app.staff import site

    site.register(app)
