"""Settings with servers behind them, for parents of processes, which must stay small."""

from collections.abc import Iterator
from contextlib import contextmanager

from app import config
from app.config import Settings


@contextmanager
def running() -> Iterator[Settings]:
    """Settings with servers behind them.

    Where no server is configured, Baraza's own are used if they run, and started for the time of
    the command if they do not.

    Raises:
        Misconfigured: settings are wrong, or no server can be had; the message names the cure.
    """
    settings = config.load()
    if settings.database_url and settings.redis_url:
        yield settings
        return
    from app import embedded

    with embedded.ensure(settings.baraza_var) as servers:
        yield settings.model_copy(
            update={
                "database_url": settings.database_url or servers.database_url,
                "database_owner_url": settings.database_owner_url
                or settings.database_url
                or servers.database_url_owner,
                "redis_url": settings.redis_url or servers.redis_url,
            }
        )
