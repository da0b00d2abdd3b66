"""Delivery reports through their real door."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import requests
import sqlalchemy as sa
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from app import clock, config, ids, redis_client
from app.channels import delivery
from app.channels.doors import EXTENSION, Doors
from app.db import Database
from app.doorbell import Doorbell
from app.members import directory
from app.members.pins import Pins
from app.messages import outbox
from tests.support import databases
from tests.support.databases import Logins
from tests.support.http_script import closed_port

SETTINGS = config.load({"CALLBACK_SECRETS": "newest-secret,older-secret"})
SECRET = SETTINGS.door_token("sms")


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object, **__: object) -> None:
        """Tests read answers, not access logs."""


@contextmanager
def served(db: Database) -> Iterator[str]:
    """The door on a real socket."""
    redis = redis_client.connect(f"redis://127.0.0.1:{closed_port()}/0")  # never needed here
    app = Flask("door")
    app.register_blueprint(delivery.bp)
    app.extensions[EXTENSION] = Doors(
        SETTINGS, db, Doorbell(redis), Pins(SETTINGS.pin_pepper.get_secret_value())
    )
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        redis.close()


@pytest.fixture(scope="module")
def db(database_server: Logins, database_template: str) -> Iterator[Database]:
    """One database for all of these: every test has a message id of its own."""
    with databases.copy(database_server, database_template) as logins:
        database = Database(logins.application, name="tests")
        yield database
        database.close()


@pytest.fixture(scope="module")
def door(db: Database) -> Iterator[str]:
    with served(db) as url:
        yield url


@dataclass(frozen=True)
class Message:
    """One SMS under an id of the gateway's that nobody has used."""

    db: Database
    door: str
    id: str

    def accept(self) -> None:
        """The gateway has taken it, and we know its id."""
        with self.db.transaction() as tx:
            member = directory.add(
                tx,
                member_no=self.id,
                name="Wanjiku",
                msisdn=f"+2547{secrets.randbelow(10**8):08d}",
                language="en",
            )
            key = ids.uuid7(clock.now())
            outbox.queue(
                tx,
                "pin_locked",
                message_id=key,
                member_id=member,
                msisdn="+254712345678",
                language="en",
                facts={"time": clock.now(), "tries": 3},
            )
            tx.execute(
                sa.text(
                    "UPDATE message SET state = 'accepted', due_at = NULL,"
                    " provider_message_id = :id WHERE id = :key"
                ),
                {"id": self.id, "key": key},
            )

    def report(self, status: str, reason: str = "") -> int:
        """The gateway reports. Returns our HTTP status."""
        fields = {"id": self.id, "status": status, "phoneNumber": "+254712345678"}
        return post(self.door, **fields, **({"failureReason": reason} if reason else {}))

    def state(self) -> tuple[str, str | None]:
        """Where we think that it is, and why it failed."""
        with self.db.transaction() as tx:
            query = sa.text("SELECT state, failure FROM message WHERE provider_message_id = :id")
            found = tx.execute(query, {"id": self.id}).one()
        return found.state, found.failure

    def kept(self) -> list[tuple[str, int]]:
        """The reports about it that we hold, with the number of their copies."""
        with self.db.transaction() as tx:
            query = sa.text(
                "SELECT status, copies FROM delivery_report"
                " WHERE provider_message_id = :id ORDER BY id"
            )
            return [(row.status, row.copies) for row in tx.execute(query, {"id": self.id})]


@pytest.fixture
def message(db: Database, door: str) -> Message:
    return Message(db, door, f"ATXid_{secrets.token_hex(16)}")


def post(url: str, secret: str = SECRET, **fields: str) -> int:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(f"{url}/sms/{secret}/delivery", data=fields, timeout=10).status_code


def test_a_success_makes_the_message_delivered(message: Message) -> None:
    message.accept()
    assert [message.report("Sent"), message.report("Success")] == [200, 200]
    assert message.state() == ("delivered", None)


def test_a_failure_keeps_its_reason(message: Message) -> None:
    message.accept()
    message.report("Failed", "UserInBlackList")
    assert message.state() == ("failed", "Failed: UserInBlackList")


@pytest.mark.parametrize("later", ["Sent", "Failed", "AbsentSubscriber", "Buffered"])
def test_nothing_overwrites_a_success(message: Message, later: str) -> None:
    """Reports come in any order."""
    message.accept()
    message.report("Success")
    assert message.report(later) == 200
    assert message.state() == ("delivered", None)


def test_an_absent_phone_may_still_get_it(message: Message) -> None:
    """Failed for now; a later success is the truth."""
    message.accept()
    message.report("AbsentSubscriber")
    assert message.state() == ("failed", "AbsentSubscriber")
    message.report("Success")
    assert message.state() == ("delivered", None)


def test_a_repeat_is_counted_and_changes_nothing(message: Message) -> None:
    message.accept()
    for _ in range(3):
        message.report("Success")
    assert message.kept() == [("Success", 3)]
    assert message.state() == ("delivered", None)


def test_an_unknown_state_is_kept_and_no_error(message: Message) -> None:
    """A gateway's new word must not make it repeat for ever."""
    message.accept()
    assert message.report("TeleportedToHandset") == 200
    assert message.kept() == [("TeleportedToHandset", 1)]
    assert message.state() == ("accepted", None)


def test_a_report_about_an_unknown_message_is_kept(message: Message) -> None:
    """It may be quicker than our own commit."""
    assert message.report("Success") == 200
    assert message.kept() == [("Success", 1)]


def test_a_wrong_secret_opens_nothing(message: Message) -> None:
    """Neither a guess, nor another door's secret, nor nearly the right one."""
    for secret in ("guess", SETTINGS.door_token("ussd"), SECRET[:-1], SECRET.upper()):
        assert post(message.door, secret, id=message.id, status="Success") == 404
    assert message.kept() == []


def test_the_older_secret_opens_too(message: Message) -> None:
    """Addresses that were handed out before a rotation go on working."""
    older = SETTINGS.door_tokens("sms")[1]
    assert post(message.door, older, id=message.id, status="Success") == 200
    assert message.kept() == [("Success", 1)]


def test_a_report_that_says_nothing_is_refused(message: Message) -> None:
    """Without an id or a state there is nothing to keep."""
    nothing: list[dict[str, str]] = [{}, {"id": message.id}, {"id": " ", "status": "Success"}]
    assert [post(message.door, **fields) for fields in nothing] == [400, 400, 400]
    assert message.kept() == []


def test_hostile_fields_are_kept_short_and_clean(message: Message) -> None:
    """A zero byte would make PostgreSQL refuse the row."""
    fields = {"id": f"\x00{message.id}\n", "status": "S" * 5_000, "failureReason": "\x00\n" * 50}
    assert post(message.door, **fields) == 200
    assert message.kept() == [("S" * 100, 1)]


def test_a_report_larger_than_any_real_one_is_refused(message: Message) -> None:
    assert message.report("S" * 20_000) == 413
    assert message.kept() == []


def test_of_a_report_that_tells_no_length_only_the_beginning_is_read(message: Message) -> None:
    """What comes after the limit does not exist for us."""
    parts = (b"status=", b"S" * 20_000, b"&id=" + message.id.encode())
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"{message.door}/sms/{SECRET}/delivery",
            data=iter(parts),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            timeout=10,
        )
    assert answer.status_code == 400
    assert message.kept() == []


def test_without_a_database_the_gateway_may_come_again() -> None:
    """Not kept, so not taken."""
    away = Database(f"postgresql+psycopg://nobody@127.0.0.1:{closed_port()}/nothing")
    with served(away) as url:
        assert post(url, id="ATXid_1", status="Success") == 503
    away.close()
