"""Puts the staff pages and RQ's dashboard into the web application."""

from flask import Flask
from flask_wtf import CSRFProtect

from app import playground
from app.operations.context import context
from app.staff import console, dashboard, joining_pages, pages, passkey_pages, sessions
from app.staff.console import language


def register(app: Flask) -> None:
    """Mount `/staff` on an application whose belongings (`app.operations.context`) are in place."""
    sessions.register(app)
    # The doors for machines have secrets in their paths and no forms, so the check is not global:
    # the staff pages ask for it before each of their requests.
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=int(sessions.ABSOLUTE.total_seconds()),
    )
    CSRFProtect(app)
    # In this order: Flask then finds our escaping templates before those of the dashboard.
    app.register_blueprint(pages.bp)
    app.register_blueprint(joining_pages.bp)
    app.register_blueprint(passkey_pages.bp)
    app.register_blueprint(language.bp)
    app.register_blueprint(console.bp)
    if playground.fits(context(app).settings):
        from app.staff import demo

        app.register_blueprint(demo.bp)
    dashboard.register(app)
