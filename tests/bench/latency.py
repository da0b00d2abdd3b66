"""How soon the request to M-PESA is on the wire after a member confirmed."""

import subprocess
import sys
import time
from collections.abc import Sequence

import redis
import requests
import sqlalchemy as sa
from rq import Queue

from app import redis_client
from app.doorbell import Doorbell, Step
from tests.bench import backlog
from tests.bench.ground import Ground
from tests.bench.references import moments
from tests.support.stack import wait_for

RQ_DATABASE = 5
"""Redis's number for the reference, so that its queue is empty."""
JOBS = 200
JOB_S_MAX = 10
ALL_SENT_S_MAX = 120


def confirm_to_wire_ms(
    on: Ground, whose: Sequence[tuple[int, int]], *, per_s: float, together: int = 1
) -> list[float]:
    """Milliseconds from each confirmation's commit to its request's arrival at M-PESA.

    `together` come at once, so that taking them in is not what keeps the machine busy.
    """
    bell = Doorbell(redis_client.connect(on.stack.redis_url, timeout_s=0.5))
    confirmed: dict[str, float] = {}
    began = time.monotonic()
    for n in range(0, len(whose), together):
        some = whose[n : n + together]
        time.sleep(max(0.0, began + n / per_s - time.monotonic()))
        backlog.fill(on.owner, some)
        at = time.monotonic()
        bell.ring(Step.DEBIT)
        confirmed |= dict.fromkeys(_ids(on, some), at)
    wait_for("all requests", lambda: confirmed.keys() <= _asked(on).keys(), seconds=ALL_SENT_S_MAX)
    asked = _asked(on)
    return sorted((asked[key] - at) * 1000 for key, at in confirmed.items())


def rq_idle_ms(on: Ground) -> list[float]:
    """Milliseconds from `enqueue` to the job's first line, with RQ's SimpleWorker doing nothing."""
    url = f"{on.stack.redis_url.rsplit('/', 1)[0]}/{RQ_DATABASE}"
    connection = redis.Redis.from_url(url)
    queue = Queue("bench", connection=connection)
    worker = subprocess.Popen(
        [sys.executable, "-m", "rq.cli", "worker", "--worker-class", "rq.SimpleWorker",
         "--quiet", "--url", url, "bench"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        queue.enqueue(moments.begun)
        wait_for("the worker", lambda: not queue.count)
        return sorted(_one_job(queue) for _ in range(JOBS))
    finally:
        worker.terminate()
        worker.wait(JOB_S_MAX)
        connection.flushdb()


def _one_job(queue: Queue) -> float:
    time.sleep(0.02)
    at = time.monotonic()
    job = queue.enqueue(moments.begun)
    begun: float = wait_for("the job", job.return_value, seconds=JOB_S_MAX)
    return (begun - at) * 1000


def _ids(on: Ground, whose: Sequence[tuple[int, int]]) -> list[str]:
    with on.owner.transaction() as tx:
        rows = tx.scalars(
            sa.text(
                "SELECT id::text FROM payout WHERE member_id = ANY(:members)"
                " ORDER BY requested_at DESC LIMIT :count"
            ),
            {"members": [member for member, _ in whose], "count": len(whose)},
        )
        return list(rows)


def _asked(on: Ground) -> dict[str, float]:
    return dict(requests.get(f"{on.simulator}/asked-at", timeout=10).json())
