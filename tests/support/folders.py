"""Folders for servers that tests start."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def passable_folder() -> Iterator[Path]:
    """A folder that everybody may pass through, removed at the end.

    Servers that root starts run as nobody, and pytest's own folders are closed to nobody.
    """
    with tempfile.TemporaryDirectory(prefix="baraza-tests-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder
