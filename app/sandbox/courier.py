"""Posts results, notices and reports to the other side when they are due.

What is due lies in SQLite: a killed sandbox posts it after its restart. A post that was under way
when the process died is made again, as a provider's would be.
"""

import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from app.sandbox.store import Row, Store

THREADS = 8
ANSWER_SECONDS_MAX = 10
ANSWER_LETTERS_MAX = 2_000
IDLE_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One HTTP POST to be made."""

    about: str
    kind: str
    url: str
    body: str
    content_type: str
    after_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said to a post, or why it said nothing."""

    http_status: int | None
    body: str
    error: str | None = None


class Courier:
    """A few threads that make due posts, so that one deaf receiver does not hold up the others."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._news = threading.Condition()
        self._under_way: set[int] = set()

    def start(self) -> None:
        """Begin posting, with what an earlier process left behind first."""
        for _ in range(THREADS):
            threading.Thread(target=self._work, daemon=True).start()

    def add(self, post: Post) -> int:
        """Store a post; inside a transaction of the store it is part of that. Then `wake`."""
        return self._store.run(
            "INSERT INTO post (about, kind, url, content_type, body, due_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            post.about, post.kind, post.url, post.content_type, post.body,
            time.time() + post.after_s,
        )  # fmt: skip

    def wake(self) -> None:
        """Tell the threads that something new may be due. To be called after the commit."""
        with self._news:
            self._news.notify_all()

    def deliver_now(self, post: Post) -> None:
        """Make this post before returning."""
        with self._news:
            number = self.add(post)
            self._under_way.add(number)
        self._deliver(number)

    def record(self, about: str) -> list[dict[str, object]]:
        """Every post about something: what it was, when, and the answer to it."""
        return [
            dict(row)
            for row in self._store.rows(
                "SELECT kind, body, due_at, done_at, http_status, answer, error"
                " FROM post WHERE about = ? ORDER BY due_at, id",
                about,
            )
        ]

    def _work(self) -> None:
        while True:
            number = self._claim()
            if number is not None:
                self._deliver(number)

    def _claim(self) -> int | None:
        """The id of a due post that is now this thread's, or None after a wait for one."""
        with self._news:
            waiting = self._store.rows(
                "SELECT id, due_at FROM post WHERE done_at IS NULL ORDER BY due_at, id LIMIT ?",
                len(self._under_way) + 1,
            )
            free = [row for row in waiting if row["id"] not in self._under_way]
            wait = free[0]["due_at"] - time.time() if free else IDLE_SECONDS_MAX
            if wait > 0:
                self._news.wait(min(wait, IDLE_SECONDS_MAX))
                return None
            number: int = free[0]["id"]
            self._under_way.add(number)
            return number

    def _deliver(self, number: int) -> None:
        row = self._store.row("SELECT url, body, content_type FROM post WHERE id = ?", number)
        assert row is not None
        answer = _post(row)
        self._store.run(
            "UPDATE post SET done_at = ?, http_status = ?, answer = ?, error = ? WHERE id = ?",
            time.time(), answer.http_status, answer.body, answer.error, number,
        )  # fmt: skip
        with self._news:
            self._under_way.discard(number)


def _post(row: Row) -> Answer:
    return post(row["url"], row["body"].encode(), row["content_type"], seconds=ANSWER_SECONDS_MAX)


def post(url: str, body: bytes, content_type: str, *, seconds: float) -> Answer:
    """Make one POST on a connection of its own. Never raises for what the other side does."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return Answer(None, "", "not an http address")
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=seconds)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target or "/", body, {"Content-Type": content_type})
        answer = connection.getresponse()
        text = answer.read(ANSWER_LETTERS_MAX).decode("utf-8", "replace")
        return Answer(answer.status, text)
    except (OSError, HTTPException) as why:
        return Answer(None, "", type(why).__name__)
    finally:
        connection.close()
