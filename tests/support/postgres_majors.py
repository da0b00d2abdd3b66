"""Servers of every PostgreSQL that this machine has, beside the one that all tests use."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app import embedded
from app.embedded import binaries
from app.embedded.errors import BinariesMissing
from tests.support.databases import Logins


def others() -> list[int]:
    """Installed major versions besides the one that Baraza itself would start."""
    usual = binaries.postgres().major
    return [major for major in binaries.POSTGRES_MAJORS if major != usual and _installed(major)]


@contextmanager
def server(major: int) -> Iterator[Logins]:
    """A throwaway server of this major version."""
    with tempfile.TemporaryDirectory(prefix="baraza-tests-") as folder:
        Path(folder).chmod(0o711)
        # Only while it starts: the server may live as long as the session, beside other tests.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(binaries, "POSTGRES_MAJORS", range(major, major + 1))
            started = embedded.start(Path(folder) / "var", durable=False, with_redis=False)
        try:
            yield Logins(started.database_url, started.database_url_owner)
        finally:
            started.stop()


def _installed(major: int) -> bool:
    try:
        return binaries.postgres(frozenset({major})).major == major
    except BinariesMissing:
        return False
