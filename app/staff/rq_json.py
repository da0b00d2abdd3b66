"""rq-dashboard with JSON for a serializer wherever it would have unpickled.

Whoever can write to Redis could otherwise run code in the web process: a pickle is a program.
The names that its module looks up when it serves a page are replaced once; contract tests plant
pickles in every field and fail if one is ever opened.
"""

from typing import Any

from flask import Blueprint, current_app
from redis import Redis
from rq import Worker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq_dashboard import web

NOT_OURS = "(not a job of Baraza: its content is not JSON)"


class JsonJob(Job):
    """A job that is never unpickled."""

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Any = None) -> Job:  # noqa: A002, ARG003 - rq's names
        """The job by this id, whatever serializer the caller had in mind."""
        return super().fetch(id, connection=connection, serializer=JSONSerializer)


class JsonWorker(Worker):
    """Workers whose current job is never unpickled."""

    @classmethod
    def all(cls, *args: Any, **kwargs: Any) -> list[Any]:
        """All registered workers."""
        return super().all(*args, **{**kwargs, "job_class": JsonJob, "serializer": JSONSerializer})


def tame() -> Blueprint:
    """The dashboard's blueprint, made safe to serve. May be called any number of times."""
    web.config.serializer = JSONSerializer
    web.Job = JsonJob
    web.Worker = JsonWorker
    web.from_url = _our_redis
    web.serialize_job = _listed_job
    web.serialize_current_job = _current_job
    blueprint: Blueprint = web.blueprint
    return blueprint


def _our_redis(*_args: Any, **_options: Any) -> tuple[str, Redis]:
    """Stands in for its connection maker, which opens a new pool, without time limits, per page."""
    return "redis", current_app.extensions["rq_dashboard_redis"]


def _listed_job(job: Job) -> dict[str, Any]:
    """A job as a line of a list. One that cannot be read must not hide the others."""
    line = {
        "id": job.id,
        "created_at": web.serialize_date(job.created_at),
        "started_at": web.serialize_date(job.started_at),
        "ended_at": web.serialize_date(job.ended_at),
        "exc_info": None,
        "description": job.description,
    }
    try:
        result = job.latest_result()
    except ValueError:
        return {**line, "description": NOT_OURS}
    return {**line, "exc_info": result.exc_string if result else None}


def _current_job(job: Job | None) -> Any:
    """What a worker is at. Its description says it all; the call is not taken apart."""
    if job is None:
        return "idle"
    return {
        "job_id": job.id,
        "description": job.description,
        "created_at": web.serialize_date(job.created_at),
        "call_string": job.description,
    }
