"""What machine this is, and small sums."""

import os
import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

SYNCS = 100


def described() -> str:
    """Processor, cores, memory, disk and versions, in a line."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text("utf-8").splitlines() if known.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "")
    memory_gib = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores, {model or platform.machine()}, {memory_gib:.0f} GiB,"
        f" {_sync_ms():.2f} ms to write 8 KiB to the disk,"
        f" Linux {platform.release()}, Python {platform.python_version()}"
    )


def _sync_ms() -> float:
    """How long a page takes to the disk where the bench keeps its data: the least of a commit."""
    with tempfile.TemporaryFile() as page:
        began = time.perf_counter()
        for _ in range(SYNCS):
            page.seek(0)
            page.write(b"x" * 8192)
            page.flush()
            os.fdatasync(page.fileno())
        return (time.perf_counter() - began) * 1000 / SYNCS


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent do not exceed; 0 of nothing."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0
