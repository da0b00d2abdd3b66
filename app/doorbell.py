"""Rings an RQ queue by name. A ringing carries a step's name, never money, names or numbers.

PostgreSQL holds the work; a lost ringing costs at most the two seconds until the timekeeper
rings again. At most one ringing per step is pending: the job takes the flag down *before* it
claims, so that work committed later rings again.
"""

import threading
import time
from enum import StrEnum

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException as JobTookTooLong

from app.observability import logger

__all__ = ["Doorbell", "JobTookTooLong", "Step"]

PENDING_S_MAX = 5
"""A flag that nobody took down is forgotten after this, so a lost job cannot silence a step."""
FORCED_PENDING_MAX = 2
SOON_S = 0.02
"""What a ringing that nobody waits for gathers."""
RESULT_KEPT_S = 600
FAILURE_KEPT_S = 7 * 24 * 3600
JOB_TIMEOUT_S = 180
"""Longer than any lease, so that RQ never ends a job whose claims still hold."""


class Step(StrEnum):
    """The saga steps that can be rung for. Each is an RQ queue of its own."""

    DEBIT = "debit"
    CHECK = "check"
    PAY = "pay"
    RESOLVE = "resolve"
    ASK = "ask"
    SMS = "sms"


class Doorbell:
    """Rings steps. Never raises: the timekeeper finds in PostgreSQL whatever was not rung for."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._wanted: set[Step] = set()
        self._ringer: threading.Thread | None = None
        self._lock = threading.Lock()

    def ring(self, *steps: Step) -> bool:
        """Enqueue one job per step that has none pending. False if Redis did not answer."""
        try:
            for step in steps:
                if self._redis.set(_flag(step), 1, nx=True, ex=PENDING_S_MAX):
                    _enqueue(self._redis, step)
        except RedisError as away:
            logger().warning("doorbell_silent", reason=type(away).__name__)
            return False
        return True

    def ring_soon(self, step: Step) -> None:
        """Ring in a moment, once for all who want it until then. Nobody waits for Redis by this.

        For what comes in crowds and is answered first: M-PESA's results.
        """
        with self._lock:
            self._wanted.add(step)
            if self._ringer is not None:
                return
            self._ringer = threading.Thread(target=self._ring_late, name="ringer", daemon=True)
            try:
                self._ringer.start()
            except RuntimeError:  # no thread to be had: then at once
                self._ringer = None
                self._wanted.discard(step)
            else:
                return
        self.ring(step)

    def _ring_late(self) -> None:
        time.sleep(SOON_S)
        with self._lock:
            wanted, self._wanted = self._wanted, set()
            self._ringer = None
        self.ring(*wanted)

    def insist(self, step: Step) -> bool:
        """Ring past the flag: the flag may belong to a worker that died. For the timekeeper."""
        try:
            queue = _queue(self._redis, step)
            if queue.count < FORCED_PENDING_MAX:
                _enqueue(self._redis, step)
        except RedisError as away:
            logger().warning("doorbell_silent", reason=type(away).__name__)
            return False
        return True

    def answered(self, step: Step) -> None:
        """Take the flag down. Called by the job before it claims."""
        try:
            self._redis.delete(_flag(step))
        except RedisError as away:
            logger().warning("doorbell_silent", reason=type(away).__name__)

    def ring_alone(self, step: Step, reference: str) -> bool:
        """Enqueue a job for one payout that failed in a batch, under a stable id: `pay-BRZ…`."""
        try:
            _queue(self._redis, step).enqueue(
                f"workers.jobs.{step}_alone",
                reference,
                job_id=f"{step}-{reference}",
                description=f"{step} {reference}",
                job_timeout=JOB_TIMEOUT_S,
                result_ttl=RESULT_KEPT_S,
                failure_ttl=FAILURE_KEPT_S,
            )
        except RedisError as away:
            logger().warning("doorbell_silent", reason=type(away).__name__)
            return False
        return True


def _flag(step: Step) -> str:
    return f"bell:{step}"


def _queue(redis: Redis, step: Step) -> Queue:
    return Queue(step, connection=redis, serializer=JSONSerializer)


def _enqueue(redis: Redis, step: Step) -> Job:
    return _queue(redis, step).enqueue(
        f"workers.jobs.{step}",
        description=str(step),
        job_timeout=JOB_TIMEOUT_S,
        result_ttl=RESULT_KEPT_S,
        failure_ttl=FAILURE_KEPT_S,
    )
