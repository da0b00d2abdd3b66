"""One RQ worker: answers the doorbells of its queues, in its own process."""

import time
from collections.abc import Sequence
from inspect import isfunction

from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.serializers import JSONSerializer

from app import redis_client
from app.config import Settings
from app.db import Database, DatabaseAway
from app.doorbell import Step
from app.observability import logger
from workers import jobs
from workers.context import open_context
from workers.heartbeat import Heartbeat, name_of_this_process

AWAY_WAIT_S = 1.0
ALLOWED_JOBS = frozenset(
    f"{jobs.__name__}.{name}"
    for name, thing in vars(jobs).items()
    if isfunction(thing) and thing.__module__ == jobs.__name__ and not name.startswith("_")
)


class DoorbellWorker(SimpleWorker):
    """An RQ worker that runs our jobs, in this process, and no other function."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run the job, or fail it if it is none of ours: Redis is not trusted to choose code."""
        if not _is_ours(job):
            job.func_name = f"{__name__}.{refused_job.__name__}"
            job.instance, job.args, job.kwargs = None, (), {}
        super().execute_job(job, queue)


def _is_ours(job: Job) -> bool:
    try:
        return job.func_name in ALLOWED_JOBS
    except DeserializationError:
        # RQ would end the worker by it: whoever writes such jobs could keep all of them down.
        return False


def refused_job() -> None:
    """What a foreign job runs as.

    Raises:
        PermissionError: always; RQ's failed list shows it.
    """
    raise PermissionError("this worker runs only the jobs of workers.jobs")


def run(settings: Settings, steps: Sequence[Step], *, name: str) -> None:
    """Be one RQ worker on these steps' queues until SIGTERM. Redis may come and go meanwhile."""
    name = name_of_this_process(name)
    context = open_context(settings, worker=name, works=steps)
    _wait_for_database(context.db)
    redis = redis_client.connect(settings.redis_url, timeout_s=None)
    with Heartbeat(context.db, name=name, queues=",".join(steps)):
        while True:
            queues = [Queue(step, connection=redis, serializer=JSONSerializer) for step in steps]
            try:
                worker = DoorbellWorker(
                    queues, name=name, connection=redis, serializer=JSONSerializer
                )
                worker.work(with_scheduler=False, logging_level="WARNING")
            except (RedisError, OSError) as away:
                # The timekeeper works slowly by itself until Redis is back.
                logger().warning("redis_away", reason=type(away).__name__)
                time.sleep(AWAY_WAIT_S)
            except ValueError:
                # RQ: a worker of this name is registered. It was us, before Redis went away.
                redis.delete(f"rq:worker:{name}")
            else:
                return


def _wait_for_database(db: Database) -> None:
    while True:
        try:
            with db.transaction():
                return
        except DatabaseAway:
            time.sleep(AWAY_WAIT_S)
