"""A job that tells when it was begun: what a ringing costs RQ where nothing else is done."""

import time


def begun() -> float:
    """Seconds by this machine's monotonic clock, which all its processes share."""
    return time.monotonic()
