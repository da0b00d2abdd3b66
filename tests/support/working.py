"""One worker process's context in the test's own process, with an M-PESA that is scripted."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from app import config
from app.db import Database
from app.doorbell import Step
from app.providers.daraja import PAY_PATH, STATUS_PATH
from app.providers.tokens import TOKEN_PATH
from tests.support.http_script import Reply, ScriptedServer, scripted_server
from tests.support.safaricom import new_key, write_certificate
from tests.support.stories import Stories
from workers.clock import Timekeeper
from workers.context import Context, open_context
from workers.listener import DoorbellWorker

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
"""What an RQ worker takes over and does not give back."""


@dataclass(frozen=True)
class Working:
    """A worker and a timekeeper that do one thing when they are told to."""

    context: Context
    timekeeper: Timekeeper
    stories: Stories
    safaricom: ScriptedServer

    def queue(self, step: Step) -> Queue:
        """A step's RQ queue."""
        return Queue(step, connection=self.context.redis, serializer=JSONSerializer)

    def job(self, job_id: str) -> Job:
        """What RQ knows of a job."""
        return Job.fetch(job_id, connection=self.context.redis, serializer=JSONSerializer)

    def rung(self) -> dict[str, int]:
        """The jobs that wait, by step."""
        waiting = {str(step): self.queue(step).count for step in Step}
        return {step: count for step, count in waiting.items() if count}

    def answer(self, *steps: Step) -> None:
        """Be a real RQ worker on these queues until they are empty."""
        before = {number: signal.getsignal(number) for number in SIGNALS}
        try:
            DoorbellWorker(
                [self.queue(step) for step in steps],
                connection=self.context.redis,
                serializer=JSONSerializer,
            ).work(burst=True, logging_level="CRITICAL")
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def working(
    folder: Path, *, db: Database, database_url: str, redis_url: str, bell: str = ""
) -> Iterator[Working]:
    """The context, until the block is left. With `bell`, its own Redis is that one."""
    # What this database is copied from may be a quarter of an hour old, which is a reason to ask
    # for the float.
    with db.transaction() as tx:
        tx.execute(sa.text("UPDATE provider_breaker SET changed_at = now()"))
    acknowledged = json.dumps({"ConversationID": "AG_1", "ResponseCode": "0"}).encode()
    with scripted_server() as safaricom:
        safaricom.on(TOKEN_PATH, Reply(200, b'{"access_token": "token", "expires_in": "3599"}'))
        safaricom.on(PAY_PATH, Reply(200, acknowledged))
        safaricom.on(STATUS_PATH, Reply(200, acknowledged))
        settings = config.load(
            {
                "DATABASE_URL": database_url,
                "REDIS_URL": bell or redis_url,
                "DARAJA_URL": safaricom.url,
                "DARAJA_CERTIFICATE": str(write_certificate(folder, new_key())),
                "AT_URL": safaricom.url,
            }
        )
        context = open_context(settings, worker="tests")
        try:
            yield Working(context, Timekeeper(context), Stories(db, redis_url), safaricom)
        finally:
            context.pay.pool.shutdown()
            context.pay.provider.close()
            context.db.close()
            context.redis.close()
