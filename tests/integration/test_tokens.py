"""One access token for all processes: fetched by one of them, encrypted, renewed in time."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from app.db import Database
from app.providers import shared_token
from app.providers.shared_token import Granted, SharedToken, Token, TokenUnavailable
from app.providers.tokens import TOKEN_PATH, Tokens
from tests.support.http_script import Hang, Reply, ScriptedServer, closed_port, scripted_server

KEY = "a key that is not in the database"
UNUSED = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
"""Connects when used, which it is not."""


class Provider:
    """Counts how often it was asked, and is slow enough for races to happen."""

    def __init__(self, *, lifetime_s: int = 3600, takes_s: float = 0.2) -> None:
        self.lifetime_s = lifetime_s
        self.takes_s = takes_s
        self.asked = 0
        self.down = False
        self._lock = threading.Lock()

    def __call__(self) -> Granted:
        """A new token, after a while."""
        with self._lock:
            self.asked += 1
            number = self.asked
        time.sleep(self.takes_s)
        if self.down:
            raise TokenUnavailable("down")
        return Granted(f"token-{number}", self.lifetime_s)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def other_db(database_url: str) -> Iterator[Database]:
    """Another process's connections."""
    database = Database(database_url, name="another process")
    yield database
    database.close()


def shared(db: Database, provider: Provider, *, key: str = KEY) -> SharedToken:
    return SharedToken(db, provider="daraja", encryption_key=key, fetch=provider)


def in_seconds(owner_db: Database, column: str, seconds: float) -> None:
    with owner_db.transaction() as tx:
        tx.execute(
            sa.text(f"UPDATE provider_token SET {column} = now() + make_interval(secs => :s)"),  # noqa: S608
            {"s": seconds},
        )


def test_eight_threads_in_two_processes_fetch_one_token(
    db: Database, other_db: Database, provider: Provider
) -> None:
    """A second fetch would end the first one's token while calls are made with it."""
    processes = [shared(db, provider), shared(other_db, provider)]
    together = threading.Barrier(8)

    def get(number: int) -> Token:
        together.wait()
        return processes[number % 2].get()

    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(get, range(8)))
    assert {Token("token-1", 1)} == tokens
    assert provider.asked == 1


def test_eight_threads_that_lost_the_same_token_refresh_it_once(
    db: Database, other_db: Database, provider: Provider
) -> None:
    """Calls that were refused for one dead token share the one that replaces it."""
    processes = [shared(db, provider), shared(other_db, provider)]
    dead = processes[0].get()
    together = threading.Barrier(8)

    def refresh(number: int) -> Token:
        together.wait()
        return processes[number % 2].refresh(after_generation=dead.generation)

    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(refresh, range(8)))
    assert {Token("token-2", 2)} == tokens
    assert provider.asked == 2


def test_a_token_that_another_process_renewed_is_read_not_fetched(
    db: Database, other_db: Database, provider: Provider
) -> None:
    """Reload first, refresh second."""
    mine, theirs = shared(db, provider), shared(other_db, provider)
    dead = mine.get()
    newer = theirs.refresh(after_generation=dead.generation)
    assert newer == mine.refresh(after_generation=dead.generation)
    assert provider.asked == 2


def test_a_token_serves_until_it_is_due(
    db: Database, owner_db: Database, provider: Provider
) -> None:
    """It is renewed before its end, not after."""
    shared(db, provider).get()
    in_seconds(owner_db, "expires_at", shared_token.RENEW_BEFORE_S + 5)
    assert shared(db, provider).get() == Token("token-1", 1)
    in_seconds(owner_db, "expires_at", shared_token.RENEW_BEFORE_S - 5)
    assert shared(db, provider).get() == Token("token-2", 2)


def test_while_one_process_renews_the_others_use_what_they_have(
    db: Database, owner_db: Database, provider: Provider
) -> None:
    """Nobody waits for a token that is not needed yet."""
    shared(db, provider).get()
    in_seconds(owner_db, "expires_at", 60)
    in_seconds(owner_db, "refreshing_until", 60)
    assert shared(db, provider).get() == Token("token-1", 1)
    assert provider.asked == 1


def test_a_failed_renewal_leaves_the_old_token_in_use(
    db: Database, owner_db: Database, provider: Provider
) -> None:
    shared(db, provider).get()
    in_seconds(owner_db, "expires_at", 60)
    provider.down = True
    assert shared(db, provider).get() == Token("token-1", 1)


def test_a_process_that_died_while_refreshing_is_waited_for_as_long_as_its_lease(
    db: Database, owner_db: Database, provider: Provider
) -> None:
    token = shared(db, provider)
    token.get()
    in_seconds(owner_db, "refreshing_until", 0.5)
    began = time.monotonic()
    assert token.refresh(after_generation=1) == Token("token-2", 2)
    assert 0.3 < time.monotonic() - began < 5


def test_an_outage_is_not_answered_with_a_storm(
    db: Database, other_db: Database, provider: Provider
) -> None:
    """Sixteen calls in two processes ask once each, not sixteen times, and none waits for long."""
    provider.down = True
    processes = [shared(db, provider), shared(other_db, provider)]

    def fails(number: int) -> bool:
        with pytest.raises(TokenUnavailable):
            processes[number % 2].get()
        return True

    began = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(fails, range(16)))
    assert provider.asked <= 2
    assert time.monotonic() - began < shared_token.WAIT_S_MAX


def test_it_works_again_when_the_outage_is_over(
    db: Database, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_token, "PAUSE_AFTER_FAILURE_S", 0.1)
    provider.down = True
    token = shared(db, provider)
    with pytest.raises(TokenUnavailable):
        token.get()
    provider.down = False
    time.sleep(0.15)
    assert token.get() == Token("token-2", 1)


def test_a_refresh_that_was_overtaken_is_dropped(
    db: Database, owner_db: Database, provider: Provider
) -> None:
    """A process frozen past its lease must not put its dead token over a newer one."""

    def overtaken() -> Granted:
        in_seconds(owner_db, "refreshing_until", -1)
        shared(owner_db, provider).refresh(after_generation=0)
        return Granted("dead", 3600)

    frozen = SharedToken(db, provider="daraja", encryption_key=KEY, fetch=overtaken)
    assert frozen.get() == Token("token-1", 1)
    assert shared(db, provider).get() == Token("token-1", 1)


def test_the_database_holds_no_readable_token(
    db: Database, owner_db: Database, provider: Provider
) -> None:
    """Who steals the database cannot pay out with it."""
    shared(db, provider).get()
    with owner_db.transaction() as tx:
        stored = tx.scalar(sa.text("SELECT token FROM provider_token"))
    assert stored
    assert b"token-1" not in stored


def test_a_changed_secret_key_costs_one_fetch(db: Database, provider: Provider) -> None:
    """What cannot be read any more is replaced."""
    shared(db, provider).get()
    changed = shared(db, provider, key="another key")
    assert changed.get() == Token("token-2", 2)
    assert provider.asked == 2


def test_without_postgresql_there_is_no_token(provider: Provider) -> None:
    """And so nothing is sent."""
    away = Database(f"postgresql+psycopg://x@127.0.0.1:{closed_port()}/x")
    with pytest.raises(TokenUnavailable, match="OperationalError"):
        shared(away, provider).get()
    assert provider.asked == 0


def test_a_token_does_not_show_itself() -> None:
    assert "secret" not in repr(Token("secret", 1)) + repr(Granted("secret", 1))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as started:
        yield started


def daraja_tokens(db: Database, base_url: str) -> Tokens:
    return Tokens(
        db=db, base_url=base_url, consumer_key="key", consumer_secret="pass", encryption_key=KEY
    )


@pytest.mark.parametrize("lifetime", [b'"3599"', b"3599"])
def test_daraja_grants_a_token(db: Database, server: ScriptedServer, lifetime: bytes) -> None:
    """A GET with Basic authentication; the lifetime is a number in the manual, text on the wire."""
    server.on(TOKEN_PATH, Reply(body=b'{"access_token": "abc", "expires_in": ' + lifetime + b"}"))
    assert daraja_tokens(db, server.url).get() == Token("abc", 1)
    seen = server.seen(TOKEN_PATH)[0]
    assert seen.method == "GET"
    assert seen.path.endswith("?grant_type=client_credentials")
    assert seen.headers["Authorization"] == "Basic a2V5OnBhc3M="


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, b""),
        Reply(400, b'{"errorCode": "400.008.01", "errorMessage": "Invalid Authentication passed"}'),
        Reply(401, b""),
        Reply(403, b"<html>", "text/html"),
        Reply(500, b'{"access_token": "abc", "expires_in": "3599"}'),
        Reply(200, b""),
        Reply(200, b"<html>", "text/html"),
        Reply(200, b"{}"),
        Reply(200, b'{"access_token": "abc"}'),
        Reply(200, b'{"access_token": "abc", "expires_in": "soon"}'),
        Reply(200, b'{"access_token": "a\\nb", "expires_in": "3599"}'),
        Reply(200, b'{"access_token": "\\u20ac", "expires_in": "3599"}'),
        Reply(200, b'{"access_token": "", "expires_in": "3599"}'),
        Reply(302, b"", headers={"Location": "/elsewhere"}),
    ],
)
def test_whatever_is_no_token_is_token_unavailable(server: ScriptedServer, reply: Reply) -> None:
    """Always: nothing was sent, the payout is as good as before."""
    server.on(TOKEN_PATH, reply)
    with pytest.raises(TokenUnavailable):
        daraja_tokens(UNUSED, server.url)._fetch()
    assert len(server.seen(TOKEN_PATH)) == 1


def test_a_token_door_that_hangs_is_given_up(
    db: Database, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.providers.tokens.READ_S", 0.3)
    server.on(TOKEN_PATH, Hang())
    with pytest.raises(TokenUnavailable, match="no answer"):
        daraja_tokens(db, server.url).get()
