"""The web server: granian, one blocking thread a worker, as many workers as set.

Measured on our kind of hop, one thread a worker beats many threads: they only fight for the
interpreter after each short wait.
"""

from granian import Granian
from granian.constants import Interfaces

from app.config import Settings


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    Granian(
        "app.wsgi:serve",
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.host,
        port=settings.port,
        workers=settings.web_workers,
        blocking_threads=1,
        respawn_failed_workers=True,
        log_access=False,
        log_enabled=False,
    ).serve()
