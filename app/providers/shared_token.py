"""One access token for all processes, kept encrypted in PostgreSQL.

At Safaricom a new token ends the old one, so processes that fetch for themselves shut each other
out. Here one of them refreshes under a lease, the others wait a moment and read what it stored.
No lock is held across the HTTP call: a process that dies while refreshing is waited for only as
long as its lease.
"""

import base64
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.db import Database, DatabaseAway, Tx
from app.errors import Retryable

RENEW_BEFORE_S = 120
"""Refresh this long before the end, while the old token still serves everybody."""
LEASE_S = 10
"""Longer than any token request takes."""
PAUSE_AFTER_FAILURE_S = 2
"""No other process tries before this, so that an outage is not answered with a storm."""
WAIT_S_MAX = 8.0
"""The longest that `get` and `refresh` take, the wait for another process included."""
POLL_S = 0.05
REMEMBER_S = 1.0
"""A process uses what it read this long without asking PostgreSQL again."""


class TokenUnavailable(Retryable):
    """No access token could be had, so nothing was sent."""

    code = "PRV-01"


@dataclass(frozen=True, slots=True)
class Granted:
    """A new token, as the provider gave it."""

    value: str = field(repr=False)
    lifetime_s: int


@dataclass(frozen=True, slots=True)
class Token:
    """The token in use. `generation` counts refreshes since the beginning."""

    value: str = field(repr=False)
    generation: int


@dataclass(frozen=True, slots=True)
class _Stored:
    """The row as one reading found it."""

    generation: int
    token: Token | None
    """None when there is none, it has expired, or it was encrypted with another key."""
    due: bool
    """Near its end, or past it."""


class SharedToken:
    """The shared token of one provider. Threads may share an instance.

    `fetch` asks the provider for a new token and raises `TokenUnavailable` if it gets none.
    """

    def __init__(
        self, db: Database, *, provider: str, encryption_key: str, fetch: Callable[[], Granted]
    ) -> None:
        self._db = db
        self._provider = provider
        self._fernet = Fernet(_derived(encryption_key))
        self._fetch = fetch
        self._lock = threading.Lock()
        self._remembered: Token | None = None
        self._remembered_until = 0.0
        self._failure = ""
        self._failed_until = 0.0

    def get(self) -> Token:
        """The present token.

        Raises:
            TokenUnavailable: there is none and none could be had in time.
        """
        return self._at_least(0)

    def refresh(self, *, after_generation: int) -> Token:
        """A token newer than one that the provider refused: somebody else's, or a fresh one.

        Raises:
            TokenUnavailable: none could be had in time.
        """
        return self._at_least(after_generation + 1)

    def _at_least(self, generation: int) -> Token:
        until = time.monotonic() + WAIT_S_MAX
        # One thread of a process asks; the others find the answer remembered.
        if not self._lock.acquire(timeout=WAIT_S_MAX):
            raise TokenUnavailable("another thread waits for the token too")
        try:
            return self._remembered_or_new(generation, until)
        finally:
            self._lock.release()

    def _remembered_or_new(self, generation: int, until: float) -> Token:
        now = time.monotonic()
        known = self._remembered
        if known is not None and known.generation >= generation and now < self._remembered_until:
            return known
        if now < self._failed_until:
            raise TokenUnavailable(self._failure)
        try:
            known = self._load_or_renew(generation, until)
        except (TokenUnavailable, DatabaseAway) as failed:
            self._failure = str(failed) or type(failed).__name__
            self._failed_until = time.monotonic() + PAUSE_AFTER_FAILURE_S
            raise TokenUnavailable(self._failure) from failed
        self._remembered = known
        self._remembered_until = time.monotonic() + REMEMBER_S
        return known

    def _load_or_renew(self, generation: int, until: float) -> Token:
        while True:
            stored = self._load()
            usable = stored.token if stored.generation >= generation else None
            if usable is not None and not stored.due:
                return usable
            if self._take_lease(stored.generation):
                try:
                    renewed = self._renew(stored.generation)
                except TokenUnavailable:
                    renewed = usable
                    if usable is None:
                        raise
                if renewed is not None:
                    return renewed
            elif usable is not None:
                return usable  # it still serves while another process renews it
            elif time.monotonic() + POLL_S > until:
                raise TokenUnavailable("another process is getting a token and is not done")
            else:
                time.sleep(POLL_S)

    def _load(self) -> _Stored:
        with self._db.transaction() as tx:
            row = tx.execute(_SELECT, {"provider": self._provider}).one_or_none()
            if row is None:
                tx.execute(_INSERT, {"provider": self._provider})
                return _Stored(0, None, due=True)
        value = None if row.token is None or row.left_s <= 0 else self._decrypted(row.token)
        token = None if value is None else Token(value, row.generation)
        return _Stored(row.generation, token, due=token is None or row.left_s <= RENEW_BEFORE_S)

    def _take_lease(self, generation: int) -> bool:
        with self._db.transaction() as tx:
            return _changed(tx, _LEASE, self._provider, generation, seconds=LEASE_S)

    def _renew(self, generation: int) -> Token | None:
        """Fetch and store a token. None if another process was faster: read what it stored."""
        try:
            granted = self._fetch()
        except TokenUnavailable:
            with self._db.transaction() as tx:
                _changed(tx, _PAUSE, self._provider, generation, seconds=PAUSE_AFTER_FAILURE_S)
            raise
        sealed = self._fernet.encrypt(granted.value.encode())
        # If our lease ran out meanwhile and another process stored a newer token, ours may
        # already be dead: the generation does not match and it is dropped.
        with self._db.transaction() as tx:
            stored = _changed(
                tx, _STORE, self._provider, generation, seconds=granted.lifetime_s, token=sealed
            )
        return Token(granted.value, generation + 1) if stored else None

    def _decrypted(self, sealed: bytes) -> str | None:
        try:
            return self._fernet.decrypt(bytes(sealed)).decode()
        except InvalidToken:  # SECRET_KEY was changed; a new token is cheap
            return None


_SELECT = sa.text(
    "SELECT token, generation, coalesce(extract(epoch FROM expires_at - now()), 0)::float AS left_s"
    " FROM provider_token WHERE provider = :provider"
)
_INSERT = sa.text("INSERT INTO provider_token (provider) VALUES (:provider) ON CONFLICT DO NOTHING")
_LEASE = sa.text(
    "UPDATE provider_token SET refreshing_until = "
    "clock_timestamp() + make_interval(secs => :seconds)"
    " WHERE provider = :provider AND generation = :generation"
    " AND (refreshing_until IS NULL OR refreshing_until < clock_timestamp())"
)
_PAUSE = sa.text(
    "UPDATE provider_token SET refreshing_until = "
    "clock_timestamp() + make_interval(secs => :seconds)"
    " WHERE provider = :provider AND generation = :generation"
)
_STORE = sa.text(
    "UPDATE provider_token SET token = :token, generation = generation + 1,"
    " refreshing_until = NULL, expires_at = clock_timestamp() + make_interval(secs => :seconds)"
    " WHERE provider = :provider AND generation = :generation"
)


def _changed(
    tx: Tx, change: sa.TextClause, provider: str, generation: int, **facts: object
) -> bool:
    """Whether the row was still of this generation, and so was changed."""
    done = tx.execute(change, {"provider": provider, "generation": generation, **facts})
    return done.rowcount == 1


def _derived(encryption_key: str) -> bytes:
    key = HKDF(SHA256(), length=32, salt=None, info=b"baraza provider token")
    return base64.urlsafe_b64encode(key.derive(encryption_key.encode()))
