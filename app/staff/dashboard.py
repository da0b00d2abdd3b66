"""RQ's dashboard behind our login: a read-only window for engineers.

rq-dashboard 0.9.0 has no login, changes state by GET, unpickles what it finds in Redis and prints
job data unescaped. So nothing of it is reachable that is not listed here, every page is rendered
by templates of ours that escape, and its serializer is JSON everywhere.
"""

import re
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, jsonify, make_response, request
from flask.typing import ResponseReturnValue
from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import NoSuchJobError

from app import redis_client
from app.db import DatabaseAway
from app.msisdn import mask_all
from app.observability import logger
from app.operations.context import context
from app.staff import audit, headers, pages, sessions
from app.staff.accounts import Staff
from app.staff.audit import Action
from app.staff.permissions import Permission, may

NAME = "rq_dashboard"
PREFIX = "/staff/rq"
POLL_MS = 10_000

PAGES = frozenset({"queues_overview", "workers_overview", "jobs_overview", "job_view"})
DATA = frozenset({"list_queues", "list_workers", "list_jobs", "job_info"})
FILES = frozenset({"static", "favicon"})
READS = PAGES | DATA | FILES
"""Everything that may be asked for. Whatever a new version adds is refused until it is read."""


def _is_count(text: str) -> bool:
    return re.fullmatch(r"[1-9][0-9]{0,5}", text, re.ASCII) is not None


_REGISTRIES = {"queued", "scheduled", "deferred", "started", "finished", "failed", "canceled"}
_JOBS_PER_PAGE_MAX = 200
_ARGUMENTS: dict[str, Callable[[str], bool]] = {
    "instance_number": lambda text: text == "0",
    "queue_name": lambda text: re.fullmatch(r"[A-Za-z0-9_.:-]{1,80}", text) is not None,
    "job_id": lambda text: re.fullmatch(r"[A-Za-z0-9_-]{1,80}", text) is not None,
    "registry_name": _REGISTRIES.__contains__,
    "order": {"asc", "dsc"}.__contains__,
    "per_page": lambda text: _is_count(text) and int(text) <= _JOBS_PER_PAGE_MAX,
    "page": _is_count,
    "filename": lambda _text: True,  # Flask keeps it inside the folder
}
_PRIVATE = {"description", "exc_info", "result", "metadata", "call_string"}


def register(app: Flask) -> None:
    """Mount the dashboard on the application. Its imports cost memory only from here on."""
    from app.staff.rq_json import tame

    blueprint = tame()
    app.config.update(
        # It counts these addresses; the connection is ours, and pages never show the address.
        RQ_DASHBOARD_REDIS_URL=("redis",),
        RQ_DASHBOARD_POLL_INTERVAL=POLL_MS,
        RQ_DASHBOARD_DISABLE_DELETE=True,
    )
    app.extensions["rq_dashboard_redis"] = app.redis_conn = redis_client.connect(  # type: ignore[attr-defined]
        context(app).settings.redis_url
    )
    app.jinja_env.globals["csp_nonce"] = headers.nonce
    app.before_request(_guard)
    app.after_request(_protect)
    app.register_blueprint(blueprint, url_prefix=PREFIX)
    for name in PAGES | DATA:
        endpoint = f"{NAME}.{name}"
        app.view_functions[endpoint] = _shielded(app.view_functions[endpoint])


def _guard() -> ResponseReturnValue | None:
    """Let only the right people read, and let nobody change anything."""
    if request.blueprint != NAME:
        return None
    try:
        staff = sessions.present()
        if staff is None:
            return _sign_in_first()
        return _refusal(staff)
    except DatabaseAway as away:
        return pages.database_away(away)


def _refusal(staff: Staff) -> ResponseReturnValue | None:
    name = _endpoint()
    if context().settings.in_production and not staff.has_second_factor:
        return pages.message(
            "A second factor first", "Set one up on your own page, /staff/you.", status=403
        )
    if not may(staff, Permission.SEE_QUEUES):
        _record(staff, "role")
        return pages.message(
            "Not for your role", "The job queues are shown to ops and managers.", status=403
        )
    if name not in READS:
        _record(staff, "read-only")
        return _read_only()
    if not all(
        _ARGUMENTS[k](str(v)) for k, v in (request.view_args or {}).items() if v is not None
    ):
        return pages.message(
            "No such page", "The address does not name a queue or job.", status=404
        )
    # The pages poll by themselves; only what a person clicked counts as being there.
    if name in PAGES:
        sessions.renew()
    return None


def _sign_in_first() -> ResponseReturnValue:
    if _endpoint() in PAGES:
        return pages.to_sign_in()
    return {"error": "sign in first"}, 401


def _read_only() -> ResponseReturnValue:
    text = (
        "Jobs are only looked at here. PostgreSQL holds the work; a lost job comes back by itself."
    )
    answer = make_response(pages.message("Read-only", text, status=403))
    if request.method in {"GET", "HEAD"}:
        answer.status_code = 405
        answer.headers["Allow"] = ""
    return answer


def _record(staff: Staff, reason: str) -> None:
    asked = {"method": request.method, "endpoint": _endpoint(), "reason": reason}
    with context().db.transaction() as tx:
        audit.record(
            tx, Action.DASHBOARD_REFUSED, staff_id=staff.id, source=pages.source(), **asked
        )


def _shielded(view: Callable[..., Any]) -> Callable[..., ResponseReturnValue]:
    """The view, with an answer for people where it would fail, and phone numbers masked."""

    @wraps(view)
    def shielded(**arguments: Any) -> ResponseReturnValue:
        try:
            # Asked first, since the views answer in their own ways when Redis is away.
            _redis().ping()
            answer = make_response(view(**arguments))
        except RedisError as away:
            logger().warning("rq_dashboard_redis_away", reason=type(away).__name__)
            return _unavailable()
        except NoSuchJobError:
            return _failure(
                "This job is gone", "Finished jobs are kept ten minutes, failed ones a week.", 404
            )
        # Anything may lie in Redis. Staff get a sentence, the log gets the kind of error.
        except Exception as unreadable:  # noqa: BLE001
            logger().warning("rq_dashboard_unreadable", reason=type(unreadable).__name__)
            return _failure("This cannot be shown", "What lies in Redis is not from Baraza.", 502)
        if answer.is_json:
            answer.set_data(jsonify(_masked(answer.get_json())).get_data())
        return answer

    return shielded


def _redis() -> Redis:
    """The dashboard's own connection: short timeouts, the one instance."""
    redis: Redis = current_app.extensions["rq_dashboard_redis"]
    return redis


def _unavailable() -> ResponseReturnValue:
    title = "Redis does not answer"
    text = (
        "The queues cannot be shown. Payouts are safe: they wait in PostgreSQL and go on when"
        " Redis is back. This page tries again by itself."
    )
    return _failure(title, text, 503, again=True)


def _failure(title: str, text: str, status: int, *, again: bool = False) -> ResponseReturnValue:
    if _endpoint() in DATA:
        return {"error": title}, status
    return pages.message(title, text, status=status, again=again)


def _masked(value: Any, *, private: bool = False) -> Any:
    if isinstance(value, dict):
        return {k: _masked(v, private=private or k in _PRIVATE) for k, v in value.items()}
    if isinstance(value, list):
        return [_masked(item, private=private) for item in value]
    return mask_all(value) if private and isinstance(value, str) else value


def _protect(response: Response) -> Response:
    if request.blueprint != NAME:
        return response
    return headers.protect(
        response,
        policy=headers.dashboard_policy(),
        https=context().settings.in_production,
        is_static=_endpoint() in FILES and response.status_code == HTTPStatus.OK,
    )


def _endpoint() -> str:
    return (request.endpoint or "").removeprefix(f"{NAME}.")
