"""What can go wrong with servers of our own. Every message names the cure."""

from app.errors import Misconfigured


class BinariesMissing(Misconfigured):
    """No program of this kind is installed."""

    code = "EMB-01"


class AlreadyRunning(Misconfigured):
    """Another process runs its servers in this folder."""

    code = "EMB-02"


class ServerFailed(Misconfigured):
    """A server did not start, or its data cannot be used by it."""

    code = "EMB-03"
