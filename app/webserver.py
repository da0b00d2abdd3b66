"""The web server: granian, one blocking thread a worker, as many workers as set.

Measured on our kind of hop, one thread a worker beats many threads: they only fight for the
interpreter after each short wait. Where the phone page is served, its requests come back as hops
while they wait, so there must be threads for both.
"""

from granian import Granian
from granian.constants import Interfaces

from app import playground
from app.config import Settings

THREADS_WITH_PHONE_PAGE = 12


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    Granian(
        "app.wsgi:serve",
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.host,
        port=settings.port,
        workers=settings.web_workers,
        blocking_threads=THREADS_WITH_PHONE_PAGE if playground.fits(settings) else 1,
        respawn_failed_workers=True,
        log_access=False,
        log_enabled=False,
    ).serve()
