"""Logs: one JSON line an event, never a secret, never a full phone number."""

import contextlib
import logging
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog

from app.msisdn import mask_all

SECRET_KEYS = frozenset(
    {
        "pin", "text", "input", "password", "secret", "token", "access_token", "api_key", "apikey",
        "authorization", "security_credential", "securitycredential", "body", "pepper",
    }
)  # fmt: skip
"""Field names whose values never reach a log, whatever they hold."""

HIDDEN = "[hidden]"


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return mask_all(value)
    if isinstance(value, Mapping):
        return {k: HIDDEN if str(k).lower() in SECRET_KEYS else _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide secrets by field name and mask phone numbers anywhere in the line."""
    return {k: HIDDEN if k.lower() in SECRET_KEYS else _clean(v) for k, v in event.items()}


def configure_logs(process: str, *, level: int = logging.INFO) -> None:
    """Send every log line of this process to standard error, as JSON, redacted.

    Lines of libraries (RQ, werkzeug, alembic) come through Python's own logging and end the same
    way, so they are redacted too.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    ending: list[Any] = [redact, structlog.processors.JSONRenderer(sort_keys=False)]
    structlog.configure(
        processors=[*shared, *ending],
        logger_factory=_Lines,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    _ours.configured()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)


def logger() -> Any:
    """The structured logger. Events are snake_case, facts are keyword arguments."""
    return _SILENCE if _is_quiet.get() else _ours.logger


@contextmanager
def quietly() -> Iterator[None]:
    """Log nothing meanwhile: what is only tried, or what a person reads on the screen."""
    before = _is_quiet.set(True)
    try:
        yield
    finally:
        _is_quiet.reset(before)


class _Lines:
    """Writes lines to standard error. Where that is gone, work goes on without."""

    def __init__(self, *_: object) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = self._write

    def _write(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")


class _Ours:
    """The one logger of a process, made once: making one costs more than a line."""

    def __init__(self) -> None:
        self.configured()

    def configured(self) -> None:
        """Take up the present configuration."""
        self.logger: Any = structlog.get_logger()


class _Silence:
    """A logger that says nothing."""

    def __getattr__(self, _level: str) -> Any:
        return lambda *_args, **_facts: None


_SILENCE = _Silence()
_ours = _Ours()
_is_quiet: ContextVar[bool] = ContextVar("quiet", default=False)
