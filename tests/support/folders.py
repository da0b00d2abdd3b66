"""Folders for servers that tests start."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux keeps files in memory; each test has a folder
ROOM_MIN_BYTES = 4_000_000_000


@contextmanager
def passable_folder(*, on_disk: bool = False) -> Iterator[Path]:
    """A folder that everybody may pass through, removed at the end.

    Servers that root starts run as nobody, and pytest's own folders are closed to nobody. What is
    measured must lie on the disk: in memory a commit costs nothing.
    """
    place = None if on_disk else _place()
    with tempfile.TemporaryDirectory(prefix="baraza-tests-", dir=place) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def _place() -> Path | None:
    """Memory where there is plenty: a database per test is many small files. Else the usual place.

    Containers often have only a little there, and PostgreSQL needs some of it for itself.
    """
    if not os.access(MEMORY, os.W_OK | os.X_OK):
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free >= ROOM_MIN_BYTES else None
