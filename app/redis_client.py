"""Redis or Valkey: doorbells, caches, RQ. It may vanish at any moment; nothing is lost with it."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_S = 2.0


def connect(url: str, *, timeout_s: float | None = TIMEOUT_S) -> Redis:
    """A client for the server at this address.

    A short timeout is for doors where someone waits; RQ workers block on their queues and pass
    None.
    """
    return Redis.from_url(
        url,
        socket_connect_timeout=min(timeout_s or TIMEOUT_S, TIMEOUT_S),
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 1 if timeout_s is None else 0),
        # No second try where someone waits: the timekeeper rings again anyway.
        health_check_interval=30,
    )
