"""Who the servers run as. PostgreSQL refuses root, so root steps down to nobody."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from functools import cache
from pathlib import Path

from app import leash
from app.embedded.errors import ServerFailed
from app.processes import leashed

PROBE_S_MAX = 10


@cache
def choose() -> str:
    """How to start servers here: one of the identities of `leash`.

    A user namespace is tried first: files stay ours, so it works below a home that only we may
    enter. Container runtimes often forbid it; then root becomes nobody for good. An ordinary user
    without an entry in the user list needs the namespace too, because `initdb` looks the name up.
    """
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        return leash.KEEP
    if sys.platform == "linux" and _works(leash.NAMESPACE):
        return leash.NAMESPACE
    return leash.SETUID if os.geteuid() == 0 else leash.KEEP


def hand_over(folder: Path, identity: str) -> None:
    """Make the folder and what is in it belong to whom the server will be.

    Raises:
        ServerFailed: nobody could not reach the folder, whoever owns it.
    """
    if os.geteuid() != 0:
        return
    owner = leash.NOBODY if identity == leash.SETUID else 0
    if identity == leash.SETUID:
        for parent in folder.resolve().parents:
            if not parent.stat().st_mode & stat.S_IXOTH:
                raise ServerFailed(
                    f"PostgreSQL does not run as root, and as nobody it cannot enter {parent}. "
                    "Run Baraza as an ordinary user, or set BARAZA_VAR to a folder that all may "
                    "enter, such as /var/lib/baraza."
                )
    if folder.stat().st_uid == owner:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, owner, follow_symlinks=False)


def reachable(root: Path, program: Path, identity: str, *, copy_to: Path) -> Path:
    """The program, or a copy of it that the identity may run.

    Only root that becomes nobody needs a copy, when the programs are below a closed home.
    """
    if identity != leash.SETUID or _works(identity, program):
        return program
    # Named after the original's age, so that an upgrade is copied again.
    copied = copy_to.with_name(f"{copy_to.name}-{program.stat().st_mtime_ns:x}")
    if not copied.exists():
        for older in copy_to.parent.glob(f"{copy_to.name}-*"):
            shutil.rmtree(older)
        unfinished = copy_to.with_name(f"{copy_to.name}-new")
        unfinished.mkdir(parents=True)
        unfinished.chmod(0o755)  # whatever the umask is
        for part in _parts(root, program):
            _copy(part, unfinished / part.relative_to(root))
        unfinished.rename(copied)
    return copied / program.relative_to(root)


def _copy(part: Path, target: Path) -> None:
    if part.is_dir():
        shutil.copytree(part, target, symlinks=True, ignore=shutil.ignore_patterns("include"))
    else:
        shutil.copy2(part, target)


def _parts(root: Path, program: Path) -> list[Path]:
    """What of the root belongs to the program: its package, and the libraries beside it."""
    if root.name not in {"site-packages", "dist-packages"}:
        return sorted(root.iterdir())
    package = root / program.relative_to(root).parts[0]
    libraries = package.with_name(f"{package.name}.libs")
    return [package, *([libraries] if libraries.exists() else [])]


def _has_name(user: int) -> bool:
    try:
        return bool(pwd.getpwuid(user))
    except KeyError:
        return False


def _works(identity: str, program: Path = Path("/bin/sh")) -> bool:
    """Whether this machine lets us run this program under this identity."""
    arguments = ["-c", ":"] if program == Path("/bin/sh") else ["--version"]
    command = leashed([program, *arguments], identity=identity, ends_with_us=None)
    done = subprocess.run(command, capture_output=True, timeout=PROBE_S_MAX, check=False)
    return done.returncode == 0
