"""The web application: the one place that registers doors and pages."""

from flask import Flask, Response, redirect
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as BaseResponse

from app import config, garbage, playground, redis_client
from app.channels import callbacks, delivery, insights, ussd
from app.channels.doors import Doors
from app.config import Settings
from app.db import Database
from app.doorbell import Doorbell
from app.members.pins import Pins
from app.observability import configure_logs, logger
from app.operations import health, metrics

REQUEST_BYTES_MAX = 128 * 1024


def create_app(settings: Settings) -> Flask:
    """The application for one web process.

    STAFF_PAGES may be off, so that staff are served by processes of their own, which a flood at
    the members' doors cannot starve.
    """
    app = Flask("baraza", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = REQUEST_BYTES_MAX
    app.config["SECRET_KEY"] = settings.secret_key.get_secret_value()
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.extensions["baraza"] = Doors(
        settings=settings,
        db=Database(settings.database_url, pool_max=settings.database_pool_max, name="web"),
        doorbell=Doorbell(redis_client.connect(settings.redis_url, timeout_s=0.5)),
        pins=Pins(settings.pin_pepper.get_secret_value()),
    )
    for door in (ussd.bp, callbacks.bp, delivery.bp, insights.bp):
        app.register_blueprint(door)
    health.register(app)
    metrics.register(app)
    if settings.staff_pages:
        from app.staff import site

        site.register(app)
    _open_front_door(app, settings)
    app.register_error_handler(Exception, _no_stack_trace)
    return app


def _open_front_door(app: Flask, settings: Settings) -> None:
    """Lead whoever asks for `/` to what there is for people here."""
    home = "/staff" if settings.staff_pages else None
    if playground.fits(settings):
        from app.phone_page import site

        site.register(app)
        home = "/sandbox/phone"

    def front_door() -> BaseResponse:
        if home is None:
            return Response("Baraza. Doors for machines only.\n", mimetype="text/plain")
        return redirect(home)

    app.add_url_rule("/", "home", front_door)


def _no_stack_trace(error: Exception) -> Response | HTTPException:
    """Whatever goes wrong, nobody outside sees our inside."""
    if isinstance(error, HTTPException):
        return error
    logger().error("request_failed", reason=type(error).__name__, exc_info=error)
    return Response("Something went wrong on our side.\n", status=500, mimetype="text/plain")


def serve() -> Flask:
    """The application as the WSGI server loads it, configured by the environment."""
    configure_logs("web")
    made = create_app(config.load())
    garbage.settle()
    return made
