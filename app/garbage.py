"""Python's garbage collector, calmed for processes that live long."""

import gc

COLLECT_AFTER = 10_000
"""New objects until the collector looks for circles. The default of 700 makes it look several times
in each request or batch, and find nothing."""


def settle() -> None:
    """Once everything is imported and made: that stays, so the collector never looks at it again.

    Pages that it does not touch stay shared between a process and what it forks.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
