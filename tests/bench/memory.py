"""What all processes hold while nothing is asked of them: proportional set size (PSS)."""

import contextlib
import time

import psutil

from tests.bench.ground import Ground

REST_S = 8


def by_process(on: Ground) -> dict[str, float]:
    """Megabytes by part, with web and workers started, and stopped again afterwards.

    Shared pages are counted in parts, so the sum is what the machine gives up. The simulator is
    not ours and is left out.
    """
    on.stack.start("web", "worker")
    time.sleep(REST_S)
    found: dict[str, float] = {}
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            name = on.name_of(process)
            if name != "simulator":
                held = process.memory_full_info().pss / 2**20
                found[name] = found.get(name, 0.0) + held
    for name in ("worker", "web"):
        on.stack.stop(name)
    return found
