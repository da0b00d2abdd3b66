"""The saga that most people would write: RQ jobs, each after the last, two workers.

`--forking` takes RQ's default worker, which forks for every job.
"""

import sys

from redis import Redis
from rq import Queue

from tests.bench.peers import rq_jobs
from tests.bench.peers.common import given, peer

WORKERS = 2


def main() -> None:
    """Run it."""
    kind = "rq.SimpleWorker"
    if "--forking" in sys.argv:
        sys.argv.remove("--forking")
        kind = "rq.Worker"
    with peer() as one:
        redis = Redis.from_url(given().redis_url)
        redis.flushdb()
        queue = Queue(connection=redis)
        one.serve("tests.bench.peers.doors:naive")
        for key in one.keys:
            queue.enqueue(rq_jobs.debit, key)
        for _ in range(WORKERS):
            one.start(
                sys.executable, "-m", "rq.cli", "worker", "--worker-class", kind,
                "--url", given().redis_url, "--quiet",
            )  # fmt: skip


if __name__ == "__main__":
    main()
