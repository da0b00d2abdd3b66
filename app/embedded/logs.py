"""Log files of the processes that we run."""

from pathlib import Path

LOG_BYTES_MAX = 10_000_000
LAST_WORDS_MAX = 800
"""Characters; enough for one traceback's end."""


def last_words(log: Path) -> str:
    """The end of a log, for an error message."""
    return (
        log.read_text("utf-8", errors="replace").strip()[-LAST_WORDS_MAX:] if log.exists() else ""
    )


def make_room(log: Path) -> None:
    """Put a log that has grown large aside. One older one is kept."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(log.with_suffix(".old.log"))
