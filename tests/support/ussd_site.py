"""The USSD door on a real socket and a real database, and phones that dial it."""

import secrets
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests
import sqlalchemy as sa
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from app import config, redis_client
from app.channels import ussd
from app.channels.doors import EXTENSION, Doors
from app.config import Settings
from app.db import Database
from app.doorbell import Doorbell
from app.members import demo, directory
from app.members.directory import Language
from app.members.pins import Pins
from tests.support.ledger import member_account
from ussd_menus.gsm7 import septets
from ussd_menus.rendering import SEPTETS_MAX

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

    def phone(self, msisdn: str = WANJIRU) -> "Handset":
        """A phone with this number."""
        return Handset(self, msisdn)

    def post(self, fields: Mapping[str, str], path: str = "") -> requests.Response:
        """One callback with exactly these fields."""
        return requests.post(
            f"{self.url}/ussd/{self.settings.door_token('ussd')}{path}",
            data=fields,
            timeout=TIMEOUT_S,
        )

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


@dataclass
class Handset:
    """A phone. Every answer must be HTTP 200, `CON ` or `END `, and fit the screen."""

    site: Site
    msisdn: str
    session_id: str = ""
    tokens: list[str] = field(default_factory=list)
    screen: str = ""

    def dial(self, *tokens: str) -> str:
        """Dial anew, with these tokens in the dialled string."""
        self.session_id = f"ATUid_{secrets.token_hex(16)}"
        self.tokens = list(tokens)
        return self.resend()

    def reply(self, *tokens: str) -> str:
        """Reply with these tokens, one after the other. Returns the last screen."""
        body = ""
        for token in tokens:
            self.tokens.append(token)
            body = self.resend()
        return body

    def resend(self) -> str:
        """The last callback once more."""
        return self.send("*".join(self.tokens))

    def resend_at_once(self, times: int) -> list[str]:
        """The last callback several times at the same moment."""
        gate = threading.Barrier(times)

        def one(_: int) -> str:
            gate.wait()
            return self.resend()

        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(one, range(times)))

    def reply_at_once(self, token: str, times: int) -> list[str]:
        """One reply that a proxy delivers several times at the same moment."""
        self.tokens.append(token)
        return self.resend_at_once(times)

    def send(self, text: str) -> str:
        """One callback with this transcript."""
        answer = self.site.post(
            {
                "sessionId": self.session_id,
                "phoneNumber": self.msisdn,
                "networkCode": "63902",
                "serviceCode": self.site.settings.ussd_service_codes[0],
                "text": text,
            }
        )
        body = answer.text
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert body[:4] in {"CON ", "END "}
        assert septets(body[4:]) <= SEPTETS_MAX
        self.screen = answer.headers[ussd.SCREEN_HEADER]
        return body


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
    with db.transaction() as tx:
        demo.price_list(tx)
    with serving(database_url=database_url, redis_url=redis_url, **environment) as (url, doors):
        yield Site(url, doors.settings, db, doors)
