"""Celery and Redis, two prefork processes."""

import sys

from tests.bench.peers.common import peer


def main() -> None:
    """Run it."""
    with peer() as one:
        from celery import chain  # after `peer` has told where everything is

        from tests.bench.peers import celery_app

        celery_app.app.control.purge()
        one.serve("tests.bench.peers.doors:celery")
        for key in one.keys:
            chain(celery_app.debit.s(key), celery_app.pay.s()).delay()
        one.start(
            sys.executable, "-m", "celery", "-A", "tests.bench.peers.celery_app:app", "worker",
            "--pool", "prefork", "--concurrency", "2", "--loglevel", "ERROR",
            "--without-gossip", "--without-mingle", "--without-heartbeat",
        )  # fmt: skip


if __name__ == "__main__":
    main()
