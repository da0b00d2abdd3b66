"""Whether this process turns, and whether it can serve members.

`/health/live` touches nothing: a failing database must not make an orchestrator restart us.
`/health/ready` says whether to send us members. Redis is not needed to serve them, so without it
we are ready and degraded.
"""

import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from time import monotonic

import sqlalchemy as sa
from flask import Blueprint, Flask
from redis import Redis
from redis.exceptions import RedisError

from app import redis_client
from app.db import Database, DatabaseAway
from app.operations.context import context

ANSWER_S_MAX = 1.0
"""A database that needs longer than this cannot serve a phone session."""

Verdict = dict[str, str]
_REVISION = re.compile(r'^(down_revision|revision)\b[^=]*= *(?:"([^"]+)"|None)', re.MULTILINE)


class Probe:
    """One question about a server, never asked twice at once and never waited for too long."""

    def __init__(self, name: str, ask: Callable[[], str]) -> None:
        self._ask = ask
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"probe-{name}")
        self._asked: Future[str] | None = None

    def begin(self) -> None:
        """Ask, unless the last question is still unanswered."""
        if self._asked is None or self._asked.done():
            self._asked = self._thread.submit(self._ask)

    def answer(self, *, within_s: float) -> str:
        """The answer, or `slow` if it did not come in time."""
        assert self._asked is not None, "begin comes first"
        try:
            return self._asked.result(timeout=max(0.0, within_s))
        except TimeoutError:
            return "slow"


def register(app: Flask) -> None:
    """Mount the health doors on the application."""
    belongings = context(app)
    redis = redis_client.connect(belongings.settings.redis_url, timeout_s=ANSWER_S_MAX)
    database = Probe("database", lambda: database_verdict(belongings.db))
    queue = Probe("redis", lambda: redis_verdict(redis))
    doors = Blueprint("health", __name__, url_prefix="/health")

    @doors.get("/live")
    def live() -> Verdict:
        return {"status": "live"}

    @doors.get("/ready")
    def ready() -> tuple[Verdict, int, dict[str, str]]:
        deadline = monotonic() + ANSWER_S_MAX
        for probe in (database, queue):
            probe.begin()
        found = {
            "database": database.answer(within_s=deadline - monotonic()),
            "redis": queue.answer(within_s=deadline - monotonic()),
        }
        status = overall(**found)
        code = 503 if status == "not ready" else 200
        return {"status": status, **found}, code, {"Cache-Control": "no-store"}

    app.register_blueprint(doors)


def overall(*, database: str, redis: str) -> str:
    """`ready`, `degraded` (members are served, work is slower to start) or `not ready`."""
    if database != "ok":
        return "not ready"
    return "ready" if redis == "ok" else "degraded"


def database_verdict(db: Database) -> str:
    """`ok`, `away`, `empty` (never migrated) or `other schema` (not this code's)."""
    try:
        with db.transaction() as tx:
            if tx.scalar(sa.text("SELECT to_regclass('alembic_version')")) is None:
                return "empty"
            found = tx.scalar(sa.text("SELECT version_num FROM alembic_version"))
    except DatabaseAway:
        return "away"
    return "ok" if found == code_head() else "other schema"


def redis_verdict(redis: Redis) -> str:
    """`ok` or `away`."""
    try:
        redis.ping()
    except RedisError:
        return "away"
    return "ok"


@cache
def code_head() -> str:
    """The schema revision that this code was written for.

    Read from the revision files, since importing Alembic for it costs every web process 11 MB.
    """
    revisions: set[str] = set()
    followed: set[str] = set()
    for file in files("app").joinpath("migrations", "versions").iterdir():
        if file.name.endswith(".py"):
            found = dict(_REVISION.findall(file.read_text("utf-8")))
            revisions.add(found["revision"])
            followed.add(found["down_revision"])
    (head,) = revisions - followed
    return head
