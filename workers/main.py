"""RQ worker processes: one parent that imports everything once and forks a process per group.

Forked children share the parent's memory pages; each opens its own connections after the fork.
"""

import os
import signal
import time
from collections.abc import Sequence
from types import FrameType
from uuid import uuid4

from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from app import redis_client
from app.config import Settings
from app.db import Database, DatabaseAway
from app.doorbell import Step
from app.observability import configure_logs, logger
from workers import jobs
from workers.context import open_context
from workers.heartbeat import Heartbeat
from workers.queues import GROUPS

RESTART_AFTER_S = 0.5
REDIS_AWAY_WAIT_S = 1.0
ALLOWED_JOBS = frozenset(f"workers.jobs.{name}" for name in dir(jobs) if not name.startswith("_"))


class DoorbellWorker(SimpleWorker):
    """An RQ worker that runs our jobs, in this process, and no other function."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run the job, or fail it if it is none of ours: Redis is not trusted to choose code."""
        if job.func_name not in ALLOWED_JOBS:
            job.func_name = "workers.main.refused_job"
        super().execute_job(job, queue)


def refused_job(*_args: object, **_kwargs: object) -> None:
    """What a foreign job runs as."""
    raise PermissionError("this worker runs only the jobs of workers.jobs")


def run(settings: Settings, groups: Sequence[str]) -> None:
    """Run one worker process per group until SIGTERM or SIGINT; start anew what dies."""
    configure_logs("worker")
    children = {_fork(settings, group): group for group in groups}
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        for pid in children:
            os.kill(pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while children:
        pid, status = os.wait()
        group = children.pop(pid, None)
        if group is None or stopping:
            continue
        logger().error("worker_died", group=group, status=os.waitstatus_to_exitcode(status))
        time.sleep(RESTART_AFTER_S)
        if not stopping:
            children[_fork(settings, group)] = group


def _fork(settings: Settings, group: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        _die_with_parent()
        # Not the parent's handler, which would end this one's siblings.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent passes it on as SIGTERM
        work(settings, GROUPS[group], name=f"{group}-{os.uname().nodename}-{uuid4().hex[:8]}")
        code = 0
    finally:
        os._exit(code)


def _die_with_parent() -> None:
    """Ask Linux to end this process when its parent dies, however it dies."""
    import ctypes
    import sys

    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def work(settings: Settings, steps: Sequence[Step], *, name: str) -> None:
    """Be one RQ worker on these steps' queues until SIGTERM. Redis may come and go meanwhile."""
    context = open_context(settings, worker=name)
    _wait_for_database(context.db)
    redis = redis_client.connect(settings.redis_url, timeout_s=None)
    stopped = False
    with Heartbeat(context.db, name=name, queues=",".join(steps)):
        while not stopped:
            try:
                queues = [
                    Queue(step, connection=redis, serializer=JSONSerializer) for step in steps
                ]
                worker = DoorbellWorker(
                    queues, name=name, connection=redis, serializer=JSONSerializer
                )
                worker.work(with_scheduler=False, logging_level="WARNING")
                stopped = True
            except (RedisError, OSError) as away:
                # The timekeeper works slowly by itself until Redis is back.
                logger().warning("redis_away", reason=type(away).__name__)
                time.sleep(REDIS_AWAY_WAIT_S)
            except ValueError:
                # RQ: a worker of this name is registered. It was us, before Redis went away.
                redis.delete(f"rq:worker:{name}")


def _wait_for_database(db: Database) -> None:
    while True:
        try:
            with db.transaction():
                return
        except DatabaseAway:
            time.sleep(1)
