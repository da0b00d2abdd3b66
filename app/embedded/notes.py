"""What a server's folder remembers between starts: port, passwords, the running process."""

import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from app.embedded.errors import ServerFailed
from app.processes import ProcessMark

LOOPBACK = "127.0.0.1"
OF_ANOTHER_USER = (
    "{path} belongs to another user. Run Baraza as that user, or give this one a folder of its "
    "own with BARAZA_VAR."
)


@dataclass(frozen=True, slots=True)
class Notes:
    """Kept in a file that only its owner may read."""

    password: str
    owner_password: str = ""
    """Of the login that may do everything. Empty where the server has one login only."""
    port: int = 0
    """Of the last start; the next one takes it again when it is free."""
    pid: int = 0
    started: float = 0.0

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The notes, or None where there are none yet.

        Raises:
            ServerFailed: they belong to another user.
        """
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except PermissionError:
            raise ServerFailed(OF_ANOTHER_USER.format(path=path)) from None

    def write(self, path: Path) -> None:
        """Replace the file in one step: a crash leaves the old notes or the new ones."""
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        fresh.replace(path)

    @property
    def process(self) -> ProcessMark:
        """The server that was started last."""
        return ProcessMark(self.pid, self.started)


def notes_file(home: Path) -> Path:
    """Where a server's folder keeps its notes."""
    return home / "server.json"


def make_folder(path: Path) -> None:
    """Make a folder that all may pass through and none but us may list or change.

    A server that runs as nobody has to reach its data below; what is secret has its own mode.

    Raises:
        ServerFailed: we may not write here.
    """
    if path.is_dir():
        return
    try:
        path.mkdir(parents=True)
        path.chmod(0o711)  # whatever the umask is
    except OSError as refused:
        raise ServerFailed(
            f"{path} cannot be made ({refused.strerror}). Set BARAZA_VAR to a folder of yours."
        ) from None


def free_port(preferred: int = 0) -> int:
    """The preferred port when nobody listens there, else one that the system picks."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            # As servers do: connections of the last run that still fade away are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServerFailed(f"No free port on {LOOPBACK}.")
