"""PostgreSQL and Valkey that need no installation.

`start` runs both for as long as its process lives, with data under one folder; `running` finds the
ones that another process runs; `ensure` does whichever of the two is needed.
"""

from app.embedded.errors import AlreadyRunning, BinariesMissing, ServerFailed
from app.embedded.servers import Servers, ensure, running, start

__all__ = [
    "AlreadyRunning",
    "BinariesMissing",
    "ServerFailed",
    "Servers",
    "ensure",
    "running",
    "start",
]
