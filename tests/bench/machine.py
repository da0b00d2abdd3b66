"""What machine this is, and small sums."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import psutil


def described() -> str:
    """Processor, cores, memory and versions, in a line."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text("utf-8").splitlines() if known.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "")
    memory_gib = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores, {model or platform.machine()}, {memory_gib:.0f} GiB,"
        f" Linux {platform.release()}, Python {platform.python_version()}"
    )


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent do not exceed; 0 of nothing."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0
