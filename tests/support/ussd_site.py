"""The USSD door on a real socket and a real database, and phones that dial it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import requests
import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from app import config, redis_client
from app.channels import ussd
from app.channels.doors import EXTENSION, Doors
from app.commands.handset import Handset, Sms
from app.config import Settings
from app.db import Database
from app.doorbell import Doorbell
from app.members import demo, directory, pins
from app.members.directory import Language
from app.members.pins import Pins
from tests.support import databases, prices
from tests.support.databases import Logins
from tests.support.gateway import Gateway
from tests.support.ledger import assert_coherent, member_account

WANJIRU = "+254712345678"
JUMA = "+254722345679"
SAVINGS_CENTS = 50_000_00
TIMEOUT_S = 10


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object, **__: object) -> None:
        """Write nothing: tests read answers, not access logs."""


@dataclass(frozen=True)
class Site:
    """A running USSD door with a tariff and no members."""

    url: str
    settings: Settings
    db: Database
    """For set-up and for looking; the door has a pool of its own."""
    doors: Doors

    def member(
        self,
        msisdn: str = WANJIRU,
        *,
        pin: str | None = "4071",
        cents: int = SAVINGS_CENTS,
        language: Language = "en",
    ) -> int:
        """Register a member with savings. Returns her id."""
        with self.db.transaction() as tx:
            member_id = directory.add(
                tx, member_no=f"M{msisdn}", name="Wanjiru", msisdn=msisdn, language=language
            )
            account = member_account(tx, cents=cents)
            tx.execute(
                sa.text("INSERT INTO member_account (account_id, member_id) VALUES (:a, :m)"),
                {"a": account, "m": member_id},
            )
            if pin is not None:
                self.doors.pins.set(tx, member_id, pin)
        return member_id

    def phone(self, msisdn: str = WANJIRU, *, through: Callable[..., Gateway] = Gateway) -> Handset:
        """A phone with this number, whose network posts straight to the door."""
        code = self.settings.ussd_service_codes[0]
        return Handset(through(self.door, code=code, texts_to=self.texts_to), msisdn, code)

    @property
    def door(self) -> str:
        """Where the gateway posts to."""
        return f"{self.url}/ussd/{self.settings.door_token('ussd')}"

    def texts_to(self, msisdn: str) -> list[Sms]:
        """The SMS that were queued for a number, oldest first."""
        query = sa.text(
            "SELECT id, body, queued_at FROM message WHERE msisdn = :msisdn ORDER BY queued_at, id"
        )
        with self.db.transaction() as tx:
            rows = tx.execute(query, {"msisdn": msisdn}).all()
        return [Sms(str(row.id), "BARAZA", row.body, row.queued_at) for row in rows]

    def post(self, fields: Mapping[str, str], path: str = "") -> requests.Response:
        """One callback with exactly these fields."""
        return requests.post(f"{self.door}{path}", data=fields, timeout=TIMEOUT_S)

    def scalar(self, query: str, **values: object) -> object:
        """One value from the database."""
        with self.db.transaction() as tx:
            return tx.scalar(sa.text(query), values)

    def column(self, query: str, **values: object) -> list[object]:
        """One column from the database."""
        with self.db.transaction() as tx:
            return list(tx.scalars(sa.text(query), values))

    def counts(self) -> dict[str, object]:
        """How many payouts, quotes and PIN tries there are: what repeats must not add to."""
        return {
            table: self.scalar(f"SELECT count(*) FROM {table}")  # noqa: S608 - constants
            for table in ("payout", "quote", "pin_attempt")
        }


@contextmanager
def serving(
    *, database_url: str, redis_url: str, **environment: str
) -> Iterator[tuple[str, Doors]]:
    """The door, served by threads: its base address and what it was given."""
    settings = config.load({"DATABASE_URL": database_url, "REDIS_URL": redis_url, **environment})
    doors = Doors(
        settings=settings,
        db=Database(settings.database_url, pool_max=12, name="ussd tests"),
        doorbell=Doorbell(redis_client.connect(settings.redis_url, timeout_s=0.5)),
        pins=Pins(settings.pin_pepper.get_secret_value()),
    )
    app = Flask("ussd")
    app.extensions[EXTENSION] = doors
    app.register_blueprint(ussd.bp)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", doors
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        doors.db.close()


@contextmanager
def running(
    db: Database, *, database_url: str, redis_url: str, **environment: str
) -> Iterator[Site]:
    """The door with a tariff. `db` is for set-up and for looking; the door has its own pool."""
    with db.transaction() as tx, databases.owner_of(tx) as owner:
        demo.price_list(owner)
        # The same screens at every hour: no quiet hours.
        prices.limits(owner)
    with serving(database_url=database_url, redis_url=redis_url, **environment) as (url, doors):
        yield Site(url, doors.settings, db, doors)


@contextmanager
def on_its_own(server: Logins, template: str, redis_url: str) -> Iterator[Site]:
    """The door on a database of its own, for all tests of a file. The books agree at the end.

    PINs are hashed the quick way: these tests are about everything else, and play many sessions.
    """
    with databases.copy(server, template) as logins, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pins, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        db, owner = Database(logins.application), Database(logins.owner, role=None)
        with running(db, database_url=logins.application, redis_url=redis_url) as site:
            yield site
        assert_coherent(owner)
        db.close()
        owner.close()
